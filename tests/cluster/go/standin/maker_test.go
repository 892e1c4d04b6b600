package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const makes = `
    objects: |
      apiVersion: batch/v1
      kind: Job
      metadata: {generateName: '{{ .Name }}-', labels: {colour: {{ .Param "colour" | json }}}}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: '{{ .Name }}-svc'}
      spec: {clusterIP: None}
    owned: true
    params: {colour: {values: [red, blue], default: red}, size: {type: int}}
`

var allRights = []string{"create jobs", "create services", "get jobs", "get services", "delete jobs", "delete services",
	"list pods", "watch pods", "get pods/log", "get namespaces"}

func without(right string) []string {
	var rest []string
	for _, one := range allRights {
		if one != right {
			rest = append(rest, one)
		}
	}
	return rest
}

func makerOf(account, more string) string {
	return port + "    routes: [{path: /ready, ready: true, body: ok}]\nroles:\n- maker:\n    listen: http\n    account: " + account + makes + more
}

func order(t *testing.T, method, address, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(text))
}

func TestMakesFollowsAndTakesAway(t *testing.T) {
	api, account := inCluster(t, allRights...)
	_, web := start(t, makerOf(account, "    follow: {pods: 'job={{ .Name }}', logs: main, objects: true}\n"))
	made := web.URL + "/api/v1/made"
	if code, body := order(t, "POST", made, `{"name":"k1","colour":"blue"}`); code != 201 || !strings.Contains(body, `"name":"k1-abc12"`) {
		t.Fatalf("made: %d %s", code, body)
	}
	const job, service = "/apis/batch/v1/namespaces/harbour/jobs/k1-abc12", "/api/v1/namespaces/harbour/services/k1-svc"
	if paths := strings.Join(api.paths(), " "); paths != service+" "+job {
		t.Errorf("objects: %s", paths)
	}
	if labels := api.objects[job]["metadata"].(map[string]any)["labels"]; labels.(map[string]any)["colour"] != "blue" {
		t.Errorf("labels: %v", labels)
	}
	if owners, ok := api.objects[service]["metadata"].(map[string]any)["ownerReferences"].([]any); !ok || owners[0].(map[string]any)["uid"] != "uid-of-k1-abc12" {
		t.Errorf("owners: %v", owners)
	}
	if code, body := order(t, "POST", made, `{"name":"k1"}`); code != 409 {
		t.Errorf("the same again: %d %s", code, body)
	}
	api.pod("k1-pod", "Pending", map[string]any{})
	eventually(t, "a pod that is pending", func() bool { _, body := fetchText(t, made); return strings.Contains(body, `"phase":"Pending"`) })
	api.pod("k1-pod", "Running", map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}})
	eventually(t, "its log", func() bool {
		_, body := fetchText(t, made)
		return strings.Contains(body, `"log":["line 1 of main","line 2"]`) && strings.Contains(body, `"ready":true,"node":"n1"`)
	})
	ended := map[string]any{"state": map[string]any{"terminated": map[string]any{"exitCode": 3}}}
	api.pod("k1-pod", "Failed", map[string]any{"containerStatuses": []any{ended}})
	eventually(t, "its end", func() bool { _, body := fetchText(t, made); return strings.Contains(body, `"exit":3`) })
	api.mutex.Lock()
	delete(api.objects, service)
	api.mutex.Unlock()
	if _, body := fetchText(t, made); !strings.Contains(body, `"state":"gone"`) || !strings.Contains(body, `"state":"there"`) {
		t.Errorf("states: %s", body)
	}
	if code, body := order(t, "DELETE", made+"/k1", ""); code != 204 || len(api.paths()) != 0 {
		t.Errorf("deleted: %d %s, left %v", code, body, api.paths())
	}
	if code, _ := order(t, "DELETE", made+"/k1", ""); code != 404 {
		t.Errorf("deleted twice: %d", code)
	}
	if _, body := fetchText(t, made); body != `{"count":0,"made":[]}` {
		t.Errorf("left: %s", body)
	}
}

