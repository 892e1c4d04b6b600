package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seaworthy.test/cluster/internal/contract"
)

func parse(t *testing.T, text string) *contract.Contract {
	t.Helper()
	c, err := contract.Parse([]byte("image: {names: [example/x:1], env: {BAKED: x}}\n"+text), "x")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const strict = `
flags:
  workers: {type: int, min: 1, default: "4"}
  data-dir: {type: path, required: true}
  checkpoint: {type: bool}
env:
  MQ_URL: {type: hostport, required: true}
  MQ_PORT: {type: int}
`

var goodArgs, goodEnv = []string{"-data-dir=/d"}, []string{"MQ_URL=mq:9091"}

func TestRefusalsExitWithTwo(t *testing.T) {
	for name, c := range map[string]struct {
		args, env []string
		want      string
	}{
		"unknown flag":      {[]string{"-data-dir=/d", "-broker-port=1"}, goodEnv, "flag provided but not defined: -broker-port"},
		"missing flag":      {nil, goodEnv, "flag is required: -data-dir"},
		"bad flag":          {[]string{"-data-dir=/d", "--workers", "none"}, goodEnv, `invalid value "none" for flag -workers`},
		"too small":         {[]string{"-data-dir=/d", "-workers=0"}, goodEnv, "less than 1"},
		"flag without":      {[]string{"-data-dir"}, goodEnv, "flag needs an argument: -data-dir"},
		"bool takes none":   {[]string{"-data-dir=/d", "-checkpoint", "true"}, goodEnv, "unexpected argument: true"},
		"positional":        {[]string{"-data-dir=/d", "serve"}, goodEnv, "unexpected argument: serve"},
		"unknown variable":  {goodArgs, append([]string{"MQ_TOPIC=x"}, goodEnv...), "unknown environment variable: MQ_TOPIC"},
		"missing variable":  {goodArgs, nil, "environment variable is required: MQ_URL"},
		"empty variable":    {goodArgs, []string{"MQ_URL="}, "environment variable is required: MQ_URL"},
		"bad variable":      {goodArgs, []string{"MQ_URL=http://mq:9091"}, "not host:port"},
		"injected in place": {goodArgs, append([]string{"MQ_PORT=tcp://10.0.0.1:80"}, goodEnv...), "MQ_PORT"},
		"port of no service": {goodArgs, append([]string{"HTTP_PORT=8080"}, goodEnv...),
			"unknown environment variable: HTTP_PORT"},
	} {
		t.Run(name, func(t *testing.T) {
			var errs bytes.Buffer
			if code := run(parse(t, strict), c.args, c.env, &errs, &errs); code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			if !strings.Contains(errs.String(), c.want) {
				t.Errorf("said %q, want %q", errs.String(), c.want)
			}
		})
	}
}

func TestWhatKubernetesAddsIsTolerated(t *testing.T) {
	env := append([]string{"KUBERNETES_PORT=tcp://10.0.0.1:443", "WEB_SERVICE_HOST=10.0.0.2", "WEB_SERVICE_PORT_HTTP=80",
		"WEB_PORT=tcp://10.0.0.2:80", "WEB_PORT_80_TCP_ADDR=10.0.0.2", "HOSTNAME=x", "PATH=/bin", "BAKED=y"}, goodEnv...)
	values, err := admit(parse(t, strict), []string{"--data-dir", "/d", "-checkpoint"}, env)
	if err != nil {
		t.Fatal(err)
	}
	if values.Flags["workers"] != "4" || values.Flags["checkpoint"] != "true" || values.Env["MQ_URL"] != "mq:9091" {
		t.Errorf("values %v", values)
	}
}

func TestFiles(t *testing.T) {
	for name, c := range map[string]struct{ check, content, want string }{
		"good csv":      {"csv: {anyColumn: [uuid, gpu_id], minRows: 1}", "gpu_id,v\n1,2\n", ""},
		"no column":     {"csv: {anyColumn: [uuid, gpu_id]}", "id,v\n1,2\n", "header misses uuid or gpu_id"},
		"uneven rows":   {"csv: {anyColumn: [uuid]}", "uuid,v\n1\n", "wrong number of fields"},
		"too few rows":  {"csv: {minRows: 1}", "uuid,v\n", "0 rows"},
		"empty csv":     {"csv: {}", "", "no header row"},
		"bad json":      {"format: json", "{", "unexpected end"},
		"missing key":   {"format: yaml, keys: [server.port]", "server: {host: x}\n", "misses server.port"},
		"found key":     {"format: yaml, keys: [server.port]", "server: {port: 1}\n", ""},
		"no match":      {"matches: ['^listen']", "bind 1\n", "does not match"},
		"forbidden":     {"forbids: [CHANGEME]", "password CHANGEME\n", "must not match"},
		"missing file":  {"csv: {}", "-", "no such file"},
		"good pbtxt":    {"format: pbtxt, fields: {a: {type: int, required: true}}", "a: 1\n", ""},
		"bad pbtxt":     {"format: pbtxt, fields: {a: {type: int}}", "a: \"1\"\n", "is not a int"},
		"no such field": {"format: pbtxt, name: f, fields: {a: {type: int}}", "b: 1\n", "unknown field: b"},
		"not now":       {"when: '{{ if false }}x{{ end }}', csv: {}", "-", ""},
		"now":           {"when: x, csv: {}", "-", "no such file"},
		"optional file": {"optional: true, csv: {}", "-", ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "file")
			if c.content != "-" {
				if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := admit(parse(t, "files: [{path: "+file+", "+c.check+"}]\n"), nil, nil)
			expect(t, err, c.want)
		})
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	for access, want := range map[string]string{
		"writable": "", "present": "", "read-only": "must be read-only", "absent": "must not be there",
	} {
		_, err := admit(parse(t, "paths: [{path: "+dir+", access: "+access+"}]\n"), nil, nil)
		expect(t, err, want)
	}
	_, err := admit(parse(t, "paths: [{path: /proc/self, access: writable}]\n"), nil, nil)
	if err == nil {
		t.Error("/proc counts as writable")
	}
}

func TestUser(t *testing.T) {
	_, err := admit(parse(t, "runAs: {uid: 4711}\n"), nil, nil)
	expect(t, err, "must run as uid 4711")
}

func TestStartsAreCounted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "starts.log")
	for range 2 {
		if _, err := admit(parse(t, "persist: "+file+"\n"), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(data), `"start":2`) {
		t.Errorf("%s, %v", data, err)
	}
}

func expect(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil {
		t.Errorf("refused: %v", err)
	}
	if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("got %v, want %q", err, want)
	}
}
