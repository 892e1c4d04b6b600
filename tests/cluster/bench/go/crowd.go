package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// How many objects are written at once.
const hands = 16

// crowd makes nodes that kwok plays, and pods on them in a namespace of their own, and waits until all run.
func crowd(arguments []string) error {
	flags := flag.NewFlagSet("crowd", flag.ExitOnError)
	nodes := flags.Int("nodes", 500, "how many nodes")
	pods := flags.Int("pods", 10000, "how many pods")
	namespace := flags.String("namespace", "crowd", "of the pods; it is there")
	patience := flags.Duration("patience", 10*time.Minute, "how long all may take")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	c, err := connect()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), *patience)
	defer cancel()
	if err := c.all(ctx, *nodes, "/api/v1/nodes", crowdNode); err != nil {
		return err
	}
	pod := func(number int) string { return crowdPod(number, number%*nodes) }
	if err := c.all(ctx, *pods, "/api/v1/namespaces/"+*namespace+"/pods", pod); err != nil {
		return err
	}
	return c.untilRunning(ctx, *namespace, *pods)
}

// all posts objects, several at once, and ends with the first error.
func (c *cluster) all(ctx context.Context, count int, path string, object func(int) string) error {
	numbers, failed := make(chan int), make(chan error, hands)
	var workers sync.WaitGroup
	for range hands {
		workers.Go(func() {
			for number := range numbers {
				if err := c.post(ctx, path, object(number)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var err error
	for number := 0; number < count && err == nil; number++ {
		select {
		case numbers <- number:
		case err = <-failed:
		}
	}
	close(numbers)
	workers.Wait()
	select {
	case late := <-failed:
		return late
	default:
		return err
	}
}

func (c *cluster) post(ctx context.Context, path, body string) error {
	request, err := http.NewRequestWithContext(ctx, "POST", c.server+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusCreated {
		err = fmt.Errorf("POST %s: %s: %s", path, response.Status, said)
	}
	return err
}

func (c *cluster) untilRunning(ctx context.Context, namespace string, wanted int) error {
	path := c.server + "/api/v1/namespaces/" + namespace + "/pods?fieldSelector=status.phase%3DRunning&resourceVersion=0"
	for {
		request, err := http.NewRequestWithContext(ctx, "GET", path, nil)
		if err != nil {
			return err
		}
		response, err := c.client.Do(request)
		if err != nil {
			return err
		}
		list, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			return err
		}
		running := bytes.Count(list, []byte(`"phase":"Running"`))
		if running >= wanted {
			return nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return fmt.Errorf("%d of %d pods run: %w", running, wanted, ctx.Err())
		}
	}
}

func crowdNode(number int) string {
	name := fmt.Sprintf("crowd-%d", number)
	room := `{"cpu":"32","memory":"256Gi","pods":"110","ephemeral-storage":"1Ti"}`
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Node","metadata":{"name":"%s","annotations":{"kwok.x-k8s.io/node":"fake"},`+
		`"labels":{"kubernetes.io/hostname":"%s","kubernetes.io/os":"linux","kubernetes.io/arch":"amd64","type":"kwok"}},`+
		`"spec":{"taints":[{"key":"kwok.x-k8s.io/node","value":"fake","effect":"NoSchedule"}]},`+
		`"status":{"allocatable":%s,"capacity":%s,"nodeInfo":{"kubeletVersion":"v1.34.4","machineID":"%032x"}}}`, name, name, room, room, number+1)
}

func crowdPod(number, node int) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"crowd-%d","labels":{"app":"crowd","number":"%d"}},`+
		`"spec":{"nodeName":"crowd-%d","tolerations":[{"operator":"Exists"}],"containers":[{"name":"main","image":"crowd.test/main:1",`+
		`"ports":[{"name":"http","containerPort":8080}],"env":[{"name":"LEVEL","value":"info"}],`+
		`"readinessProbe":{"httpGet":{"path":"/ready","port":"http"}},`+
		`"resources":{"requests":{"cpu":"100m","memory":"128Mi"},"limits":{"memory":"256Mi"}}}]}}`, number, number%50, node)
}
