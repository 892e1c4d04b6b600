package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// ready installs Deployments and tells how long after the API server said that one is available the program said so.
func ready(arguments []string) error {
	flags := flag.NewFlagSet("ready", flag.ExitOnError)
	namespace := flags.String("namespace", "", "into which the command installs")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "ready-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	c, err := connect()
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	var lock sync.Mutex
	available := map[string]time.Time{}
	err = c.watch(ctx, "/apis/apps/v1/namespaces/"+*namespace+"/deployments", func(line []byte) {
		now := time.Now()
		if name := availableIn(line); name != "" {
			lock.Lock()
			defer lock.Unlock()
			if available[name].IsZero() {
				available[name] = now
			}
		}
	})
	if err != nil {
		return err
	}
	r, err := start(flags.Args(), folder)
	if err != nil {
		return err
	}
	if r.exit != 0 {
		return fmt.Errorf("the install ended with %d: %s", r.exit, r.screen.last())
	}
	lock.Lock()
	defer lock.Unlock()
	var late []float64
	for name, at := range available {
		told := r.events.first(func(line string) bool { return isReadyEvent(line, name) })
		if told.IsZero() {
			return fmt.Errorf("no event says that %s is ready", name)
		}
		late = append(late, told.Sub(at).Seconds()*1000)
	}
	if len(late) == 0 {
		return fmt.Errorf("no Deployment became available")
	}
	fmt.Printf("%3d Deployments, whole install %6.2f s; ready seen after: median %5.1f ms, min %5.1f, max %5.1f\n", len(late), r.took.Seconds(),
		median(late), lowest(late), highest(late))
	return nil
}

// availableIn: the name of a Deployment all of whose pods are available as it is wanted now.
func availableIn(line []byte) string {
	var event struct {
		Object struct {
			Metadata struct {
				Name       string `json:"name"`
				Generation int    `json:"generation"`
			} `json:"metadata"`
			Spec struct {
				Replicas int `json:"replicas"`
			} `json:"spec"`
			Status struct {
				Observed  int `json:"observedGeneration"`
				Updated   int `json:"updatedReplicas"`
				Available int `json:"availableReplicas"`
				Replicas  int `json:"replicas"`
			} `json:"status"`
		} `json:"object"`
	}
	if json.Unmarshal(line, &event) != nil {
		return ""
	}
	o := event.Object
	all := o.Status.Updated >= o.Spec.Replicas && o.Status.Available >= o.Spec.Replicas && o.Status.Replicas == o.Spec.Replicas
	if o.Status.Observed < o.Metadata.Generation || !all || o.Spec.Replicas == 0 {
		return ""
	}
	return o.Metadata.Name
}

func isReadyEvent(line, name string) bool {
	var event struct {
		ID    string `json:"id"`
		State struct {
			State string `json:"state"`
		} `json:"state"`
	}
	return json.Unmarshal([]byte(line), &event) == nil && event.State.State == "done" &&
		strings.HasPrefix(event.ID, "await:") && strings.HasSuffix(event.ID, "/"+name)
}
