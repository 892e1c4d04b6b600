package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Maker makes Kubernetes objects at run time, with the rights of its pod's service account.
type Maker struct {
	Listen    string           `yaml:"listen"`
	Path      string           `yaml:"path"`
	Account   string           `yaml:"account"`
	Namespace string           `yaml:"namespace"`
	Params    map[string]Param `yaml:"params"`
	Objects   string           `yaml:"objects"`
	File      string           `yaml:"file"`
	Owned     bool             `yaml:"owned"`
	Leaves    []string         `yaml:"leaves"`
	Probe     []Ask            `yaml:"probe"`
	Ask       []Ask            `yaml:"ask"`
	Follow    *Follow          `yaml:"follow"`
}

// Ask is a request to the API server beside those that make the objects.
type Ask struct {
	Method      string `yaml:"method"`
	Path        string `yaml:"path"`
	Body        string `yaml:"body"`
	ContentType string `yaml:"contentType"`
	Status      []int  `yaml:"status"`
	Refused     string `yaml:"refused"`
	Each        *Each  `yaml:"each"`
}

// Each is a list whose items an Ask goes through, but for those whose name matches.
type Each struct {
	Path string `yaml:"path"`
	Skip string `yaml:"skip"`
}

// Follow is how a Maker looks after what it made.
type Follow struct {
	Pods    string `yaml:"pods"`
	Logs    string `yaml:"logs"`
	Objects bool   `yaml:"objects"`
}

// AccountFolder is where the kubelet puts the token of a pod's service account.
const AccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

func (m *Maker) fillIn() {
	orElse(&m.Path, "/api/v1/made")
	orElse(&m.Account, AccountFolder)
	fillInAsks(m.Probe, m.Ask)
}

func fillInAsks(lists ...[]Ask) {
	for _, asks := range lists {
		for i := range asks {
			asks[i].fillIn()
		}
	}
}

func (a *Ask) fillIn() {
	orElse(&a.Method, http.MethodGet)
	orElse(&a.Refused, "exit")
	if a.Body != "" {
		orElse(&a.ContentType, "application/json")
	}
}

func (m *Maker) port() (string, bool) { return m.Listen, true }
func (m *Maker) needed() []string     { return []string{m.Objects + m.File} }
func (m *Maker) templates() []string  { return []string{m.Account, m.Namespace, m.File} }

// validate looks at what is filled in for each order, as far as can be without one.
func (m *Maker) validate(values Values) error {
	values = values.Dry()
	if (m.Objects == "") == (m.File == "") {
		return errors.New("maker: objects or file")
	}
	if strings.HasSuffix(m.Path, "/") {
		return fmt.Errorf("maker: path %s must not end with /", m.Path)
	}
	for name, param := range m.Params {
		if err := param.validate(); err != nil {
			return prefix("maker: params."+name, err)
		}
	}
	if m.Objects != "" {
		if _, err := Documents(m.Objects, values, dryOrder(m.Params)); err != nil {
			return prefix("maker: objects", err)
		}
	}
	if err := validateAsks(values, m.Params, m.Probe, m.Ask); err != nil {
		return prefix("maker", err)
	}
	if m.Follow == nil {
		return nil
	}
	if m.Follow.Logs != "" && m.Follow.Pods == "" {
		return errors.New("maker: follow: logs need pods")
	}
	_, err := values.Expand(m.Follow.Pods+m.Follow.Logs, dryOrder(m.Params))
	return prefix("maker: follow", err)
}

func validateAsks(values Values, params map[string]Param, asks ...[]Ask) error {
	for _, ask := range slices.Concat(asks...) {
		if err := ask.validate(values, params); err != nil {
			return prefix(ask.Path, err)
		}
	}
	return nil
}

func (a Ask) validate(values Values, params map[string]Param) error {
	if !slices.Contains([]string{"exit", "log"}, a.Refused) {
		return fmt.Errorf("unknown refused %q", a.Refused)
	}
	if !strings.HasPrefix(a.Path, "/") {
		return errors.New("a path begins with /")
	}
	text := a.Path + a.Body
	if a.Each != nil {
		text += a.Each.Path
		if !strings.HasPrefix(a.Each.Path, "/") {
			return errors.New("each: a path begins with /")
		}
		if err := compile([]string{a.Each.Skip}); err != nil {
			return prefix("each", err)
		}
	}
	_, err := values.Expand(text, dryOrder(params))
	return err
}

// Documents fills in a template and reads the objects in it.
func Documents(text string, values Values, order Order) ([]map[string]any, error) {
	filled, err := values.Expand(text, order)
	if err != nil {
		return nil, err
	}
	var objects []map[string]any
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(filled)))
	for {
		var object map[string]any
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if object == nil {
			continue
		}
		if err := identified(object); err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	if len(objects) == 0 {
		return nil, errors.New("no object")
	}
	return objects, nil
}

func identified(object map[string]any) error {
	kind, _ := object["kind"].(string)
	version, _ := object["apiVersion"].(string)
	metadata, _ := object["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	generated, _ := metadata["generateName"].(string)
	if kind == "" || version == "" || name+generated == "" {
		return fmt.Errorf("an object needs apiVersion, kind and a name: %v", object)
	}
	return nil
}
