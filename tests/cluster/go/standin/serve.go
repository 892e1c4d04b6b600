package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

// server is a running stand-in.
type server struct {
	contract  *contract.Contract
	values    contract.Values
	faults    *faults
	upstreams map[string]*upstream
	counters  counters
	// conditions are the roles' own reasons for not being ready; complete before the first port opens.
	conditions []func() string
	// leads says whether this is the one of several that leads; without an election it is.
	leads func() bool
	// farewells are said when a signal ends it.
	farewells []func()
	out       io.Writer
	logLock   sync.Mutex
}

func newServer(c *contract.Contract, values contract.Values, out io.Writer) *server {
	return &server{contract: c, values: values, faults: newFaults(), upstreams: map[string]*upstream{}, leads: func() bool { return true }, out: out}
}

func (s *server) log(format string, args ...any) {
	s.logLock.Lock()
	defer s.logLock.Unlock()
	fmt.Fprintf(s.out, "%s "+format+"\n", append([]any{time.Now().UTC().Format(time.RFC3339)}, args...)...)
}

// serve ends without an error when it is told to by a signal.
func (s *server) serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := s.reachUpstreams(ctx); err != nil {
		return err
	}
	failed := make(chan error, 1)
	if err := s.open(ctx, failed); err != nil {
		return err
	}
	s.control(ctx)
	for _, line := range s.contract.Log {
		text, err := s.values.Expand(line, nil)
		if err != nil {
			return err
		}
		s.log("%s", text)
	}
	select {
	case <-ctx.Done():
		for _, farewell := range s.farewells {
			farewell()
		}
		return nil
	case err := <-failed:
		return err
	}
}

// open starts the roles and then the ports, so that what answers also works.
func (s *server) open(ctx context.Context, failed chan<- error) error {
	muxes := map[string]*http.ServeMux{}
	for _, l := range s.contract.Listen {
		if l.Protocol == "http" {
			muxes[l.Name] = http.NewServeMux()
		}
	}
	if err := s.routes(ctx, muxes); err != nil {
		return err
	}
	for _, l := range s.contract.Listen {
		port, err := s.values.Expand(l.Port, nil)
		if err != nil {
			return err
		}
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			return err
		}
		go func() {
			if err := s.answer(l, listener, muxes[l.Name]); !errors.Is(err, net.ErrClosed) {
				failed <- err
			}
		}()
	}
	return nil
}

// routes puts the contract's and the roles' paths on the ports. ServeMux panics
// on paths that contradict each other.
func (s *server) routes(ctx context.Context, muxes map[string]*http.ServeMux) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("routes: %v", p)
		}
	}()
	for _, l := range s.contract.Listen {
		for _, r := range l.Routes {
			for _, pattern := range patterns(r) {
				muxes[l.Name].HandleFunc(pattern, s.fixed(r))
			}
		}
	}
	for _, role := range s.contract.Roles {
		if err := s.startRole(ctx, role, muxes); err != nil {
			return err
		}
	}
	return nil
}

func patterns(r contract.Route) []string {
	path := r.Prefix
	if r.Path == "/" {
		path = "/{$}"
	} else if r.Path != "" {
		path = r.Path
	}
	if len(r.Methods) == 0 {
		return []string{path}
	}
	var out []string
	for _, method := range r.Methods {
		out = append(out, method+" "+path)
	}
	return out
}

func (s *server) fixed(r contract.Route) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if reason := s.notReady(); r.Ready && reason != "" {
			http.Error(w, reason, http.StatusServiceUnavailable)
			return
		}
		body, err := s.values.Expand(r.Body, contract.NewRequest(req.URL.Path, req.URL.Query().Get))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if r.ContentType != "" {
			w.Header().Set("Content-Type", r.ContentType)
		}
		w.WriteHeader(max(r.Status, 200))
		io.WriteString(w, body)
	}
}

func (s *server) answer(l contract.Listen, listener net.Listener, mux *http.ServeMux) error {
	if l.Fragile {
		return s.answerFragile(l, listener, mux)
	}
	if l.Protocol == "http" {
		return http.Serve(listener, s.faults.around(mux))
	}
	banner, err := s.values.Expand(l.Banner, nil)
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go hold(conn, banner)
	}
}

// answerFragile ends as a program does that takes every connection for one of its own kind: with the first that says nothing.
func (s *server) answerFragile(l contract.Listen, listener net.Listener, mux *http.ServeMux) error {
	silent := make(chan error, 1)
	var fresh sync.Map
	web := &http.Server{Handler: s.faults.around(mux), ConnState: func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			fresh.Store(conn, true)
		case http.StateClosed:
			if _, ok := fresh.LoadAndDelete(conn); ok {
				select {
				case silent <- fmt.Errorf("port %s: a connection from %s said nothing", l.Name, conn.RemoteAddr()):
				default:
				}
			}
		default:
			fresh.Delete(conn)
		}
	}}
	go func() { silent <- web.Serve(listener) }()
	return <-silent
}

// hold keeps a connection until the other side ends it.
func hold(conn net.Conn, banner string) {
	defer conn.Close()
	io.WriteString(conn, banner)
	io.Copy(io.Discard, conn)
}
