package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seaworthy.test/cluster/internal/contract"
)

func TestRightsThatLackOrAreTooManyEndTheStart(t *testing.T) {
	for name, c := range map[string]struct {
		probe, want string
		code        int
	}{
		"as wanted": {"{path: /api/v1/namespaces/harbour/pods}, {path: /api/v1/namespaces/harbour/services, status: [403]}", "", 0},
		"one lacks": {"{path: /api/v1/namespaces/harbour/services}", `cannot list resource "services"`, 1},
		"one more":  {"{path: /api/v1/namespaces/harbour/pods, status: [403]}", "succeeds, wanted is [403]", 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, account := inCluster(t, "list pods")
			text := "roles: [{rights: {account: " + account + ", probe: [" + c.probe + "]}}]\n"
			err := newServer(parse(t, text), parse(t, text).Defaults(), io.Discard).routes(t.Context(), nil)
			if (err == nil) != (c.code == 0) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// Each node but one gets a label; the Service stays when what was made is taken away.
func TestGoesThroughAListAndLeavesWhatIsToStay(t *testing.T) {
	api, account := inCluster(t, append(allRights, "list nodes", "patch nodes")...)
	api.nodes = []string{"n1", "main-control-plane", "n2"}
	each := "    leaves: [Service]\n    ask:\n    - {method: PATCH, path: '/api/v1/nodes/{{ .Item }}', body: '{{ .Name }}', " +
		"contentType: application/json-patch+json, each: {path: /api/v1/nodes, skip: control-plane$}}\n"
	_, web := start(t, makerOf(account, each))
	made := web.URL + "/api/v1/made"
	if code, body := order(t, "POST", made, `{"name":"k1"}`); code != 201 {
		t.Fatalf("made: %d %s", code, body)
	}
	if patched := strings.Join(api.patched, " "); patched != "n1:k1 n2:k1" {
		t.Errorf("patched: %s", patched)
	}
	if code, body := order(t, "DELETE", made+"/k1", ""); code != 204 {
		t.Errorf("deleted: %d %s", code, body)
	}
	if paths := strings.Join(api.paths(), " "); paths != "/api/v1/namespaces/harbour/services/k1-svc" {
		t.Errorf("left: %s", paths)
	}
	// Without a right nothing stays but what stays anyway.
	api.allow(append(allRights, "list nodes")...)
	if code, body := order(t, "POST", made, `{"name":"k2"}`); code != 403 || !strings.Contains(body, "nodes") {
		t.Errorf("without the right: %d %s", code, body)
	}
	if paths := strings.Join(api.paths(), " "); strings.Contains(paths, "jobs") {
		t.Errorf("left: %s", paths)
	}
}

func TestMembersAreKnown(t *testing.T) {
	_, web := start(t, port+"roles: [{balancer: {listen: http}}]\n")
	start(t, "roles: [{member: {to: '"+web.URL+"/api/v1/agents', port: '1'}}]\n")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a member", func() bool {
		_, body := fetchText(t, web.URL+"/api/v1/agents")
		return body == `{"agents":["`+host+`"],"count":1}`
	})
}

func TestFilterGivesTheNodesBack(t *testing.T) {
	_, web := start(t, port+"roles: [{filter: {listen: http}}]\n")
	asked := `{"Pod":{"metadata":{"name":"p"}},"Nodes":{"items":[{"metadata":{"name":"n1"},"spec":{"x":1}}]}}`
	code, body := order(t, "POST", web.URL+"/filter", asked)
	if code != 200 || !strings.Contains(body, `{"Items":[{"metadata":{"name":"n1"},"spec":{"x":1}}]}`) {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := order(t, "POST", web.URL+"/filter", "no JSON"); code != 400 {
		t.Errorf("no JSON: %d", code)
	}
}

func TestProxyWantsWhatItWasTold(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "in") }))
	defer behind.Close()
	_, web := start(t, "env: {TOKEN: {default: secret}}\n"+port+"roles: [{proxy: {listen: http, prefix: /api/, to: '"+behind.URL+"', authorization: 'token {{ env \"TOKEN\" }}'}}]\n")
	for header, want := range map[string]int{"": 403, "token wrong": 403, "token secret": 200} {
		request, err := http.NewRequest(http.MethodGet, web.URL+"/api/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", header)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%q: %d, want %d", header, answer.StatusCode, want)
		}
	}
}

func TestAValueOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("a: {b-c: 8081}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := parse(t, "log: ['{{ value \""+file+"\" \"a.b-c\" }}', '{{ value \""+file+"\" \"a.x\" }}']\n")
	if text, err := c.Defaults().Expand(c.Log[0], nil); err != nil || text != "8081" {
		t.Errorf("%q %v", text, err)
	}
	if _, err := c.Defaults().Expand(c.Log[1], nil); err == nil || !strings.Contains(err.Error(), "misses a.x") {
		t.Errorf("a key that lacks: %v", err)
	}
	if text, err := c.Defaults().Dry().Expand(c.Log[1], nil); err != nil || text != "1" {
		t.Errorf("without files: %q %v", text, err)
	}
}

func TestAProgramBesideTheImagesOwn(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.yaml":            "image: {names: [example/x:1], programs: {/opt/bin/python3: programs/kernel.yaml}}\n",
		"programs/kernel.yaml": "flags: {m: {required: true}}\n",
		"programs/bad.yaml":    "image: {names: [example/x:1]}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := check([]string{filepath.Join(dir, "main.yaml")}, io.Discard); err != nil {
		t.Error(err)
	}
	if _, err := contract.LoadProgram(filepath.Join(dir, "programs/bad.yaml")); err == nil {
		t.Error("a program with an image of its own was accepted")
	}
}
