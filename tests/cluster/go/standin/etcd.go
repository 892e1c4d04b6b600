package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

// etcdPause is between two looks at whether etcd still answers.
const etcdPause = time.Second

// etcd speaks to a real one over the JSON gateway of its client port
// (etcd.io/docs/v3.6/dev-guide/api_grpc_gateway).
type etcd struct {
	server    *server
	endpoints []string
	prefix    string

	mutex   sync.Mutex
	problem string // why it cannot be used; empty when it can
	starts  int
}

// etcdAnswer is what is used of an answer to put and range.
type etcdAnswer struct {
	Header struct {
		Cluster  string `json:"cluster_id"`
		Revision string `json:"revision"`
	} `json:"header"`
	Pairs []struct {
		Value []byte `json:"value"`
	} `json:"kvs"`
}

func (s *server) startEtcd(ctx context.Context, spec contract.Etcd, mux *http.ServeMux) error {
	if err := s.expandAll(&spec.Endpoints, &spec.Prefix); err != nil {
		return err
	}
	e := &etcd{server: s, endpoints: strings.Split(spec.Endpoints, ","), prefix: spec.Prefix, problem: "etcd not reached"}
	s.conditions = append(s.conditions, e.reason)
	mux.HandleFunc("GET "+spec.Path, e.tell)
	mux.HandleFunc("GET "+spec.Path+"/{name}", e.read)
	mux.HandleFunc("PUT "+spec.Path+"/{name}", e.write)
	go e.watch(ctx)
	if spec.Leader != "" {
		return s.elect(ctx, e, spec.Leader)
	}
	return nil
}

func (e *etcd) reason() string {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.problem
}

// watch counts this start in etcd, and from then on looks whether it can still be read there.
func (e *etcd) watch(ctx context.Context) {
	counted := false
	for ctx.Err() == nil {
		err := e.look(ctx, &counted)
		e.note(err)
		select {
		case <-ctx.Done():
		case <-time.After(etcdPause):
		}
	}
}

func (e *etcd) look(ctx context.Context, counted *bool) error {
	starts, err := e.count(ctx)
	if err == nil && !*counted {
		starts++
		if _, err = e.put(ctx, "starts", []byte(strconv.Itoa(starts))); err == nil {
			*counted = true
			var kept int
			if kept, err = e.count(ctx); err == nil && kept != starts {
				err = fmt.Errorf("etcd was given starts=%d and gives back %d", starts, kept)
			}
		}
	}
	if err == nil {
		e.mutex.Lock()
		e.starts = starts
		e.mutex.Unlock()
	}
	return err
}

// note says what has changed.
func (e *etcd) note(err error) {
	problem := ""
	if err != nil {
		problem = "etcd: " + err.Error()
	}
	e.mutex.Lock()
	before := e.problem
	e.problem = problem
	e.mutex.Unlock()
	switch {
	case problem == before:
	case problem == "":
		e.server.log("etcd answers")
	default:
		e.server.log("%s", problem)
	}
}

func (e *etcd) count(ctx context.Context) (int, error) {
	answer, err := e.get(ctx, "starts")
	if err != nil || len(answer.Pairs) == 0 {
		return 0, err
	}
	return strconv.Atoi(string(answer.Pairs[0].Value))
}

func (e *etcd) get(ctx context.Context, name string) (answer etcdAnswer, err error) {
	return answer, e.ask(ctx, "kv/range", map[string]any{"key": []byte(e.prefix + name)}, &answer)
}

func (e *etcd) put(ctx context.Context, name string, value []byte) (answer etcdAnswer, err error) {
	return answer, e.ask(ctx, "kv/put", map[string]any{"key": []byte(e.prefix + name), "value": value}, &answer)
}

// ask goes from member to member until one answers.
func (e *etcd) ask(ctx context.Context, path string, what, answer any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	var problems []error
	for _, endpoint := range e.endpoints {
		err := askMember(ctx, endpoint+"/v3/"+path, body, answer)
		if err == nil {
			return nil
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func askMember(ctx context.Context, url string, body []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		return fmt.Errorf("%s: %s: %s", url, response.Status, text)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

func (e *etcd) tell(w http.ResponseWriter, r *http.Request) {
	answer, err := e.get(r.Context(), "starts")
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	e.mutex.Lock()
	starts := e.starts
	e.mutex.Unlock()
	writeJSON(w, map[string]any{"starts": starts, "cluster": answer.Header.Cluster, "revision": answer.Header.Revision})
}

func (e *etcd) read(w http.ResponseWriter, r *http.Request) {
	answer, err := e.get(r.Context(), "kept/"+r.PathValue("name"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	case len(answer.Pairs) == 0:
		http.Error(w, "not found: "+r.PathValue("name"), http.StatusNotFound)
	default:
		w.Write(answer.Pairs[0].Value)
	}
}

func (e *etcd) write(w http.ResponseWriter, r *http.Request) {
	value, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if _, err := e.put(r.Context(), "kept/"+r.PathValue("name"), value); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
