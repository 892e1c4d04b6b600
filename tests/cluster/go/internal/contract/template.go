package contract

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"
)

// Values are what a stand-in was started with, defaults included.
type Values struct {
	Flags, Env, Args map[string]string
	Files            map[string]*Document
	dry              bool
}

// Dry are the same without the files that are there only when it runs.
func (v Values) Dry() Values {
	v.dry = true
	return v
}

// Request is `.` in a route's body.
type Request struct {
	Path  string
	query func(string) string
}

func NewRequest(path string, query func(string) string) Request { return Request{path, query} }

func (r Request) Query(key string) string {
	if r.query == nil {
		return ""
	}
	return r.query(key)
}

// Expand fills in a template. A name that the contract does not declare is an error.
func (v Values) Expand(text string, dot any) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	t, err := template.New("").Funcs(v.functions()).Parse(text)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, dot)
	return out.String(), err
}

func (v Values) functions() template.FuncMap {
	return template.FuncMap{
		"flag":       lookup("flag", v.Flags),
		"env":        lookup("variable", v.Env),
		"arg":        lookup("argument", v.Args),
		"read":       func(file, path string) (any, error) { return fromFile(v.Files, file, path, (*Document).Read) },
		"has":        func(file, path string) (bool, error) { return fromFile(v.Files, file, path, (*Document).Has) },
		"hostname":   os.Hostname,
		"value":      v.value,
		"json":       quoted,
		"trimPrefix": func(prefix, s string) string { return strings.TrimPrefix(s, prefix) },
		"trimSuffix": func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
		"default": func(fallback, s string) string {
			if s == "" {
				return fallback
			}
			return s
		},
	}
}

// value is what a YAML or JSON file has at dotted keys.
func (v Values) value(file, keys string) (any, error) {
	if v.dry {
		return "1", nil
	}
	return valueOf(file, keys)
}

func lookup(what string, values map[string]string) func(string) (string, error) {
	return func(name string) (string, error) {
		value, ok := values[name]
		if !ok {
			return "", fmt.Errorf("%s %s is not declared", what, name)
		}
		return value, nil
	}
}

// quoted is a value as JSON, which is YAML as well.
func quoted(value any) (string, error) {
	data, err := json.Marshal(value)
	return string(data), err
}

func fromFile[T any](files map[string]*Document, file, path string, ask func(*Document, string) (T, error)) (T, error) {
	document, ok := files[file]
	if !ok {
		var none T
		return none, fmt.Errorf("file %s is not declared", file)
	}
	return ask(document, path)
}
