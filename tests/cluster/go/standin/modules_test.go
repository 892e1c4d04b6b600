package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

func demand(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(said))
}

func is(t *testing.T, what string, code int, body string, wantCode int, want string) {
	t.Helper()
	if code != wantCode || !strings.Contains(body, want) {
		t.Errorf("%s: %d %s, want %d %s", what, code, body, wantCode, want)
	}
}

func repository(dir string) string {
	return port + "roles: [{modules: {listen: http, dir: " + dir + "/data, metadata: " + dir + "/metadata, cache: " + dir + "/cache}}]\n"
}

func TestModulesAreKeptInFolders(t *testing.T) {
	dir := t.TempDir()
	s, web := start(t, repository(dir))
	put := func(name, body string) (int, string) { return demand(t, "PUT", web.URL+"/modules/"+name, body) }
	code, body := put("net", "weights")
	is(t, "registered", code, body, 201, `"bytes":7`)
	code, body = put("Net_1", "weights")
	is(t, "a bad name", code, body, 400, "Net_1")
	s.order("fail stop")
	code, body = put("other", "x")
	is(t, "told to stop", code, body, 503, "told to stop")
	// Another one finds them in the same folders, and not without what is known of them.
	_, again := start(t, repository(dir))
	code, body = fetchText(t, again.URL+"/modules/net")
	is(t, "kept", code, body, 200, "weights")
	code, body = fetchText(t, again.URL+"/modules")
	is(t, "the list", code, body, 200, `{"count":1,"modules":[{"name":"net","bytes":7,"sha256":"`+hexHash([]byte("weights"))+`"}]}`)
	if err := os.Remove(filepath.Join(dir, "metadata/net.json")); err != nil {
		t.Fatal(err)
	}
	code, body = fetchText(t, again.URL+"/modules/net")
	is(t, "without metadata", code, body, 404, "no such module")
	if err := os.WriteFile(filepath.Join(dir, "metadata/net.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, body = fetchText(t, again.URL+"/modules")
	is(t, "damaged metadata", code, body, 502, "net.json")
}

// bucketOf gives S3 with one bucket and one key, and what a client of it says.
func bucketOf(t *testing.T) (string, func(changes ...string) string) {
	t.Helper()
	_, web := start(t, port+"roles: [{bucket: {listen: http, region: eu-west-1, buckets: [modules], keys: {ID: secret}, dir: "+t.TempDir()+"}}]\n")
	text := "objects: {endpoint: '" + web.URL + "', region: eu-west-1, bucket: modules, prefix: /kept, keyId: ID, key: secret}"
	return web.URL, func(changes ...string) string { return strings.NewReplacer(changes...).Replace(text) }
}

func store(t *testing.T, text string) *objectStore {
	t.Helper()
	c := parse(t, port+"roles: [{executor: {listen: http, to: 'http://x', port: '1', modules: 'http://x', "+text+"}}]\n")
	objects, err := newServer(c, c.Defaults(), io.Discard).expandObjects(c.Roles[0].Executor.Objects)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestObjectsAreKeptForThoseWhoMay(t *testing.T) {
	url, text := bucketOf(t)
	objects := store(t, text())
	if err := objects.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := objects.put(t.Context(), "net", []byte("weights")); err != nil {
		t.Fatal(err)
	}
	if data, err := objects.get(t.Context(), "net"); err != nil || string(data) != "weights" {
		t.Errorf("%q %v", data, err)
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"no object":   {"/kept", "/elsewhere", "GET /modules/elsewhere/net: NoSuchKey"},
		"no bucket":   {"bucket: modules", "bucket: other", "NoSuchBucket"},
		"no key":      {"keyId: ID", "keyId: NO", "InvalidAccessKeyId"},
		"wrong key":   {"key: secret", "key: guess", "SignatureDoesNotMatch"},
		"wrong place": {"region: eu-west-1", "region: us-west-1", "AuthorizationHeaderMalformed"},
		"nobody":      {url, "http://127.0.0.1:1", "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := store(t, text(c.from, c.to)).get(t.Context(), "net")
			expect(t, err, c.want)
		})
	}
	if err := store(t, text("bucket: modules", "bucket: other")).look(t.Context()); err == nil {
		t.Error("a bucket that is not there is found")
	}
	code, body := demand(t, "GET", url+"/modules/kept/net", "")
	is(t, "unsigned", code, body, 403, "<Code>AccessDenied</Code>")
	key := awsKey{"ID", "secret", "eu-west-1"}
	for path, want := range map[string]int{"/modules/a/../../x": 400, "/modules/a//b": 400, "/modules/.hidden": 400, "/modules": 400} {
		request, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.URL.Path = path
		recorder := signedBy(key, request)
		(&bucket{server: newServer(&contract.Contract{}, contract.Values{}, io.Discard), spec: contract.Bucket{Region: "eu-west-1", Buckets: []string{"modules"}, Dir: t.TempDir()}, keys: map[string]string{"ID": "secret"}}).answer(recorder, request)
		if recorder.Code != want {
			t.Errorf("%s: %d %s", path, recorder.Code, recorder.Body)
		}
	}
}

// signedBy prepares a request that goes to no server: a server's own cleaning of paths is passed by.
func signedBy(key awsKey, request *http.Request) *httptest.ResponseRecorder {
	key.sign(request, nil, time.Now())
	name, rest, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/"), "/")
	request.SetPathValue("bucket", name)
	request.SetPathValue("key", rest)
	request.Body = io.NopCloser(bytes.NewReader(nil))
	return httptest.NewRecorder()
}

// A module that was registered is run by a runner, which fetches it from where it is told to.
func TestModulesAreRun(t *testing.T) {
	_, text := bucketOf(t)
	if err := store(t, text()).put(t.Context(), "net", []byte("weights")); err != nil {
		t.Fatal(err)
	}
	_, repo := start(t, repository(t.TempDir()))
	if code, body := demand(t, "PUT", repo.URL+"/modules/net", "weights"); code != 201 {
		t.Fatalf("%d %s", code, body)
	}
	for from, objects := range map[string]string{"repository": "objects: {}", "bucket": text()} {
		_, scheduler := start(t, port+"roles: [{balancer: {listen: http, workers: /runners, submit: /invocations}}]\n")
		web := httptest.NewUnstartedServer(nil)
		_, at, _ := strings.Cut(web.Listener.Addr().String(), ":")
		_, handler := start(t, port+"roles: [{executor: {listen: http, to: '"+scheduler.URL+"/runners', port: '"+at+"', modules: '"+repo.URL+"/modules', "+objects+"}}]\n")
		web.Config.Handler = handler.Config.Handler
		web.Start()
		run := func(name string) (int, string) { return demand(t, "POST", scheduler.URL+"/invocations", name) }
		eventually(t, "a runner", func() bool { code, _ := run("net"); return code == 200 })
		code, body := run("net")
		is(t, from, code, body, 200, fmt.Sprintf(`"bytes":7,"from":"%s","module":"net"`, from))
		is(t, from, code, body, 200, hexHash([]byte("weights")))
		code, body = run("none")
		is(t, "not registered", code, body, 404, "o such")
		code, body = run("A b")
		is(t, "no name", code, body, 400, "A b")
		web.Close()
	}
}

func TestATrialWorksOnceAndIsToldUntilThen(t *testing.T) {
	_, repo := start(t, repository(t.TempDir()))
	text := port + "    routes: [{path: /ready, ready: true, body: yes}]\n" + `roles:
  - trial:
      listen: http
      path: /metrics
      body: "runs 1"
      steps:
        - {url: ''}
        - {method: PUT, url: '` + repo.URL + `/modules/net', body: weights, status: [201]}
        - {url: '` + repo.URL + `/modules/later', contains: come}
`
	s, web := start(t, text)
	eventually(t, "the second step", func() bool { return strings.Contains(s.notReady(), "step 2 of 2") })
	code, body := fetchText(t, web.URL+"/metrics")
	is(t, "before", code, body, 503, "no such module")
	if code, _ := fetchText(t, web.URL+"/ready"); code != 503 {
		t.Errorf("ready before the trial: %d", code)
	}
	demand(t, "PUT", repo.URL+"/modules/later", "gone")
	eventually(t, "the text", func() bool { return strings.Contains(s.notReady(), `"come" is not in gone`) })
	demand(t, "PUT", repo.URL+"/modules/later", "it has come")
	eventually(t, "its end", func() bool { code, _ := fetchText(t, web.URL+"/ready"); return code == 200 })
	code, body = fetchText(t, web.URL+"/metrics")
	is(t, "after", code, body, 200, "runs 1")
}

func TestADatabaseAndABucketGoTogether(t *testing.T) {
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("p@ss/word"), 0o600); err != nil {
		t.Fatal(err)
	}
	postgres := "postgres: {host: 127.0.0.1, port: '1', database: d, user: u, passwordFile: " + password + "}"
	for name, c := range map[string]struct{ fields, want string }{
		"no bucket":   {postgres, "go together"},
		"no database": {"objects: {endpoint: 'http://127.0.0.1:1', bucket: b}", "go together"},
		"no password": {strings.Replace(postgres, password, dir+"/none", 1) + ", objects: {endpoint: 'http://127.0.0.1:1'}", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(repository(dir), "cache: ", c.fields+", cache: ", 1)
			contract := parse(t, text)
			s := newServer(contract, contract.Defaults(), io.Discard)
			expect(t, s.startModules(t.Context(), *contract.Roles[0].Modules, http.NewServeMux()), c.want)
		})
	}
	spec := contract.Postgres{Host: "h", Port: "5432", Database: "d", User: "u", Password: password}
	address, err := postgresAddress(spec)
	if want := "postgres://u:p%40ss%2Fword@h:5432/d?connect_timeout=5&sslmode=disable"; err != nil || address != want {
		t.Errorf("%s %v", address, err)
	}
	spec.Certificate = "/etc/ssl-cert/ca.pem"
	if address, err := postgresAddress(spec); err != nil || !strings.HasSuffix(address, "sslmode=verify-ca&sslrootcert=%2Fetc%2Fssl-cert%2Fca.pem") {
		t.Errorf("%s %v", address, err)
	}
}
