package main

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// entry is one line of the request log.
type entry struct {
	Time         time.Time `json:"time"`
	Method       string    `json:"method,omitempty"`
	Path         string    `json:"path,omitempty"`
	Query        string    `json:"query,omitempty"`
	Status       int       `json:"status"`
	Milliseconds int64     `json:"ms"`
	Mutating     bool      `json:"mutating"`
	Note         string    `json:"note,omitempty"`
}

type record struct {
	mutex sync.Mutex
	file  *os.File
}

func openRecord(path string) (*record, error) {
	if path == "" {
		return &record{}, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	return &record{file: file}, err
}

func (r *record) write(e *entry) {
	if r.file == nil {
		return
	}
	line, err := json.Marshal(e)
	if err != nil {
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.file.Write(append(line, '\n'))
}

// statusWriter remembers the answer's status. It passes on flushing and
// hijacking, which watches and upgrades need.
type statusWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *statusWriter) Write(b []byte) (int, error) {
	written, err := w.ResponseWriter.Write(b)
	w.bytes += int64(written)
	return written, err
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Flush() { http.NewResponseController(w.ResponseWriter).Flush() }

func (w *statusWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.status = http.StatusSwitchingProtocols
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// discard takes an answer that nobody is to see.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
