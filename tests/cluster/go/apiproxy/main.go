// apiproxy is a plaintext HTTP door on loopback to a cluster's API server. Any
// client pointed at it is counted, and can lose its API server, or its life, at
// a chosen write. Reads can be slow, and a part of them fail.
//
//	apiproxy -kubeconfig F [-listen 127.0.0.1:0] [-control 127.0.0.1:0] [-log F] [-write-kubeconfig F]
//	         [-at N -when before|during|after [-kill PID-FILE]] [-refuse-after N] [-lag 2s] [-fail 30]
//
// It prints `listen URL` and `control URL` when it is ready. Control: GET /counts,
// POST /reset (counters, and -at and -refuse-after start again), POST /plan?at=N&when=W&refuse-after=N.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
)

type options struct {
	kubeconfig, listen, control, logFile, writeKubeconfig string
	plan                                                  plan
	weather                                               weather
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("apiproxy: ")
	var o options
	flag.StringVar(&o.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "of the cluster")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "address for clients")
	flag.StringVar(&o.control, "control", "127.0.0.1:0", "address for the test")
	flag.StringVar(&o.logFile, "log", "", "one JSON line a request")
	flag.StringVar(&o.writeKubeconfig, "write-kubeconfig", "", "write a kubeconfig that points here")
	flag.IntVar(&o.plan.At, "at", 0, "act on the N-th mutating request")
	flag.StringVar(&o.plan.When, "when", "before", "before, during or after it")
	flag.StringVar(&o.plan.Kill, "kill", "", "file with the pid to kill -9 then")
	flag.IntVar(&o.plan.RefuseAfter, "refuse-after", 0, "be gone after N mutating requests")
	flag.DurationVar(&o.weather.Lag, "lag", 0, "how long every read waits before it is passed on")
	flag.IntVar(&o.weather.Fail, "fail", 0, "of a hundred reads so many are answered with 500 in place of the cluster")
	flag.Parse()
	if err := o.run(); err != nil {
		log.Fatal(err)
	}
}

func (o options) run() error {
	if err := o.plan.validate(); err != nil {
		return err
	}
	target, transport, err := loadKubeconfig(o.kubeconfig)
	if err != nil {
		return err
	}
	record, err := openRecord(o.logFile)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", o.control)
	if err != nil {
		return err
	}
	p := newProxy(target, transport, o.plan, o.weather, record)
	if o.writeKubeconfig != "" {
		if err := writePlainKubeconfig(o.writeKubeconfig, listener.Addr().String()); err != nil {
			return err
		}
	}
	fmt.Printf("listen http://%s\ncontrol http://%s\n", listener.Addr(), control.Addr())
	failed := make(chan error)
	go func() { failed <- p.serve(listener) }()
	go func() { failed <- http.Serve(control, p.controls()) }()
	return <-failed
}
