package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"seaworthy.test/cluster/internal/contract"
)

// module is what is known of one that was registered.
type module struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
	Hash  string `json:"sha256"`
}

var errNoModule = errors.New("there is no such module")

// moduleStore keeps modules somewhere.
type moduleStore interface {
	put(ctx context.Context, about module, data []byte) error
	get(ctx context.Context, name string) ([]byte, error)
	list(ctx context.Context) ([]module, error)
}

// modules is the repository.
type modules struct {
	server *server
	store  moduleStore
}

func (s *server) startModules(ctx context.Context, spec contract.Modules, mux *http.ServeMux) error {
	if err := s.expandAll(&spec.Dir, &spec.Metadata, &spec.Cache); err != nil {
		return err
	}
	store, err := s.openStore(ctx, spec)
	if err != nil {
		return err
	}
	m := &modules{s, store}
	mux.HandleFunc("PUT "+spec.Path+"/{name}", m.put)
	mux.HandleFunc("GET "+spec.Path+"/{name}", m.get)
	mux.HandleFunc("GET "+spec.Path, m.list)
	return nil
}

func (s *server) openStore(ctx context.Context, spec contract.Modules) (moduleStore, error) {
	objects, err := s.expandObjects(spec.Objects)
	if err != nil {
		return nil, err
	}
	p := &spec.Postgres
	if err := s.expandAll(&p.Host, &p.Port, &p.Database, &p.User, &p.Password, &p.Certificate); err != nil {
		return nil, err
	}
	if (p.Host == "") != (objects == nil) {
		return nil, errors.New("modules: a database and a bucket go together")
	}
	if err := os.MkdirAll(spec.Cache, 0o755); err != nil {
		return nil, err
	}
	if objects == nil {
		return openLocal(spec)
	}
	return s.openRemote(ctx, spec, objects)
}

func (m *modules) put(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest))
	if err != nil || !dnsLabel.MatchString(name) {
		http.Error(w, fmt.Sprintf("module %q: %v", name, err), http.StatusBadRequest)
		return
	}
	if m.server.faults.has("stop") {
		http.Error(w, "told to stop", http.StatusServiceUnavailable)
		return
	}
	about := module{name, len(data), hexHash(data)}
	if err := m.store.put(r.Context(), about, data); err != nil {
		m.refuse(w, err)
		return
	}
	m.server.log("registered module %s, %d bytes", name, len(data))
	w.WriteHeader(http.StatusCreated)
	writeJSON(w, about)
}

func (m *modules) get(w http.ResponseWriter, r *http.Request) {
	data, err := m.store.get(r.Context(), r.PathValue("name"))
	if err != nil {
		m.refuse(w, err)
		return
	}
	w.Write(data)
}

func (m *modules) list(w http.ResponseWriter, r *http.Request) {
	all, err := m.store.list(r.Context())
	if err != nil {
		m.refuse(w, err)
		return
	}
	writeJSON(w, map[string]any{"modules": all, "count": len(all)})
}

func (m *modules) refuse(w http.ResponseWriter, err error) {
	if errors.Is(err, errNoModule) {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	m.server.log("%v", err)
	http.Error(w, err.Error(), http.StatusBadGateway)
}

// localStore keeps modules and what is known of them in two folders.
type localStore struct{ dir, metadata string }

func openLocal(spec contract.Modules) (moduleStore, error) {
	return localStore{spec.Dir, spec.Metadata}, errors.Join(os.MkdirAll(spec.Dir, 0o755), os.MkdirAll(spec.Metadata, 0o755))
}

func (l localStore) put(_ context.Context, about module, data []byte) error {
	known, err := json.Marshal(about)
	if err != nil {
		return err
	}
	if err := put(filepath.Join(l.dir, about.Name), data); err != nil {
		return err
	}
	return put(filepath.Join(l.metadata, about.Name+".json"), known)
}

func (l localStore) get(_ context.Context, name string) ([]byte, error) {
	if _, err := os.Stat(filepath.Join(l.metadata, name+".json")); errors.Is(err, fs.ErrNotExist) {
		return nil, errNoModule
	}
	return os.ReadFile(filepath.Join(l.dir, name))
}

func (l localStore) list(context.Context) ([]module, error) {
	files, err := filepath.Glob(filepath.Join(l.metadata, "*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	all := []module{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var one module
		if err := json.Unmarshal(data, &one); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, one)
	}
	return all, nil
}
