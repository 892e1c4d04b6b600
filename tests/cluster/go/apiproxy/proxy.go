package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"sync"
	"sync/atomic"
	"time"
)

type proxy struct {
	target  *url.URL
	forward *httputil.ReverseProxy
	record  *record
	kill    func(pidFile string) error

	weather weather
	reads   atomic.Int64

	mutex  sync.Mutex
	plan   plan
	counts counts
	open   map[net.Conn]bool

	gone     bool // the API server is refused for now
	listener net.Listener
	reopened chan net.Listener
}

// counts is the answer of GET /counts.
type counts struct {
	Reads     int            `json:"reads"`
	Mutating  int            `json:"mutating"`
	ByMethod  map[string]int `json:"byMethod"`
	Acted     int            `json:"acted"`
	Refused   int            `json:"refused"`
	DryRun    int            `json:"dryRun"`
	SelfCheck int            `json:"accessReviews"`
	Failed    int            `json:"failed"`
	Bytes     int64          `json:"bytes"` // of answers, without their headers
}

func newProxy(target *url.URL, transport http.RoundTripper, p plan, w weather, r *record) *proxy {
	return &proxy{
		target: target, record: r, plan: p, weather: w, kill: killPidFile,
		counts: counts{ByMethod: map[string]int{}}, open: map[net.Conn]bool{}, reopened: make(chan net.Listener, 1),
		forward: &httputil.ReverseProxy{
			Transport: transport,
			// A watch's events must not wait for a buffer to fill.
			FlushInterval: -1,
			Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = target.Host },
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				http.Error(w, "apiproxy: "+err.Error(), http.StatusBadGateway)
			},
		},
	}
}

// serve accepts clients. While the API server is "gone" nobody listens, so that
// they are refused as by a machine without one.
func (p *proxy) serve(listener net.Listener) error {
	server := &http.Server{Handler: p, ConnState: p.track, ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, conn)
	}}
	p.mutex.Lock()
	p.listener = listener
	p.mutex.Unlock()
	for {
		// Only vanish closes it.
		if err := server.Serve(listener); !errors.Is(err, net.ErrClosed) {
			return err
		}
		listener = <-p.reopened
	}
}

type connKey struct{}

// track keeps upgraded connections too: they end with the API server.
func (p *proxy) track(conn net.Conn, state http.ConnState) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch state {
	case http.StateNew:
		p.open[conn] = true
	case http.StateClosed:
		delete(p.open, conn)
	}
}

// vanish refuses new connections and resets the others, but for the one whose
// answer is still under way.
func (p *proxy) vanish(but net.Conn) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.gone = true
	p.listener.Close()
	for conn := range p.open {
		if conn == but {
			continue
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		conn.Close()
	}
}

// comeBack listens again where it did before.
func (p *proxy) comeBack() error {
	if !p.gone {
		return nil
	}
	listener, err := net.Listen("tcp", p.listener.Addr().String())
	if err != nil {
		return err
	}
	p.gone, p.listener = false, listener
	p.reopened <- listener
	return nil
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	kind := classify(r)
	act, last, refused := p.count(r.Method, kind)
	entry := &entry{Time: began.UTC(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Mutating: kind == mutating}
	defer func() {
		entry.Milliseconds = time.Since(began).Milliseconds()
		p.record.write(entry)
	}()
	if refused {
		entry.Note = "refused"
		panic(http.ErrAbortHandler)
	}
	if last {
		// Before the answer, or the client's next request could still get through.
		p.vanish(r.Context().Value(connKey{}).(net.Conn))
	}
	answer := &statusWriter{ResponseWriter: w}
	defer func() {
		entry.Status = answer.status
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.counts.Bytes += answer.bytes
	}()
	if kind == reading && p.storm(answer, r) {
		entry.Note = "failed"
		return
	}
	switch act {
	case "":
		p.forward.ServeHTTP(answer, r)
	case "before":
		entry.Note = "not forwarded"
		p.strike()
		panic(http.ErrAbortHandler)
	case "during":
		entry.Note = "forwarded, not answered"
		held := &discard{header: http.Header{}}
		// The client's going away must not take the request back.
		p.forward.ServeHTTP(held, r.WithContext(context.WithoutCancel(r.Context())))
		answer.status = held.status
		p.strike()
		panic(http.ErrAbortHandler)
	case "after":
		entry.Note = "answered, then acted"
		p.forward.ServeHTTP(answer, r)
		http.NewResponseController(w).Flush()
		p.strike()
	}
}

// count adds the request and says what is planned for it: an act, and whether it
// is the last one before the API server is gone.
func (p *proxy) count(method string, kind kind) (act string, last, refused bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.gone {
		p.counts.Refused++
		return "", false, true
	}
	p.counts.ByMethod[method]++
	switch kind {
	case mutating:
		p.counts.Mutating++
	case dryRun:
		p.counts.DryRun++
	case review:
		p.counts.SelfCheck++
	default:
		p.counts.Reads++
	}
	if kind != mutating {
		return "", false, false
	}
	last = p.counts.Mutating == p.plan.RefuseAfter
	if p.counts.Mutating == p.plan.At {
		p.counts.Acted++
		act = p.plan.When
	}
	return act, last, false
}

func (p *proxy) strike() {
	if p.plan.Kill == "" {
		return
	}
	if err := p.kill(p.plan.Kill); err != nil {
		p.record.write(&entry{Time: time.Now().UTC(), Note: "kill: " + err.Error()})
	}
}

type kind int

const (
	reading kind = iota
	mutating
	dryRun
	review
)

// Reviews are posted, but write nothing.
var reviews = regexp.MustCompile(`/(self|local)?subject(access|rules)?reviews$|/tokenreviews$`)

func classify(r *http.Request) kind {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return reading
	}
	if reviews.MatchString(r.URL.Path) {
		return review
	}
	if r.URL.Query().Get("dryRun") == "All" {
		return dryRun
	}
	// Upgrades (exec, attach, port-forward) are posted too; they change no object.
	if r.Header.Get("Upgrade") != "" {
		return reading
	}
	return mutating
}
