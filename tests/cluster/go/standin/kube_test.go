package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// apiServer is as much of one as a maker asks for, with rights; the real one is in the cluster's tests.
type apiServer struct {
	mutex   sync.Mutex
	token   string
	rights  []string // "verb resource"
	objects map[string]map[string]any
	pods    []map[string]any
	watches []chan map[string]any
	nodes   []string // what a list of nodes has
	patched []string // NODE:BODY
}

// inCluster gives the test the surroundings of a pod whose account has these rights.
func inCluster(t *testing.T, rights ...string) (*apiServer, string) {
	t.Helper()
	a := &apiServer{token: "first", rights: rights, objects: map[string]map[string]any{}}
	web := httptest.NewTLSServer(a)
	t.Cleanup(func() {
		web.CloseClientConnections() // of watches
		web.Close()
	})
	account := t.TempDir()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	for name, text := range map[string]string{"token": "first\n", "namespace": "harbour", "ca.crt": string(authority)} {
		if err := os.WriteFile(filepath.Join(account, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	host, port, err := net.SplitHostPort(web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", host)
	t.Setenv("KUBERNETES_SERVICE_PORT", port)
	return a, account
}

func (a *apiServer) allow(rights ...string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.rights = rights
}

func (a *apiServer) paths() []string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	paths := []string{}
	for path := range a.objects {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// pod is seen by lists and watches.
func (a *apiServer) pod(name, phase string, status map[string]any) {
	status["phase"] = phase
	pod := map[string]any{"metadata": map[string]any{"name": name}, "spec": map[string]any{"nodeName": "n1"}, "status": status}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.pods = append(slices.DeleteFunc(a.pods, func(p map[string]any) bool { return p["metadata"].(map[string]any)["name"] == name }), pod)
	for _, watch := range a.watches {
		watch <- map[string]any{"type": "MODIFIED", "object": pod}
	}
}

var discovery = map[string]string{
	"/api/v1":        `{"resources":[{"name":"pods","kind":"Pod","namespaced":true},{"name":"pods/log","kind":"Pod","namespaced":true},{"name":"services","kind":"Service","namespaced":true},{"name":"nodes","kind":"Node"}]}`,
	"/apis/batch/v1": `{"resources":[{"name":"jobs","kind":"Job","namespaced":true}]}`,
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if list, ok := discovery[r.URL.Path]; ok {
		fmt.Fprint(w, list)
		return
	}
	a.mutex.Lock()
	status, message := a.admit(r)
	a.mutex.Unlock()
	if status != http.StatusOK {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "message": message})
		return
	}
	switch {
	case r.URL.Query().Get("watch") != "":
		a.stream(w, r)
	case path.Base(r.URL.Path) == "log":
		fmt.Fprintf(w, "line 1 of %s\nline 2\n", r.URL.Query().Get("container"))
	case path.Base(r.URL.Path) == "pods" && r.Method == http.MethodGet:
		a.mutex.Lock()
		defer a.mutex.Unlock()
		json.NewEncoder(w).Encode(map[string]any{"metadata": map[string]any{"resourceVersion": "1"}, "items": a.pods})
	default:
		a.object(w, r)
	}
}

// verbs of what is asked; a path ends with a resource or with an object's name.
func verbOf(r *http.Request) (verb, resource string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	last := parts[len(parts)-1]
	known := func(name string) bool {
		return slices.Contains([]string{"pods", "services", "jobs", "nodes", "namespaces"}, name)
	}
	switch {
	case last == "log":
		return "get", "pods/log"
	case r.URL.Query().Get("watch") != "":
		return "watch", last
	case r.Method == http.MethodPost:
		return "create", last
	case known(last):
		return "list", last
	}
	return map[string]string{http.MethodGet: "get", http.MethodDelete: "delete", http.MethodPatch: "patch"}[r.Method], parts[len(parts)-2]
}

func (a *apiServer) admit(r *http.Request) (int, string) {
	if r.Header.Get("Authorization") != "Bearer "+a.token {
		return http.StatusUnauthorized, "Unauthorized"
	}
	verb, resource := verbOf(r)
	if !slices.Contains(a.rights, verb+" "+resource) {
		return http.StatusForbidden, fmt.Sprintf(`%s is forbidden: User "system:serviceaccount:harbour:x" cannot %s resource "%s"`, resource, verb, resource)
	}
	return http.StatusOK, ""
}

func (a *apiServer) object(w http.ResponseWriter, r *http.Request) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	_, there := a.objects[r.URL.Path]
	verb, _ := verbOf(r)
	switch {
	case r.Method == http.MethodPost:
		var object map[string]any
		if err := json.NewDecoder(r.Body).Decode(&object); err != nil || r.URL.Query().Get("fieldValidation") != "Strict" {
			http.Error(w, "strict JSON is wanted", http.StatusBadRequest)
			return
		}
		metadata := object["metadata"].(map[string]any)
		if generated, ok := metadata["generateName"].(string); ok {
			metadata["name"] = generated + "abc12"
		}
		metadata["uid"] = "uid-of-" + metadata["name"].(string)
		a.objects[r.URL.Path+"/"+metadata["name"].(string)] = object
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(object)
	case verb == "list" && path.Base(r.URL.Path) == "nodes":
		items := []map[string]any{}
		for _, name := range a.nodes {
			items = append(items, map[string]any{"metadata": map[string]any{"name": name}})
		}
		json.NewEncoder(w).Encode(map[string]any{"items": items})
	case verb == "patch" && slices.Contains(a.nodes, path.Base(r.URL.Path)):
		body, _ := io.ReadAll(r.Body)
		a.patched = append(a.patched, path.Base(r.URL.Path)+":"+string(body))
		fmt.Fprint(w, `{}`)
	case !there && verb != "list" && r.URL.Path != "/api/v1/namespaces/kube-system":
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"kind":"Status","message":"not found"}`)
	case r.Method == http.MethodDelete:
		delete(a.objects, r.URL.Path)
		fmt.Fprint(w, `{"kind":"Status","status":"Success"}`)
	default:
		fmt.Fprint(w, `{}`)
	}
}

func (a *apiServer) stream(w http.ResponseWriter, r *http.Request) {
	events := make(chan map[string]any, 16)
	a.mutex.Lock()
	for _, pod := range a.pods { // what came between list and watch, too
		events <- map[string]any{"type": "MODIFIED", "object": pod}
	}
	a.watches = append(a.watches, events)
	a.mutex.Unlock()
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case event := <-events:
			json.NewEncoder(w).Encode(event)
			w.(http.Flusher).Flush()
		}
	}
}
