package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"
)

// watched are the kinds in which a cause first shows.
var watched = []string{
	"/api/v1/namespaces/%s/events", "/api/v1/namespaces/%s/pods", "/api/v1/namespaces/%s/persistentvolumeclaims",
	"/apis/apps/v1/namespaces/%s/replicasets", "/apis/batch/v1/namespaces/%s/jobs",
}

// marks tells when texts first stood in one object of a namespace.
type marks struct {
	lock  sync.Mutex
	texts [][]byte
	at    time.Time
}

// watchMarks begins all watches before it returns, and ends them with the context. A mark is one text, or several with & between.
func watchMarks(ctx context.Context, c *cluster, namespace, mark string) (*marks, error) {
	m := &marks{}
	if mark == "-" {
		return m, nil
	}
	m.texts = bytes.Split([]byte(mark), []byte("&"))
	for _, path := range watched {
		if err := c.watch(ctx, fmt.Sprintf(path, namespace), m.look); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *marks) first() time.Time {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.at
}

func (m *marks) look(line []byte) {
	now := time.Now()
	m.lock.Lock()
	defer m.lock.Unlock()
	for _, text := range m.texts {
		if !bytes.Contains(line, text) {
			return
		}
	}
	if m.at.IsZero() {
		m.at = now
	}
}
