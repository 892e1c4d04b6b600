package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// bench is a proxy before a server that remembers what reached it.
type bench struct {
	*proxy
	url, log string
	control  *httptest.Server
	mutex    sync.Mutex
	reached  []string
	killed   atomic.Int32
}

func newBench(t *testing.T, p plan, answer http.HandlerFunc) *bench {
	t.Helper()
	b := &bench{log: filepath.Join(t.TempDir(), "requests.jsonl")}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mutex.Lock()
		b.reached = append(b.reached, r.Method+" "+r.URL.Path)
		b.mutex.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(server.Close)
	target, _ := url.Parse(server.URL)
	record, err := openRecord(b.log)
	if err != nil {
		t.Fatal(err)
	}
	b.proxy = newProxy(target, http.DefaultTransport, p, weather{}, record)
	b.proxy.kill = func(string) error { b.killed.Add(1); return nil }
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.url = "http://" + listener.Addr().String()
	go b.serve(listener)
	b.control = httptest.NewServer(b.controls())
	t.Cleanup(b.control.Close)
	return b
}

// ask does not use a connection twice, so that Go's client never repeats a request.
func (b *bench) ask(method, path string) error {
	req, err := http.NewRequest(method, b.url+path, nil)
	if err != nil {
		return err
	}
	req.Close = true
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// eventually polls: the proxy acts after it has answered.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func (b *bench) seen() []string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return slices.Clone(b.reached)
}

func TestCounts(t *testing.T) {
	b := newBench(t, plan{When: "before"}, nil)
	for _, request := range []string{
		"GET /api/v1/pods", "GET /api/v1/pods?watch=true", "POST /api/v1/namespaces/x/pods", "PATCH /api/v1/nodes/n?dryRun=All",
		"DELETE /api/v1/nodes/n", "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
		"POST /apis/authentication.k8s.io/v1/selfsubjectreviews",
	} {
		method, path, _ := strings.Cut(request, " ")
		if err := b.ask(method, path); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := http.Get(b.control.URL + "/counts")
	if err != nil {
		t.Fatal(err)
	}
	var got counts
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Reads != 2 || got.Mutating != 2 || got.DryRun != 1 || got.SelfCheck != 2 || got.ByMethod["POST"] != 3 {
		t.Errorf("counts %+v", got)
	}
	eventually(t, "seven lines", func() bool { return len(b.lines(t)) == 7 })
	// Lines are written after the answers, so neighbours may change places.
	for _, line := range b.lines(t) {
		if line.Status != 200 || line.Mutating != (line.Path == "/api/v1/namespaces/x/pods" || line.Method == "DELETE") {
			t.Errorf("line %+v", line)
		}
	}
}

func (b *bench) lines(t *testing.T) (lines []entry) {
	t.Helper()
	data, err := os.ReadFile(b.log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, e)
	}
	return lines
}

func TestActs(t *testing.T) {
	for when, c := range map[string]struct {
		reached  int
		answered bool
	}{"before": {1, false}, "during": {2, false}, "after": {2, true}} {
		t.Run(when, func(t *testing.T) {
			b := newBench(t, plan{At: 2, When: when, Kill: "pid"}, nil)
			if err := b.ask("POST", "/one"); err != nil {
				t.Fatal(err)
			}
			err := b.ask("POST", "/two")
			if (err == nil) != c.answered {
				t.Errorf("answer: %v", err)
			}
			if got := b.seen(); len(got) != c.reached {
				t.Errorf("the server saw %v", got)
			}
			eventually(t, "one kill", func() bool { return b.killed.Load() == 1 })
			if err := b.ask("POST", "/three"); err != nil {
				t.Errorf("after the act: %v", err)
			}
		})
	}
}

func TestRefuseAfterAndComeBack(t *testing.T) {
	b := newBench(t, plan{When: "before", RefuseAfter: 1}, nil)
	if err := b.ask("POST", "/one"); err != nil {
		t.Fatalf("the last write: %v", err)
	}
	for _, method := range []string{"POST", "GET"} {
		if err := b.ask(method, "/two"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: %v, want connection refused", method, err)
		}
	}
	if _, err := http.Post(b.control.URL+"/plan?at=0", "", nil); err != nil {
		t.Fatal(err)
	}
	if err := b.ask("POST", "/three"); err != nil {
		t.Errorf("after its return: %v", err)
	}
}

func TestWatchStreams(t *testing.T) {
	more := make(chan bool)
	b := newBench(t, plan{When: "before"}, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "first")
		w.(http.Flusher).Flush()
		<-more
		fmt.Fprintln(w, "second")
	})
	answer, err := http.Get(b.url + "/watch")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	if line, err := lines.ReadString('\n'); line != "first\n" || err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	close(more)
	if line, _ := lines.ReadString('\n'); line != "second\n" {
		t.Errorf("%q", line)
	}
}

func TestUpgrade(t *testing.T) {
	b := newBench(t, plan{At: 1, When: "before"}, func(w http.ResponseWriter, _ *http.Request) {
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		line, _ := buffer.ReadString('\n')
		io.WriteString(conn, "echo "+line)
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	io.WriteString(conn, "POST /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 0\r\n\r\n")
	reader := bufio.NewReader(conn)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil || answer.StatusCode != 101 {
		t.Fatalf("%v, %v", answer, err)
	}
	io.WriteString(conn, "hello\n")
	if line, err := reader.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("%q, %v", line, err)
	}
}

func TestOfAHundredReadsSoManyFailAndWritesPass(t *testing.T) {
	b := newBench(t, plan{When: "before"}, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("four")) })
	b.weather = weather{Fail: 30}
	codes := map[int]int{}
	for range 100 {
		answer, err := http.Get(b.url + "/api/v1/pods")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		codes[answer.StatusCode]++
	}
	if codes[500] != 30 || codes[200] != 70 {
		t.Errorf("%v", codes)
	}
	answer, err := http.Post(b.url+"/api/v1/namespaces", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	b.proxy.mutex.Lock()
	defer b.proxy.mutex.Unlock()
	if answer.StatusCode != 200 || b.counts.Failed != 30 || b.counts.Bytes < 4*71 {
		t.Errorf("%d, %+v", answer.StatusCode, b.counts)
	}
}

func TestEveryReadWaits(t *testing.T) {
	b := newBench(t, plan{When: "before"}, func(w http.ResponseWriter, _ *http.Request) {})
	b.weather = weather{Lag: 50 * time.Millisecond}
	began := time.Now()
	answer, err := http.Get(b.url + "/version")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if waited := time.Since(began); waited < b.weather.Lag {
		t.Errorf("it waited for %v", waited)
	}
}
