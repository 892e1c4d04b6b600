package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start gives the stand-in's one http port as a test server.
func start(t *testing.T, text string) (*server, *httptest.Server) {
	t.Helper()
	c := parse(t, text)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	s := newServer(c, c.Defaults(), io.Discard)
	if err := s.reachUpstreams(ctx); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	muxes := map[string]*http.ServeMux{}
	for _, l := range c.Listen {
		muxes[l.Name] = mux
	}
	if err := s.routes(ctx, muxes); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.faults.around(mux))
	t.Cleanup(web.Close)
	return s, web
}

func fetchText(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(body))
}

// eventually polls: the stand-in's parts run beside the test.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

const port = "listen:\n  - name: http\n    port: 8080\n"

func TestRoutes(t *testing.T) {
	_, web := start(t, port+`    routes:
      - {path: /, body: root}
      - {path: /health, status: 203, body: '{{ .Path }} {{ .Query "x" }}'}
      - {prefix: /static/, body: page}
      - {path: /only, methods: [POST], body: x}
`)
	for path, want := range map[string]string{"/": "200 root", "/health?x=1": "203 /health 1", "/static/a/b": "200 page"} {
		if code, body := fetchText(t, web.URL+path); strings.TrimSpace(want) != statusAnd(code, body) {
			t.Errorf("%s: %d %q, want %s", path, code, body, want)
		}
	}
	for path, want := range map[string]int{"/other": 404, "/health/x": 404, "/only": 405} {
		if code, _ := fetchText(t, web.URL+path); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
}

func statusAnd(code int, body string) string {
	text, _ := json.Marshal(code)
	return string(text) + " " + body
}

func TestReadyWaitsForTheUpstreamAndObeys(t *testing.T) {
	up := httptest.NewServer(http.NotFoundHandler())
	defer up.Close()
	s, web := start(t, "upstreams: [{name: queue, http: '"+up.URL+"', wait: ready}]\n"+port+"    routes: [{path: /ready, ready: true, body: yes}]\n")
	if code, body := fetchText(t, web.URL+"/ready"); code != 503 || !strings.Contains(body, "queue not reached") {
		t.Errorf("before: %d %s", code, body)
	}
	up.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	eventually(t, "ready", func() bool { code, _ := fetchText(t, web.URL+"/ready"); return code == 200 })
	for _, step := range []struct {
		order string
		want  int
	}{{"fail not-ready", 503}, {"fail clear", 200}} {
		if _, err := s.order(step.order); err != nil {
			t.Fatal(err)
		}
		if code, _ := fetchText(t, web.URL+"/ready"); code != step.want {
			t.Errorf("after %q: %d", step.order, code)
		}
	}
}

func TestHangEndsWhenCleared(t *testing.T) {
	s, web := start(t, port+"    routes: [{path: /x, body: y}]\n")
	s.order("fail hang")
	answered := make(chan int)
	go func() { code, _ := fetchText(t, web.URL+"/x"); answered <- code }()
	select {
	case <-answered:
		t.Fatal("answered while hanging")
	case <-time.After(50 * time.Millisecond):
	}
	s.order("fail clear")
	if code := <-answered; code != 200 {
		t.Errorf("after clear: %d", code)
	}
	if _, err := s.order("fail nonsense"); err == nil {
		t.Error("an unknown failure was accepted")
	}
}

// Rows go from a file over queue and collector to the gateway.
func TestDataFlows(t *testing.T) {
	dir := t.TempDir()
	csv := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(csv, []byte("uuid,value\nGPU-1,3\nGPU-2,4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, queue := start(t, port+"roles: [{queue: {listen: http, dir: "+dir+"}}]\n")
	_, collector := start(t, port+"roles: [{collector: {listen: http, dir: "+dir+", from: '"+queue.URL+"/consume/t'}}]\n")
	_, gateway := start(t, port+"roles: [{proxy: {listen: http, prefix: /api/, to: '"+collector.URL+"'}}]\n")
	start(t, port+"roles: [{csv-publisher: {file: "+csv+", to: '"+queue.URL+"/publish/t', rate: '200'}}]\n")
	eventually(t, "two keys at the gateway", func() bool {
		_, body := fetchText(t, gateway.URL+"/api/v1/gpus")
		return body == `{"count":2,"gpus":["GPU-1","GPU-2"]}`
	})
	if code, body := fetchText(t, gateway.URL+"/api/v1/gpus/GPU-1/telemetry"); code != 200 || !strings.Contains(body, `"value":"3"`) {
		t.Errorf("series: %d %s", code, body)
	}
	for _, file := range []string{"GPU-1.jsonl", "t/messages.log"} {
		if data, err := os.ReadFile(filepath.Join(dir, file)); err != nil || len(data) == 0 {
			t.Errorf("%s: %d bytes, %v", file, len(data), err)
		}
	}
	_, again := start(t, port+"roles: [{collector: {listen: http, dir: "+dir+", publish: /publish}}]\n")
	if _, body := fetchText(t, again.URL+"/api/v1/gpus"); !strings.Contains(body, "GPU-2") {
		t.Errorf("a new collector does not know the volume's data: %s", body)
	}
}

func TestUpstreamWithWaitExit(t *testing.T) {
	c := parse(t, "upstreams: [{name: api, tcp: '127.0.0.1:1', wait: exit, timeout: 100ms}]\n")
	var out strings.Builder
	if code := run(c, nil, nil, io.Discard, &out); code != 1 || !strings.Contains(out.String(), "cannot reach api") {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}

func TestAProxyAsksForItsToken(t *testing.T) {
	_, behind := start(t, port+"    routes: [{prefix: /api/, body: '{{ .Path }}'}]\n")
	_, gate := start(t, port+"roles: [{proxy: {listen: http, prefix: /, to: '"+behind.URL+"', bearer: secret}}]\n")
	for token, want := range map[string]int{"": 401, "Bearer other": 401, "secret": 401, "Bearer secret": 200} {
		request, err := http.NewRequest(http.MethodGet, gate.URL+"/api/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", token)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%q: %d, want %d", token, answer.StatusCode, want)
		}
	}
}
