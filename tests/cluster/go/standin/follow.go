package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

// keptLines is how much of the logs is told; all of it is written to the stand-in's own.
const keptLines = 50

// follower lists and watches the pods of one order, and reads their logs.
type follower struct {
	maker *maker
	name  string
	order contract.Order

	mutex   sync.Mutex
	pods    map[string]*podState
	lines   []string
	problem string // why the pods cannot be followed, as of now
	unread  string // why a log could not be read; it is not tried again
}

// podState is what is told of a pod.
type podState struct {
	Name  string `json:"name"`
	Phase string `json:"phase"`
	Ready bool   `json:"ready"`
	Node  string `json:"node,omitempty"`
	Exit  *int   `json:"exit,omitempty"`
	reads bool
}

// livePod is as much of a pod as is used.
type livePod struct {
	Metadata struct{ Name, ResourceVersion string }
	Spec     struct{ NodeName string }
	Status   struct {
		Phase             string
		Conditions        []struct{ Type, Status string }
		ContainerStatuses []struct {
			State struct {
				Terminated *struct{ ExitCode int }
			}
		}
	}
}

func (f *follower) run(ctx context.Context) {
	selector, err := f.maker.server.values.Expand(f.maker.spec.Follow.Pods, f.order)
	if err != nil {
		f.note(ctx, err)
		return
	}
	for ctx.Err() == nil {
		f.note(ctx, f.round(ctx, selector))
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
	}
}

// round lists, and watches from there until the watch ends.
func (f *follower) round(ctx context.Context, selector string) error {
	path := "/api/v1/namespaces/" + f.maker.namespace + "/pods?labelSelector=" + url.QueryEscape(selector)
	answer, err := f.maker.kube.ask(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return fmt.Errorf("cannot list pods: %w", err)
	}
	var list struct {
		Metadata struct{ ResourceVersion string }
		Items    []livePod
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		return err
	}
	f.replace(ctx, list.Items)
	if err := f.watch(ctx, path+"&watch=true&resourceVersion="+list.Metadata.ResourceVersion); err != nil {
		return fmt.Errorf("cannot watch pods: %w", err)
	}
	return nil
}

func (f *follower) watch(ctx context.Context, path string) error {
	response, err := f.maker.kube.open(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		_, err := readAnswer(response, http.MethodGet, path)
		return err
	}
	f.note(ctx, nil)
	for decoder := json.NewDecoder(response.Body); ; {
		var event struct {
			Type   string
			Object json.RawMessage
		}
		if err := decoder.Decode(&event); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if event.Type == "ERROR" {
			return errors.New(said(event.Object, string(event.Object)))
		}
		var pod livePod
		if err := json.Unmarshal(event.Object, &pod); err != nil {
			return err
		}
		f.see(ctx, pod, event.Type == "DELETED")
	}
}

func (f *follower) replace(ctx context.Context, pods []livePod) {
	there := map[string]bool{}
	for _, pod := range pods {
		there[pod.Metadata.Name] = true
		f.see(ctx, pod, false)
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for name := range f.pods {
		if !there[name] {
			delete(f.pods, name)
		}
	}
}

func (f *follower) see(ctx context.Context, pod livePod, deleted bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if deleted {
		delete(f.pods, pod.Metadata.Name)
		return
	}
	state := f.pods[pod.Metadata.Name]
	if state == nil {
		state = &podState{Name: pod.Metadata.Name}
		f.pods[state.Name] = state
	}
	if state.Phase != pod.Status.Phase {
		f.maker.server.log("%s: pod %s is %s", f.name, state.Name, pod.Status.Phase)
	}
	state.Phase, state.Node, state.Ready = pod.Status.Phase, pod.Spec.NodeName, false
	for _, condition := range pod.Status.Conditions {
		state.Ready = state.Ready || condition.Type == "Ready" && condition.Status == "True"
	}
	for _, container := range pod.Status.ContainerStatuses[:min(1, len(pod.Status.ContainerStatuses))] {
		if container.State.Terminated != nil {
			state.Exit = &container.State.Terminated.ExitCode
		}
	}
	if f.maker.spec.Follow.Logs != "" && state.Phase != "Pending" && !state.reads {
		state.reads = true
		go f.read(ctx, state.Name)
	}
}

// read writes a container's log into the stand-in's own, to its end.
func (f *follower) read(ctx context.Context, pod string) {
	container, err := f.maker.server.values.Expand(f.maker.spec.Follow.Logs, f.order)
	if err == nil {
		path := "/api/v1/namespaces/" + f.maker.namespace + "/pods/" + pod + "/log?follow=true&container=" + url.QueryEscape(container)
		err = f.copy(ctx, path)
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.unread = fmt.Sprintf("%s: cannot read the log of %s: %v", f.name, pod, err)
	f.maker.server.log("%s", f.unread)
}

func (f *follower) copy(ctx context.Context, path string) error {
	response, err := f.maker.kube.open(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		_, err := readAnswer(response, http.MethodGet, path)
		return err
	}
	scanner := bufio.NewScanner(response.Body)
	for scanner.Scan() {
		f.maker.server.log("%s: %s", f.name, scanner.Text())
		f.mutex.Lock()
		f.lines = append(f.lines, scanner.Text())
		f.lines = f.lines[max(0, len(f.lines)-keptLines):]
		f.mutex.Unlock()
	}
	return scanner.Err()
}

// note says what has changed; what was cut off by the end is nothing to say.
func (f *follower) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	problem := ""
	if err != nil {
		problem = f.name + ": " + err.Error()
	}
	f.mutex.Lock()
	before := f.problem
	f.problem = problem
	f.mutex.Unlock()
	if problem != before && problem != "" {
		f.maker.server.log("%s", problem)
	}
}

func (f *follower) reason() string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return cmp.Or(f.problem, f.unread)
}

func (f *follower) told() ([]podState, []string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	pods := []podState{}
	for _, pod := range f.pods {
		pods = append(pods, *pod)
	}
	slices.SortFunc(pods, func(a, b podState) int { return cmp.Compare(a.Name, b.Name) })
	return pods, slices.Clone(f.lines)
}
