package main

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"
)

// leaseSeconds is how long a leader that has gone without a word still counts.
const leaseSeconds = 5

// candidate is one of several of which etcd lets one lead: who makes a key that bears a lease, and keeps the lease alive.
type candidate struct {
	server *server
	etcd   *etcd
	key    []byte
	name   []byte
	lease  string
	leads  atomic.Bool
}

func (s *server) elect(ctx context.Context, e *etcd, key string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	c := &candidate{server: s, etcd: e, key: []byte(e.prefix + key), name: []byte(name)}
	s.leads = c.leads.Load
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(ctx)
	}()
	s.farewells = append(s.farewells, func() {
		<-done
		c.leave()
	})
	return nil
}

func (c *candidate) run(ctx context.Context) {
	for ctx.Err() == nil {
		var err error
		if c.leads.Load() {
			err = c.keep(ctx)
		} else {
			err = c.stand(ctx)
		}
		if err != nil && c.leads.Swap(false) {
			c.server.log("leads no more: %v", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(etcdPause):
		}
	}
}

// stand makes the key with a fresh lease, unless somebody else has made it.
func (c *candidate) stand(ctx context.Context) error {
	if c.lease == "" {
		var granted struct{ ID string }
		if err := c.etcd.ask(ctx, "lease/grant", map[string]any{"TTL": leaseSeconds}, &granted); err != nil {
			return err
		}
		c.lease = granted.ID
	}
	if err := c.keep(ctx); err != nil {
		return err
	}
	absent := map[string]any{"key": c.key, "target": "CREATE", "result": "EQUAL", "create_revision": "0"}
	put := map[string]any{"request_put": map[string]any{"key": c.key, "value": c.name, "lease": c.lease}}
	var answer struct {
		Succeeded bool `json:"succeeded"`
	}
	txn := map[string]any{"compare": []any{absent}, "success": []any{put}}
	if err := c.etcd.ask(ctx, "kv/txn", txn, &answer); err != nil {
		return err
	}
	if answer.Succeeded {
		c.leads.Store(true)
		c.server.log("leads from now on")
	}
	return nil
}

// keep renews the lease. One that etcd does not know any more is given up.
func (c *candidate) keep(ctx context.Context) error {
	var answer struct {
		Result struct{ TTL string } `json:"result"`
	}
	if err := c.etcd.ask(ctx, "lease/keepalive", map[string]any{"ID": c.lease}, &answer); err != nil {
		return err
	}
	if answer.Result.TTL == "" || answer.Result.TTL == "0" {
		c.lease = ""
		return errors.New("the lease ran out")
	}
	return nil
}

// leave lets another one lead at once.
func (c *candidate) leave() {
	if c.lease == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var answer struct{}
	if err := c.etcd.ask(ctx, "lease/revoke", map[string]any{"ID": c.lease}, &answer); err != nil {
		c.server.log("the lease runs out by itself: %v", err)
	}
}
