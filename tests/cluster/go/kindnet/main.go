// kindnet does for a node of kind what kind's own daemon of that name does: it
// gives pods addresses of the node's range (by the standard plugins, which it
// configures), routes to the other nodes' ranges, and leaves the addresses of
// pods where they are unless they talk to somebody outside.
//
// Environment: NODE_NAME, POD_SUBNET (all pods' ranges, separated by commas) and
// CONTROL_PLANE_ENDPOINT, which kind sets: the way to the API server that needs
// no kube-proxy.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Whatever was undone from outside (rules, routes) is done again after this time.
const again = 10 * time.Second

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Getenv("NODE_NAME"), os.Getenv("POD_SUBNET")); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, node, subnets string) error {
	if node == "" || subnets == "" {
		return errors.New("NODE_NAME and POD_SUBNET have to be set")
	}
	client, err := connect(os.Getenv("CONTROL_PLANE_ENDPOINT"))
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	nodes := factory.Core().V1().Nodes()
	changed := make(chan struct{}, 1)
	if _, err := nodes.Informer().AddEventHandler(wake(changed)); err != nil {
		return err
	}
	lister := nodes.Lister()
	factory.Start(ctx.Done())
	return follow(ctx, changed, func() error { return settle(lister, node, strings.Split(subnets, ",")) })
}

func connect(endpoint string) (*kubernetes.Clientset, error) {
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, err
	}
	if endpoint != "" {
		config.Host = "https://" + endpoint
	}
	return kubernetes.NewForConfig(config)
}

func wake(changed chan<- struct{}) cache.ResourceEventHandlerFuncs {
	one := func() {
		select {
		case changed <- struct{}{}:
		default: // somebody will look anyway
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { one() },
		UpdateFunc: func(_, _ any) { one() },
		DeleteFunc: func(any) { one() },
	}
}

// follow settles at each change and from time to time. What fails is said and tried again.
func follow(ctx context.Context, changed <-chan struct{}, settle func() error) error {
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-tick.C:
		}
		if err := settle(); err != nil {
			log.Print(err)
		}
	}
}

func settle(nodes listers.NodeLister, name string, subnets []string) error {
	all, err := nodes.List(labels.Everything())
	if err != nil {
		return err
	}
	var problems []error
	for _, node := range all {
		if node.Name == name {
			problems = append(problems, configure(node.Spec.PodCIDRs))
			continue
		}
		if err := route(node); err != nil {
			problems = append(problems, fmt.Errorf("node %s: %w", node.Name, err))
		}
	}
	for _, family := range families(subnets) {
		problems = append(problems, masquerade(family, subnets))
	}
	return errors.Join(problems...)
}
