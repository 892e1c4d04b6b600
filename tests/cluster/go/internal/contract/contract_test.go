package contract

import (
	"strings"
	"testing"
)

const head = "image: {names: [example/x:1]}\n"

const object = "{apiVersion: v1, kind: Pod, metadata: {name: x}}"

func makerOf(fields string) string {
	return head + "listen: [{name: a, port: 1}]\nroles: [{maker: {listen: a, " + fields + "}}]\n"
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no image":         {"flags: {}\n", "image.names"},
		"no tag":           {"image: {names: [localhost:5000/x]}\n", "has no tag"},
		"unknown key":      {head + "colour: red\n", "colour"},
		"unknown type":     {head + "flags: {x: {type: number}}\n", "unknown type"},
		"bad default":      {head + "env: {X: {type: int, default: many}}\n", "default"},
		"bad pattern":      {head + "env: {X: {pattern: '('}}\n", "missing closing"},
		"undeclared flag":  {head + "persist: '{{ flag \"x\" }}/y'\n", "flag x is not declared"},
		"bad template":     {head + "log: ['{{ nothing }}']\n", "nothing"},
		"two roles in one": {head + "listen: [{name: a, port: 1}]\nroles: [{queue: {listen: a}, proxy: {listen: a, prefix: /, to: 'http://x'}}]\n", "2 roles"},
		"no such port":     {head + "roles: [{queue: {listen: a}}]\n", "no http port"},
		"no endpoints":     {head + "listen: [{name: a, port: 1}]\nroles: [{etcd: {listen: a}}]\n", "misses a field"},
		"no port to work":  {head + "roles: [{worker: {dir: /x, to: 'http://x', port: 1}}]\n", "no http port"},
		"makes nothing":    {makerOf(""), "misses a field"},
		"makes from two":   {makerOf("objects: '" + object + "', file: /x"), "objects or file"},
		"makes no object":  {makerOf("objects: '{{ .Name }}'"), "cannot unmarshal"},
		"makes no kind":    {makerOf("objects: '{apiVersion: v1, metadata: {name: x}}'"), "needs apiVersion, kind and a name"},
		"makes undeclared": {makerOf("objects: '{{ .Param \"y\" }}'"), "parameter y is not declared"},
		"bad expression":   {makerOf("objects: '{{ .Match \"/f\" \"image\" }}'"), "one group is needed"},
		"bad probe":        {makerOf("objects: '" + object + "', probe: [{path: api}]"), "begins with /"},
		"bad refused":      {makerOf("objects: '" + object + "', probe: [{path: /api, refused: maybe}]"), "unknown refused"},
		"logs of nobody":   {makerOf("objects: '" + object + "', follow: {logs: main}"), "logs need pods"},
		"bad parameter":    {makerOf("objects: '" + object + "', params: {x: {type: number}}"), "unknown type"},
		"two of a name":    {"image: {names: ['x:1'], programs: {/a/python3: a.yaml, /b/python3: b.yaml}}\n", "two are named"},
		"an ask for each":  {head + "roles: [{rights: {probe: [{path: /x, each: {path: nodes}}]}}]\n", "each: a path begins with /"},
		"no count":         {head + "roles: [{device-plugin: {dir: /x, resource: a/b}}]\n", "misses a field"},
		"unknown role":     {head + "roles: [{cache: {}}]\n", "cache"},
		"fields of yaml":   {head + "files: [{path: /x, format: yaml, fields: {a: {}}}]\n", "fields belong to the format pbtxt"},
		"pbtxt, any field": {head + "files: [{path: /x, format: pbtxt}]\n", "fields belong to the format pbtxt"},
		"keys of pbtxt":    {head + "files: [{path: /x, format: pbtxt, keys: [a], fields: {a: {}}}]\n", "keys need a format"},
		"field of nothing": {head + "files: [{path: /x, format: pbtxt, fields: {a.b: {}}}]\n", "a is not a message"},
		"field's type":     {head + "files: [{path: /x, format: pbtxt, fields: {a: {type: list}}}]\n", "unknown type"},
		"field's default":  {head + "files: [{path: /x, format: pbtxt, fields: {a: {default: b}}}]\n", "no default"},
		"one of nothing":   {head + "files: [{path: /x, format: pbtxt, fields: {a: {}}, oneOf: [[b]]}]\n", "b is no field"},
		"reads no file":    {head + "log: ['{{ read \"conf\" \"a\" }}']\n", "file conf is not declared"},
		"reads no field":   {head + "files: [{path: /x, name: conf, format: pbtxt, fields: {a: {}}}]\nlog: ['{{ read \"conf\" \"b\" }}']\n", "field b is not declared"},
		"no folders":       {head + "listen: [{name: a, port: 1}]\nroles: [{modules: {listen: a, dir: /x}}]\n", "misses a field"},
		"runs for nobody":  {head + "listen: [{name: a, port: 1}]\nroles: [{executor: {listen: a, modules: 'http://x', port: 1}}]\n", "misses a field"},
		"bucket nowhere":   {head + "listen: [{name: a, port: 1}]\nroles: [{bucket: {listen: a, dir: /x}}]\n", "misses a field"},
		"unknown access":   {head + "paths: [{path: /x, access: rw}]\n", "unknown access"},
		"http and tcp":     {head + "upstreams: [{name: a, http: 'http://x', tcp: 'x:1'}]\n", "http or tcp"},
		"named standin":    {"image: {names: ['x:1'], entrypoint: /standin}\n", "not named standin"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.text), "x")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestTypes(t *testing.T) {
	low, high := 1.0, 10.0
	for _, c := range []struct {
		param Param
		value string
		good  bool
	}{
		{Param{Type: "int"}, "3", true},
		{Param{Type: "int"}, "3.5", false},
		{Param{Type: "int", Min: &low, Max: &high}, "11", false},
		{Param{Type: "float", Min: &low}, "0.5", false},
		{Param{Type: "bool"}, "yes", false},
		{Param{Type: "duration"}, "30s", true},
		{Param{Type: "path"}, "data", false},
		{Param{Type: "url"}, "collector:8080", false},
		{Param{Type: "url"}, "http://collector:8080", true},
		{Param{Type: "hostport"}, "mq:9091", true},
		{Param{Type: "hostport"}, "http://mq:9091", false},
		{Param{Type: "list"}, "a,,b", false},
		{Param{Values: []string{"debug"}}, "info", false},
		{Param{Pattern: "^v[0-9]+$"}, "v1", true},
	} {
		if err := c.param.Check(c.value); (err == nil) != c.good {
			t.Errorf("%q as %s: %v", c.value, c.param.Type, err)
		}
	}
}
