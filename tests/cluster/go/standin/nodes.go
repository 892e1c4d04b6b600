package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"

	"seaworthy.test/cluster/internal/contract"
)

// startRights asks what must and what must not be allowed; otherwise the stand-in does not start.
func (s *server) startRights(ctx context.Context, spec contract.Rights) error {
	if err := s.expandAll(&spec.Account, &spec.Namespace); err != nil {
		return err
	}
	k, err := newKube(spec.Account)
	if err != nil {
		return err
	}
	m := &maker{server: s, spec: contract.Maker{Probe: spec.Probe}, kube: k, namespace: spec.Namespace}
	if m.namespace == "" {
		m.namespace = k.namespace
	}
	return m.probe(ctx)
}

// startMember makes itself known for as long as it lives.
func (s *server) startMember(ctx context.Context, spec contract.Member) error {
	if err := s.expandAll(&spec.To, &spec.Port); err != nil {
		return err
	}
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	who, err := json.Marshal(announcement{Name: name, Port: spec.Port})
	if err != nil {
		return err
	}
	go s.announce(ctx, spec.To, who)
	return nil
}

// filterArguments is what a kube-scheduler sends when it knows no names of nodes alone.
type filterArguments struct {
	Pod struct {
		Metadata struct{ Namespace, Name string }
	}
	Nodes struct {
		Items []json.RawMessage
	}
}

// startFilter gives a scheduler all its nodes back, as they came.
func (s *server) startFilter(spec contract.Filter, mux *http.ServeMux) error {
	mux.HandleFunc("POST "+spec.Path, func(w http.ResponseWriter, r *http.Request) {
		var asked filterArguments
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<20)).Decode(&asked); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.log("asked about %s/%s and %d nodes", asked.Pod.Metadata.Namespace, asked.Pod.Metadata.Name, len(asked.Nodes.Items))
		writeJSON(w, map[string]any{"Nodes": map[string]any{"Items": asked.Nodes.Items}, "FailedNodes": map[string]string{}, "Error": ""})
	})
	return nil
}
