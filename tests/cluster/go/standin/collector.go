package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

type collector struct {
	mutex  sync.Mutex
	dir    string
	limit  int
	series map[string][]json.RawMessage
	server *server
}

func (s *server) startCollector(ctx context.Context, spec contract.Collector, mux *http.ServeMux) error {
	if err := s.expandAll(&spec.From, &spec.Dir, &spec.Max); err != nil {
		return err
	}
	limit, err := strconv.Atoi(spec.Max)
	if err != nil || limit < 1 {
		return fmt.Errorf("collector: max %q", spec.Max)
	}
	c := &collector{dir: spec.Dir, limit: limit, series: map[string][]json.RawMessage{}, server: s}
	if err := c.load(); err != nil {
		return err
	}
	mux.HandleFunc("GET "+spec.API, c.keys)
	mux.HandleFunc("GET "+spec.API+"/{key}/telemetry", c.one)
	mux.HandleFunc("GET "+spec.Stats, c.stats)
	if spec.Publish != "" {
		mux.HandleFunc("POST "+spec.Publish, c.receive)
	}
	if spec.From != "" {
		go c.consume(ctx, spec.From)
	}
	return nil
}

// load takes up what an earlier start left on the volume.
func (c *collector) load() error {
	files, err := filepath.Glob(filepath.Join(c.dir, "*.jsonl"))
	if err != nil {
		return err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		key := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		for line := range bytes.Lines(data) {
			if json.Valid(line) {
				c.remember(key, bytes.TrimSpace(line))
			}
		}
	}
	return nil
}

func (c *collector) remember(key string, line []byte) {
	lines := append(c.series[key], line)
	c.series[key] = lines[max(0, len(lines)-c.limit):]
}

func (c *collector) add(r record) error {
	if !safeName.MatchString(r.Key) {
		return fmt.Errorf("key %q", r.Key)
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if err := appendLine(filepath.Join(c.dir, r.Key+".jsonl"), line); err != nil {
		return err
	}
	c.remember(r.Key, line)
	c.server.counters.Collected.Add(1)
	return nil
}

func (c *collector) consume(ctx context.Context, from string) {
	told := false
	for ctx.Err() == nil {
		if c.server.faults.has("stop") {
			time.Sleep(retry)
			continue
		}
		records, err := fetch(ctx, from)
		if err == nil {
			told = false
			err = c.addAll(records)
		}
		if err != nil {
			if !told {
				c.server.log("consume failed: %v", err)
			}
			told = true
			time.Sleep(retry)
		}
	}
}

func (c *collector) addAll(records []record) error {
	for _, r := range records {
		if err := c.add(r); err != nil {
			return err
		}
	}
	return nil
}

func fetch(ctx context.Context, from string) ([]record, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*batchWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", from, answer.Status)
	}
	var records []record
	return records, json.NewDecoder(answer.Body).Decode(&records)
}

func (c *collector) receive(w http.ResponseWriter, r *http.Request) {
	var got record
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(body, &got)
	}
	if err == nil {
		err = c.add(got)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (c *collector) keys(w http.ResponseWriter, _ *http.Request) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	keys := []string{}
	for key := range c.series {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	writeJSON(w, map[string]any{"gpus": keys, "count": len(keys)})
}

func (c *collector) one(w http.ResponseWriter, r *http.Request) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	key := r.PathValue("key")
	lines, ok := c.series[key]
	if !ok {
		http.Error(w, "not found: "+key, http.StatusNotFound)
		return
	}
	writeJSON(w, map[string]any{"id": key, "telemetry": lines, "count": len(lines)})
}

func (c *collector) stats(w http.ResponseWriter, _ *http.Request) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	total := 0
	for _, lines := range c.series {
		total += len(lines)
	}
	writeJSON(w, map[string]any{"records": total, "keys": len(c.series)})
}
