package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

// executor runs modules for a balancer: it fetches one by its name, and what it makes of it depends on what is in it.
type executor struct {
	server  *server
	name    string
	modules string
	objects *objectStore
}

func (s *server) startExecutor(ctx context.Context, spec contract.Executor, mux *http.ServeMux) error {
	if err := s.expandAll(&spec.To, &spec.Port, &spec.Modules); err != nil {
		return err
	}
	objects, err := s.expandObjects(spec.Objects)
	if err != nil {
		return err
	}
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	e := &executor{s, name, strings.TrimSuffix(spec.Modules, "/"), objects}
	mux.HandleFunc("POST "+spec.Path, e.run)
	who, err := json.Marshal(announcement{Name: name, Port: spec.Port, Path: spec.Path})
	if err != nil {
		return err
	}
	go s.announce(ctx, spec.To, who)
	return nil
}

func (e *executor) run(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<10))
	name := strings.TrimSpace(string(body))
	if err != nil || !dnsLabel.MatchString(name) {
		http.Error(w, fmt.Sprintf("module %q: %v", name, err), http.StatusBadRequest)
		return
	}
	data, from, err := e.fetch(r.Context(), name)
	if err != nil {
		e.server.log("module %s: %v", name, err)
		http.Error(w, err.Error(), status(err))
		return
	}
	e.server.log("ran module %s, %d bytes from %s", name, len(data), from)
	writeJSON(w, map[string]any{"runner": e.name, "module": name, "bytes": len(data), "sha256": hexHash(data), "from": from})
}

// status is 404 for what is not there, and 502 for everything else that another one said.
func status(err error) int {
	var said *objectError
	if errors.Is(err, errNoModule) || errors.As(err, &said) && said.status == http.StatusNotFound {
		return http.StatusNotFound
	}
	return http.StatusBadGateway
}

func (e *executor) fetch(ctx context.Context, name string) ([]byte, string, error) {
	if e.objects != nil {
		data, err := e.objects.get(ctx, name)
		return data, "bucket", err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.modules+"/"+name, nil)
	if err != nil {
		return nil, "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, largest))
	switch {
	case err != nil:
		return nil, "", err
	case response.StatusCode == http.StatusNotFound:
		return nil, "", errNoModule
	case response.StatusCode != http.StatusOK:
		return nil, "", fmt.Errorf("GET %s: %s: %s", request.URL, response.Status, data)
	}
	return data, "repository", nil
}
