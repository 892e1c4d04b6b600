package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

// probePatience is how long an API server that cannot be reached is waited for at the start.
const probePatience = 30 * time.Second

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$`)

// maker makes objects when it is told to, with the rights of its pod's service account.
type maker struct {
	server    *server
	spec      contract.Maker
	kube      *kube
	namespace string
	text      string
	life      context.Context

	mutex sync.Mutex
	made  map[string]*made
}

// made is what one order brought about.
type made struct {
	name    string
	objects []madeObject
	follow  *follower
	end     context.CancelFunc
}

func (s *server) startMaker(ctx context.Context, spec contract.Maker, mux *http.ServeMux) error {
	if err := s.expandAll(&spec.Account, &spec.Namespace, &spec.File); err != nil {
		return err
	}
	k, err := newKube(spec.Account)
	if err != nil {
		return err
	}
	m := &maker{server: s, spec: spec, kube: k, namespace: spec.Namespace, text: spec.Objects, life: ctx, made: map[string]*made{}}
	if m.namespace == "" {
		m.namespace = k.namespace
	}
	if spec.File != "" {
		data, err := os.ReadFile(spec.File)
		if err != nil {
			return err
		}
		m.text = string(data)
	}
	if err := m.probe(ctx); err != nil {
		return err
	}
	s.conditions = append(s.conditions, m.reason)
	mux.HandleFunc("POST "+spec.Path, m.post)
	mux.HandleFunc("GET "+spec.Path, m.tell)
	mux.HandleFunc("DELETE "+spec.Path+"/{name}", m.remove)
	return nil
}

// probe asks what the real program asks at its start.
func (m *maker) probe(ctx context.Context) error {
	order, err := contract.NewOrder("", m.namespace, nil, nil)
	if err != nil {
		return err
	}
	for _, ask := range m.spec.Probe {
		if err := m.probeOne(ctx, ask, order); err != nil {
			return err
		}
	}
	return nil
}

// probeOne tries again while nobody answers; a refusal is an answer.
func (m *maker) probeOne(ctx context.Context, ask contract.Ask, order contract.Order) error {
	limited, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	var last error
	for {
		err := m.request(limited, ask, order)
		var refused refusal
		if err == nil || errors.As(err, &refused) {
			return m.judge(ask, err)
		}
		if limited.Err() != nil {
			return m.judge(ask, cmp.Or(last, err))
		}
		last = err
		select {
		case <-limited.Done():
		case <-time.After(retry):
		}
	}
}

// judge lets a refusal pass that the real program would only write down.
func (m *maker) judge(ask contract.Ask, err error) error {
	if err != nil && ask.Refused == "log" {
		m.server.log("%v", err)
		return nil
	}
	return err
}

func (m *maker) request(ctx context.Context, ask contract.Ask, order contract.Order) error {
	if ask.Each == nil {
		return m.requestOne(ctx, ask, order)
	}
	names, err := m.items(ctx, *ask.Each, order)
	if err != nil {
		return err
	}
	for _, name := range names {
		order.Item = name
		if err := m.requestOne(ctx, ask, order); err != nil {
			return err
		}
	}
	return nil
}

// items are the names of what a list holds, but for those that are to be left out.
func (m *maker) items(ctx context.Context, each contract.Each, order contract.Order) ([]string, error) {
	path, err := m.server.values.Expand(each.Path, order)
	if err != nil {
		return nil, err
	}
	answer, err := m.kube.ask(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []struct{ Metadata struct{ Name string } }
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		return nil, err
	}
	names := []string{}
	for _, item := range list.Items {
		if each.Skip == "" || !regexp.MustCompile(each.Skip).MatchString(item.Metadata.Name) {
			names = append(names, item.Metadata.Name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: nothing there", path)
	}
	return names, nil
}

func (m *maker) requestOne(ctx context.Context, ask contract.Ask, order contract.Order) error {
	path, err := m.server.values.Expand(ask.Path, order)
	if err != nil {
		return err
	}
	body, err := m.server.values.Expand(ask.Body, order)
	if err != nil {
		return err
	}
	_, err = m.kube.ask(ctx, ask.Method, path, ask.ContentType, []byte(body))
	var refused refusal
	status := http.StatusOK
	if errors.As(err, &refused) {
		status = refused.status
	}
	switch {
	case len(ask.Status) == 0 || err != nil && status == http.StatusOK:
		return err
	case slices.Contains(ask.Status, status):
		return nil
	case err == nil:
		return refusal{status, fmt.Sprintf("%s %s: succeeds, wanted is %v", ask.Method, path, ask.Status)}
	}
	return err
}

// post makes what is ordered: {"name": ..., and the parameters}.
func (m *maker) post(w http.ResponseWriter, r *http.Request) {
	given := map[string]string{}
	if r.ContentLength != 0 {
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&given); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	if m.server.faults.has("stop") {
		http.Error(w, "told to stop", http.StatusServiceUnavailable)
		return
	}
	done, err := m.make(r.Context(), given)
	if err != nil {
		m.refuse(w, err)
		return
	}
	w.WriteHeader(http.StatusCreated)
	writeJSON(w, map[string]any{"name": done.name, "objects": done.objects})
}

// refuse passes on what the API server said.
func (m *maker) refuse(w http.ResponseWriter, err error) {
	m.server.log("%v", err)
	status := http.StatusBadRequest
	var refused refusal
	if errors.As(err, &refused) {
		status = refused.status
	}
	http.Error(w, err.Error(), status)
}

func (m *maker) make(ctx context.Context, given map[string]string) (*made, error) {
	name := given["name"]
	delete(given, "name")
	if name == "" {
		name = randomName()
	}
	if !dnsLabel.MatchString(name) {
		return nil, fmt.Errorf("name %q: at most 40 of a-z, 0-9 and -", name)
	}
	order, err := contract.NewOrder(name, m.namespace, given, m.spec.Params)
	if err != nil {
		return nil, err
	}
	documents, err := contract.Documents(m.text, m.server.values, order)
	if err != nil {
		return nil, err
	}
	if err := m.reserve(name); err != nil {
		return nil, err
	}
	done := &made{name: name}
	if err := m.fill(ctx, done, documents, order); err != nil {
		m.undo(done)
		m.release(name)
		return nil, err
	}
	m.keep(done, order)
	return done, nil
}

func randomName() string {
	var bytes [4]byte
	rand.Read(bytes[:])
	return "m" + hex.EncodeToString(bytes[:])
}

func (m *maker) fill(ctx context.Context, done *made, documents []map[string]any, order contract.Order) error {
	for _, document := range documents {
		if m.spec.Owned && len(done.objects) > 0 {
			own(document, done.objects[0])
		}
		object, err := m.kube.create(ctx, document, m.namespace)
		if err != nil {
			return fmt.Errorf("cannot make %v: %w", document["kind"], err)
		}
		m.server.log("made %s %s", object.Kind, object.Name)
		done.objects = append(done.objects, object)
	}
	for _, ask := range m.spec.Ask {
		if err := m.judge(ask, m.request(ctx, ask, order)); err != nil {
			return err
		}
	}
	return nil
}

// reserve takes a name while its objects are being made.
func (m *maker) reserve(name string) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if _, taken := m.made[name]; taken {
		return refusal{http.StatusConflict, fmt.Sprintf("%s is there already", name)}
	}
	m.made[name] = nil
	return nil
}

func (m *maker) release(name string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	delete(m.made, name)
}

func (m *maker) keep(done *made, order contract.Order) {
	ctx, end := context.WithCancel(m.life)
	done.end = end
	if m.spec.Follow != nil && m.spec.Follow.Pods != "" {
		done.follow = &follower{maker: m, name: done.name, order: order, pods: map[string]*podState{}, lines: []string{}}
		go done.follow.run(ctx)
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.made[done.name] = done
}

// undo takes away what an order that failed has brought about so far.
func (m *maker) undo(done *made) {
	if err := m.clear(context.WithoutCancel(m.life), done); err != nil {
		m.server.log("%v", err)
	}
}

func (m *maker) remove(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	m.mutex.Lock()
	done := m.made[name]
	m.mutex.Unlock()
	if done == nil {
		http.Error(w, "not found: "+name, http.StatusNotFound)
		return
	}
	if err := m.clear(r.Context(), done); err != nil {
		m.refuse(w, err)
		return
	}
	done.end()
	m.release(name)
	w.WriteHeader(http.StatusNoContent)
}

// kept are the finished ones, by name.
func (m *maker) kept() []*made {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	all := []*made{}
	for _, done := range m.made {
		if done != nil {
			all = append(all, done)
		}
	}
	slices.SortFunc(all, func(a, b *made) int { return cmp.Compare(a.name, b.name) })
	return all
}

func (m *maker) tell(w http.ResponseWriter, r *http.Request) {
	told := []map[string]any{}
	for _, done := range m.kept() {
		objects, err := m.look(r.Context(), done.objects)
		if err != nil {
			m.refuse(w, err)
			return
		}
		one := map[string]any{"name": done.name, "objects": objects}
		if done.follow != nil {
			one["pods"], one["log"] = done.follow.told()
		}
		told = append(told, one)
	}
	writeJSON(w, map[string]any{"made": told, "count": len(told)})
}

// reason says what of those it follows cannot be followed.
func (m *maker) reason() string {
	for _, done := range m.kept() {
		if done.follow != nil {
			if problem := done.follow.reason(); problem != "" {
				return problem
			}
		}
	}
	return ""
}