func TestEveryRightIsNeeded(t *testing.T) {
	for right, want := range map[string]int{"create jobs": 403, "create services": 403} {
		api, account := inCluster(t, without(right)...)
		_, web := start(t, makerOf(account, ""))
		if code, body := order(t, "POST", web.URL+"/api/v1/made", ""); code != want || !strings.Contains(body, "is forbidden") {
			t.Errorf("without %s: %d %s", right, code, body)
		}
		if paths := api.paths(); len(paths) != 0 {
			t.Errorf("without %s, left behind: %v", right, paths)
		}
	}
	for right, method := range map[string]string{"get jobs": "GET", "get services": "GET", "delete services": "DELETE", "delete jobs": "DELETE"} {
		_, account := inCluster(t, without(right)...)
		_, web := start(t, makerOf(account, "    follow: {objects: true}\n"))
		made := web.URL + "/api/v1/made"
		if code, body := order(t, "POST", made, `{"name":"a"}`); code != 201 {
			t.Fatalf("without %s: %d %s", right, code, body)
		}
		if method == "DELETE" {
			made += "/a"
		}
		if code, body := order(t, method, made, ""); code != 403 || !strings.Contains(body, "is forbidden") {
			t.Errorf("without %s: %d %s", right, code, body)
		}
	}
	for _, right := range []string{"list pods", "watch pods", "get pods/log"} {
		api, account := inCluster(t, without(right)...)
		_, web := start(t, makerOf(account, "    follow: {pods: a=b, logs: main}\n"))
		api.pod("p", "Running", map[string]any{})
		ready := func() (int, string) { return fetchText(t, web.URL+"/ready") }
		if code, body := ready(); code != 200 {
			t.Errorf("with nothing to follow: %d %s", code, body)
		}
		order(t, "POST", web.URL+"/api/v1/made", "")
		eventually(t, "not ready without "+right, func() bool { code, body := ready(); return code == 503 && strings.Contains(body, "is forbidden") })
		if right == "get pods/log" {
			continue
		}
		api.allow(allRights...)
		eventually(t, "ready with "+right, func() bool { code, _ := ready(); return code == 200 })
	}
}

func TestProbesDecideAboutTheStart(t *testing.T) {
	const seen, secrets = "{path: /api/v1/namespaces/kube-system}", "{path: '/api/v1/namespaces/{{ .Namespace }}/nodes', status: [403]}"
	for name, c := range map[string]struct {
		rights []string
		probe  string
		want   string
	}{
		"allowed":          {allRights, seen, ""},
		"refused":          {without("get namespaces"), seen, `namespaces is forbidden`},
		"only written":     {without("get namespaces"), strings.Replace(seen, "}", ", refused: log}", 1), ""},
		"rightly refused":  {allRights, secrets, ""},
		"wrongly allowed":  {append(without(""), "list nodes"), secrets, "succeeds, wanted is [403]"},
		"another status":   {allRights, "{path: /api/v1/namespaces/harbour/pods/none, status: [404]}", "pods is forbidden"},
		"with a body":      {append(without(""), "patch nodes"), "{method: PATCH, path: /api/v1/nodes/n1, body: '{}', status: [404]}", ""},
		"that is rejected": {allRights, "{method: PATCH, path: /api/v1/nodes/n1, body: '{}'}", "nodes is forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			_, account := inCluster(t, c.rights...)
			text := makerOf(account, "    probe: ["+c.probe+"]\n")
			contract := parse(t, text)
			s := newServer(contract, contract.Defaults(), io.Discard)
			expect(t, s.startMaker(t.Context(), *contract.Roles[0].Maker, http.NewServeMux()), c.want)
		})
	}
}

