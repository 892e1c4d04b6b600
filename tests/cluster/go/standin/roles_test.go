package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// kv is as much of etcd's JSON gateway as the stand-in asks of it; the real one is in the cluster's tests.
type kv struct {
	mutex sync.Mutex
	data  map[string][]byte
	down  bool
}

func (k *kv) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	var asked struct{ Key, Value []byte }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || k.down {
		http.Error(w, "etcdserver: no leader", http.StatusServiceUnavailable)
		return
	}
	pairs := []map[string]any{}
	if r.URL.Path == "/v3/kv/put" {
		k.data[string(asked.Key)] = asked.Value
	} else if value, ok := k.data[string(asked.Key)]; ok {
		pairs = append(pairs, map[string]any{"value": value})
	}
	writeJSON(w, map[string]any{"header": map[string]any{"cluster_id": "7", "revision": "9"}, "kvs": pairs})
}

func (k *kv) set(down bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.down = down
}

func TestEtcdIsNeededAndKeeps(t *testing.T) {
	store := &kv{data: map[string][]byte{}}
	gateway := httptest.NewServer(store)
	defer gateway.Close()
	// The first member is away: the next one is asked.
	text := port + "    routes: [{path: /health, ready: true, body: ok}]\nroles: [{etcd: {listen: http, endpoints: 'http://127.0.0.1:1," + gateway.URL + "'}}]\n"
	_, web := start(t, text)
	is := func(want int) func() bool {
		return func() bool { code, _ := fetchText(t, web.URL+"/health"); return code == want }
	}
	eventually(t, "ready", is(200))
	put, err := http.NewRequest(http.MethodPut, web.URL+"/api/v1/etcd/user", strings.NewReader("ann"))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := http.DefaultClient.Do(put); err != nil || answer.StatusCode != 204 {
		t.Fatalf("put: %v %v", answer, err)
	}
	if code, body := fetchText(t, web.URL+"/api/v1/etcd/user"); code != 200 || body != "ann" {
		t.Errorf("kept: %d %s", code, body)
	}
	if code, _ := fetchText(t, web.URL+"/api/v1/etcd/nobody"); code != 404 {
		t.Errorf("nobody: %d", code)
	}
	if _, body := fetchText(t, web.URL+"/api/v1/etcd"); body != `{"cluster":"7","revision":"9","starts":1}` {
		t.Errorf("state: %s", body)
	}
	store.set(true)
	eventually(t, "not ready without etcd", is(503))
	store.set(false)
	eventually(t, "ready again", is(200))
	_, again := start(t, text)
	eventually(t, "a second start", func() bool {
		_, body := fetchText(t, again.URL+"/api/v1/etcd")
		return strings.Contains(body, `"starts":2`)
	})
}

func importOf(dir string) string {
	return port + "roles: [{importer: {listen: http, dir: " + dir + ", files: '3', time: 0s}}]\n"
}

func imported(t *testing.T, text string) string {
	t.Helper()
	_, web := start(t, text)
	var body string
	eventually(t, "an end of the import", func() bool {
		_, body = fetchText(t, web.URL+"/api/v1/import")
		return strings.Contains(body, `"finished":true`) || !strings.Contains(body, `"problem":""`)
	})
	return body
}

func TestImportBringsWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	if body := imported(t, importOf(dir)); !strings.Contains(body, `"new":3`) || lacking(dir) != "" {
		t.Errorf("first: %s %s", body, lacking(dir))
	}
	if body := imported(t, importOf(dir)); !strings.Contains(body, `"new":0`) {
		t.Errorf("second: %s", body)
	}
	damaged := filepath.Join(dir, fileName(1))
	if err := os.WriteFile(damaged, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if lacks := lacking(dir); !strings.Contains(lacks, fileName(1)) {
		t.Errorf("a damaged file is not noticed: %q", lacks)
	}
	if body := imported(t, importOf(dir)); !strings.Contains(body, `"new":1`) {
		t.Errorf("after damage: %s", body)
	}
	if body := imported(t, importOf(filepath.Join(dir, "gone"))); !strings.Contains(body, "no such file") {
		t.Errorf("without a folder: %s", body)
	}
}

func TestImportCanBeHalted(t *testing.T) {
	dir := t.TempDir()
	s, web := start(t, port+"roles: [{importer: {listen: http, dir: "+dir+", files: '2', time: 400ms}}]\n")
	s.order("fail stop")
	<-time.After(retry) // longer than the whole import would take
	if _, body := fetchText(t, web.URL+"/api/v1/import"); !strings.Contains(body, `"finished":false`) {
		t.Errorf("halted: %s", body)
	}
	s.order("fail clear")
	eventually(t, "its end", func() bool { return lacking(dir) == "" })
}

func TestOnlyTheLeaderImports(t *testing.T) {
	dir := t.TempDir()
	c := parse(t, importOf(dir))
	s := newServer(c, c.Defaults(), io.Discard)
	var leads atomic.Bool
	s.leads = leads.Load
	if err := s.startImporter(t.Context(), *c.Roles[0].Importer, http.NewServeMux()); err != nil {
		t.Fatal(err)
	}
	<-time.After(retry)
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("imported without leading: %v %v", files, err)
	}
	leads.Store(true)
	eventually(t, "the import", func() bool { return lacking(dir) == "" })
}

func TestWorkersRefuseWithoutTheirData(t *testing.T) {
	dir, history := t.TempDir(), filepath.Join(t.TempDir(), "requests.jsonl")
	_, core := start(t, port+"roles: [{balancer: {listen: http, journal: "+history+"}}, {folders: {listen: http, dirs: {work: "+dir+", none: ''}}}]\n")
	submit := func() (int, string) {
		code, answer, err := handOn(t.Context(), core.URL+"/api/v1/requests", []byte("ähoy"))
		if err != nil {
			t.Fatal(err)
		}
		return code, string(answer)
	}
	if code, body := submit(); code != 503 || !strings.Contains(body, "nobody") {
		t.Errorf("without a worker: %d %s", code, body)
	}
	// The worker has to say where it is before it is there: a port that is found free is taken by it.
	web := httptest.NewUnstartedServer(nil)
	_, at, _ := strings.Cut(web.Listener.Addr().String(), ":")
	s, handler := start(t, port+"    routes: [{path: /health, ready: true, body: ok}]\nroles: [{worker: {listen: http, dir: "+dir+", to: '"+core.URL+"/api/v1/agents', port: '"+at+"'}}]\n")
	web.Config.Handler = handler.Config.Handler
	web.Start()
	defer web.Close()
	eventually(t, "a refusal", func() bool { code, body := submit(); return code == 503 && strings.Contains(body, "not complete") })
	if reason := s.notReady(); !strings.Contains(reason, "not complete") {
		t.Errorf("ready without data: %q", reason)
	}
	imported(t, importOf(dir))
	if code, body := submit(); code != 200 || !strings.Contains(body, `"characters":4`) {
		t.Errorf("with data: %d %s", code, body)
	}
	if reason := s.notReady(); reason != "" {
		t.Errorf("not ready: %s", reason)
	}
	if _, body := fetchText(t, core.URL+"/api/v1/folders"); !strings.Contains(body, `"files":4`) || strings.Contains(body, "none") {
		t.Errorf("folders: %s", body)
	}
	if lines, err := os.ReadFile(history); err != nil || !strings.Contains(string(lines), `"status":200`) {
		t.Errorf("history: %s %v", lines, err)
	}
}
