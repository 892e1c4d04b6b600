package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

const (
	queueLimit = 10000
	batchLimit = 100
	batchWait  = 5 * time.Second
)

// safeName is a topic or key that may become a file's name.
var safeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,200}$`)

type queue struct {
	mutex   sync.Mutex
	topics  map[string][]json.RawMessage
	arrived chan struct{} // closed at every message
	dir     string
	server  *server
}

func (s *server) startQueue(spec contract.Queue, mux *http.ServeMux) error {
	if err := s.expandAll(&spec.Dir); err != nil {
		return err
	}
	q := &queue{topics: map[string][]json.RawMessage{}, arrived: make(chan struct{}), dir: spec.Dir, server: s}
	mux.HandleFunc("POST "+spec.Publish, q.publish)
	mux.HandleFunc("GET "+spec.Consume, q.consume)
	mux.HandleFunc("GET "+spec.Stats, q.stats)
	return nil
}

func (q *queue) publish(w http.ResponseWriter, r *http.Request) {
	topic := r.PathValue("topic")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil || !json.Valid(body) || !safeName.MatchString(topic) {
		http.Error(w, "a topic and a JSON document are needed", http.StatusBadRequest)
		return
	}
	if err := q.keep(topic, body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (q *queue) keep(topic string, body []byte) error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.dir != "" {
		folder := filepath.Join(q.dir, topic)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := appendLine(filepath.Join(folder, "messages.log"), body); err != nil {
			return err
		}
	}
	messages := append(q.topics[topic], body)
	if over := len(messages) - queueLimit; over > 0 {
		messages = messages[over:]
		q.server.counters.Dropped.Add(int64(over))
	}
	q.topics[topic] = messages
	q.server.counters.Queued.Add(1)
	close(q.arrived)
	q.arrived = make(chan struct{})
	return nil
}

// consume waits a while for the first message, then gives what is there.
func (q *queue) consume(w http.ResponseWriter, r *http.Request) {
	topic := r.PathValue("topic")
	for end := time.After(batchWait); ; {
		batch, arrived := q.take(topic)
		if len(batch) > 0 {
			writeJSON(w, batch)
			return
		}
		select {
		case <-arrived:
		case <-r.Context().Done():
			return
		case <-end:
			writeJSON(w, batch)
			return
		}
	}
}

func (q *queue) take(topic string) ([]json.RawMessage, <-chan struct{}) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	messages := q.topics[topic]
	n := min(len(messages), batchLimit)
	q.topics[topic] = messages[n:]
	if q.server.faults.has("stop") {
		n = 0
		q.topics[topic] = messages
	}
	return append([]json.RawMessage{}, messages[:n]...), q.arrived
}

func (q *queue) stats(w http.ResponseWriter, _ *http.Request) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	waiting := map[string]int{}
	for topic, messages := range q.topics {
		waiting[topic] = len(messages)
	}
	writeJSON(w, map[string]any{"waiting": waiting, "total": q.server.counters.Queued.Load()})
}