func TestAnUnreachableServerIsWaitedFor(t *testing.T) {
	_, account := inCluster(t, allRights...)
	t.Setenv("KUBERNETES_SERVICE_PORT", "1")
	contract := parse(t, makerOf(account, "    probe: [{path: /api/v1/namespaces/kube-system}]\n"))
	s := newServer(contract, contract.Defaults(), io.Discard)
	ctx, cancel := context.WithTimeout(t.Context(), retry)
	defer cancel()
	expect(t, s.startMaker(ctx, *contract.Roles[0].Maker, http.NewServeMux()), "connection refused")
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	expect(t, s.startMaker(t.Context(), *contract.Roles[0].Maker, http.NewServeMux()), "not in a cluster")
}

func TestOrdersAreChecked(t *testing.T) {
	_, account := inCluster(t, allRights...)
	s, web := start(t, makerOf(account, "    ask: [{path: '/api/v1/namespaces/{{ .Namespace }}/pods/{{ .Name }}', status: [404], refused: log}]\n"))
	for body, want := range map[string]string{
		`{"colour":"green"}`: "must be one of red, blue",
		`{"size":"big"}`:     "parse error",
		`{"weight":"1"}`:     "unknown: weight",
		`{"name":"A b"}`:     "at most 40",
		`[]`:                 "cannot unmarshal",
		`{"size":3}`:         "cannot unmarshal",
	} {
		if code, said := order(t, "POST", web.URL+"/api/v1/made", body); code != 400 || !strings.Contains(said, want) {
			t.Errorf("%s: %d %s", body, code, said)
		}
	}
	s.order("fail stop")
	if code, _ := order(t, "POST", web.URL+"/api/v1/made", ""); code != 503 {
		t.Errorf("made although told to stop: %d", code)
	}
}

func TestTheTokenIsReadEachTime(t *testing.T) {
	api, account := inCluster(t, allRights...)
	_, web := start(t, makerOf(account, ""))
	api.mutex.Lock()
	api.token = "second"
	api.mutex.Unlock()
	if code, body := order(t, "POST", web.URL+"/api/v1/made", ""); code != 401 {
		t.Errorf("with the old token: %d %s", code, body)
	}
	if err := os.WriteFile(filepath.Join(account, "token"), []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	api.mutex.Lock()
	clear(api.objects)
	api.mutex.Unlock()
	if code, body := order(t, "POST", web.URL+"/api/v1/made", ""); code != 201 {
		t.Errorf("with the new one: %d %s", code, body)
	}
}

func TestWhatIsMadeComesFromFiles(t *testing.T) {
	api, account := inCluster(t, allRights...)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"conf.yaml": "job: {image: example/job:1}\n", "conf.pbtxt": "runner {\n  image: \"example/runner:2\"\n}\n",
		"objects.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Name }}\n  annotations: {a: {{ .Value \"" + dir + "/conf.yaml\" \"job.image\" | json }}, b: {{ .Match \"" + dir + "/conf.pbtxt\" `image: \"([^\"]+)\"` | json }}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, web := start(t, port+"roles: [{maker: {listen: http, account: "+account+", file: "+dir+"/objects.yaml}}]\n")
	if code, body := order(t, "POST", web.URL+"/api/v1/made", `{"name":"a"}`); code != 201 {
		t.Fatalf("%d %s", code, body)
	}
	annotations := api.objects["/apis/batch/v1/namespaces/harbour/jobs/a"]["metadata"].(map[string]any)["annotations"].(map[string]any)
	if annotations["a"] != "example/job:1" || annotations["b"] != "example/runner:2" {
		t.Errorf("annotations: %v", annotations)
	}
	if err := os.WriteFile(filepath.Join(dir, "conf.yaml"), []byte("job: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, body := order(t, "POST", web.URL+"/api/v1/made", ""); code != 400 || !strings.Contains(body, "misses job.image") {
		t.Errorf("without the key: %d %s", code, body)
	}
}
