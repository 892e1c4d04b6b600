package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

// upstream is something that must be reached; once it was, it counts for good.
type upstream struct {
	contract.Upstream
	reached atomic.Bool
}

const retry = 500 * time.Millisecond

// reachUpstreams waits for those with `wait: exit` and tries the others beside.
func (s *server) reachUpstreams(ctx context.Context) error {
	for _, spec := range s.contract.Upstreams {
		http, err := s.values.Expand(spec.HTTP, nil)
		if err != nil {
			return err
		}
		tcp, err := s.values.Expand(spec.TCP, nil)
		if err != nil {
			return err
		}
		spec.HTTP, spec.TCP = http, tcp
		u := &upstream{Upstream: spec}
		s.upstreams[spec.Name] = u
		if spec.Wait != "exit" {
			go s.pursue(ctx, u)
			continue
		}
		timeout, _ := time.ParseDuration(spec.Timeout)
		limited, cancel := context.WithTimeout(ctx, timeout)
		err = s.pursue(limited, u)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *server) pursue(ctx context.Context, u *upstream) error {
	var last string
	for {
		err := u.try(ctx)
		if err == nil {
			u.reached.Store(true)
			s.log("reached %s at %s%s", u.Name, u.HTTP, u.TCP)
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("cannot reach %s: %s", u.Name, last)
		}
		if err.Error() != last {
			last = err.Error()
			s.log("waiting for %s: %s", u.Name, last)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot reach %s: %s", u.Name, last)
		case <-time.After(retry):
		}
	}
}

func (u *upstream) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if u.TCP != "" {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.TCP)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.HTTP, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("GET %s: %s", u.HTTP, answer.Status)
	}
	return nil
}

// notReady says why `ready` routes answer 503, or nothing.
func (s *server) notReady() string {
	if s.faults.has("not-ready") {
		return "not ready: told so"
	}
	for _, spec := range s.contract.Upstreams {
		if spec.Wait == "ready" && !s.upstreams[spec.Name].reached.Load() {
			return "not ready: " + spec.Name + " not reached"
		}
	}
	for _, condition := range s.conditions {
		if reason := condition(); reason != "" {
			return "not ready: " + reason
		}
	}
	return ""
}
