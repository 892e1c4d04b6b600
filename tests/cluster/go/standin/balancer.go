package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

// A worker makes itself known this often, each time on a new connection, so that every one of several balancers behind a
// Service hears of it; it is forgotten when it was silent for so long, or when it does not answer.
const (
	announceEvery = time.Second
	forgetAfter   = 15 * time.Second
)

// announcement is how a worker makes itself known; its address is where the request came from.
type announcement struct {
	Name string `json:"name"`
	Port string `json:"port"`
	Path string `json:"path"`
}

type known struct {
	url  string
	seen time.Time
}

// balancer gives each request to the next of the workers that it knows.
type balancer struct {
	mutex   sync.Mutex
	workers map[string]known
	next    int
	journal string
}

func (s *server) startBalancer(spec contract.Balancer, mux *http.ServeMux) error {
	if err := s.expandAll(&spec.Journal); err != nil {
		return err
	}
	b := &balancer{workers: map[string]known{}, journal: spec.Journal}
	mux.HandleFunc("POST "+spec.Workers, b.announced)
	mux.HandleFunc("GET "+spec.Workers, b.tell)
	mux.HandleFunc("POST "+spec.Submit, b.submit)
	return nil
}

func (b *balancer) announced(w http.ResponseWriter, r *http.Request) {
	var who announcement
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&who); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || who.Name == "" {
		http.Error(w, "a name is needed", http.StatusBadRequest)
		return
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.workers[who.Name] = known{"http://" + net.JoinHostPort(host, who.Port) + who.Path, time.Now()}
	w.WriteHeader(http.StatusNoContent)
}

// present forgets the silent ones and names the others.
func (b *balancer) present() []string {
	names := []string{}
	for name, worker := range b.workers {
		if time.Since(worker.seen) > forgetAfter {
			delete(b.workers, name)
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (b *balancer) tell(w http.ResponseWriter, _ *http.Request) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	names := b.present()
	writeJSON(w, map[string]any{"agents": names, "count": len(names)})
}

func (b *balancer) choose() (string, string, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	names := b.present()
	if len(names) == 0 {
		return "", "", fmt.Errorf("there is nobody to work")
	}
	name := names[b.next%len(names)]
	b.next++
	return name, b.workers[name].url, nil
}

// work asks one worker after the other until one answers.
func (b *balancer) work(ctx context.Context, body []byte) (string, int, []byte, error) {
	for {
		name, url, err := b.choose()
		if err != nil {
			return "", 0, nil, err
		}
		status, answer, err := handOn(ctx, url, body)
		if err == nil {
			return name, status, answer, nil
		}
		if ctx.Err() != nil {
			return "", 0, nil, err
		}
		b.forget(name)
	}
}

func (b *balancer) forget(name string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	delete(b.workers, name)
}

func (b *balancer) submit(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	name, status, answer, err := b.work(r.Context(), body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if err := b.note(name, status); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	w.Write(answer)
}

// note adds a line to the history, when there is one.
func (b *balancer) note(name string, status int) error {
	if b.journal == "" {
		return nil
	}
	line, err := json.Marshal(map[string]any{"time": time.Now().UTC().Format(time.RFC3339Nano), "agent": name, "status": status})
	if err != nil {
		return err
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return appendLine(b.journal, line)
}

func handOn(ctx context.Context, url string, body []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, answer, err
}

// startWorker answers requests, unless the folder lacks what it needs; then it is not ready either.
func (s *server) startWorker(ctx context.Context, spec contract.Worker, mux *http.ServeMux) error {
	if err := s.expandAll(&spec.Dir, &spec.To, &spec.Port); err != nil {
		return err
	}
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	s.conditions = append(s.conditions, func() string { return lacking(spec.Dir) })
	mux.HandleFunc("POST "+spec.Path, func(w http.ResponseWriter, r *http.Request) {
		if reason := lacking(spec.Dir); reason != "" {
			s.log("request refused: %s", reason)
			http.Error(w, reason, http.StatusServiceUnavailable)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, map[string]any{"agent": name, "characters": len([]rune(string(body)))})
	})
	who, err := json.Marshal(announcement{Name: name, Port: spec.Port, Path: spec.Path})
	if err != nil {
		return err
	}
	go s.announce(ctx, spec.To, who)
	return nil
}

func (s *server) announce(ctx context.Context, to string, who []byte) {
	var last string
	for {
		status, _, err := handOn(ctx, to, who)
		now := fmt.Sprintf("announced at %s: %d", to, status)
		if err != nil {
			now = fmt.Sprintf("cannot announce: %v", err)
		}
		if now != last {
			s.log("%s", now)
			last = now
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(announceEvery):
		}
	}
}
