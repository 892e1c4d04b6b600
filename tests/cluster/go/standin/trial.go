package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

// trial goes through its steps once; each is tried until it is answered as it should be.
type trial struct {
	server *server
	steps  []contract.Try
	body   string

	mutex   sync.Mutex
	missing string
}

func (s *server) startTrial(ctx context.Context, spec contract.Trial, mux *http.ServeMux) error {
	steps := []contract.Try{}
	for _, step := range spec.Steps {
		if err := s.expandAll(&step.URL, &step.Body, &step.Contains); err != nil {
			return err
		}
		if step.URL != "" {
			steps = append(steps, step)
		}
	}
	if err := s.expandAll(&spec.Body); err != nil {
		return err
	}
	t := &trial{server: s, steps: steps, body: spec.Body, missing: "not tried yet"}
	s.conditions = append(s.conditions, t.reason)
	mux.HandleFunc("GET "+spec.Path, t.tell)
	go t.run(ctx)
	return nil
}

func (t *trial) reason() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.missing
}

// note says in the log what it waits for, once for each reason.
func (t *trial) note(missing string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if missing != t.missing && missing != "" {
		t.server.log("trial: %s", missing)
	}
	t.missing = missing
}

func (t *trial) run(ctx context.Context) {
	for number, step := range t.steps {
		for {
			err := attempt(ctx, step)
			if err == nil {
				break
			}
			t.note(fmt.Sprintf("step %d of %d: %v", number+1, len(t.steps), err))
			select {
			case <-ctx.Done():
				return
			case <-time.After(retry):
			}
		}
	}
	t.server.log("trial: all %d steps have worked", len(t.steps))
	t.note("")
}

func attempt(ctx context.Context, step contract.Try) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, step.Method, step.URL, strings.NewReader(step.Body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	text := strings.TrimSpace(string(said))
	if !slices.Contains(step.Status, response.StatusCode) {
		return fmt.Errorf("%s %s: %s: %s", step.Method, step.URL, response.Status, text)
	}
	if !strings.Contains(text, step.Contains) {
		return fmt.Errorf("%s %s: %q is not in %s", step.Method, step.URL, step.Contains, text)
	}
	return nil
}

func (t *trial) tell(w http.ResponseWriter, _ *http.Request) {
	if reason := t.reason(); reason != "" {
		http.Error(w, "not ready: "+reason, http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, t.body)
}
