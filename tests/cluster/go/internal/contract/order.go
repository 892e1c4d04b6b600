package contract

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Order is `.` in what a Maker fills in for each thing that it makes.
type Order struct {
	Name, Namespace string
	Item            string // of those that an Ask goes through
	params          map[string]string
	dry             bool
}

// NewOrder checks what was ordered against what may be.
func NewOrder(name, namespace string, given map[string]string, params map[string]Param) (Order, error) {
	order := Order{Name: name, Namespace: namespace, params: map[string]string{}}
	for key, param := range params {
		order.params[key] = param.Default
		if param.Required && given[key] == "" {
			return order, fmt.Errorf("%s is required", key)
		}
	}
	for key, value := range given {
		param, known := params[key]
		if !known {
			return order, fmt.Errorf("unknown: %s", key)
		}
		if err := param.Check(value); err != nil {
			return order, fmt.Errorf("%s: %w", key, err)
		}
		order.params[key] = value
	}
	return order, nil
}

// dryOrder fills in as an order would, without one and without the files.
func dryOrder(params map[string]Param) Order {
	order := Order{Name: "x", Namespace: "x", params: map[string]string{}, dry: true}
	for key, param := range params {
		order.params[key] = param.Default
		orElseIn(order.params, key, "x")
	}
	return order
}

func orElseIn(values map[string]string, key, value string) {
	if values[key] == "" {
		values[key] = value
	}
}

// Param is one of what was ordered, or its default.
func (o Order) Param(name string) (string, error) { return lookup("parameter", o.params)(name) }

// Value is what a YAML or JSON file has at dotted keys.
func (o Order) Value(file, keys string) (any, error) {
	if o.dry {
		return "x", nil
	}
	return valueOf(file, keys)
}

func valueOf(file, keys string) (any, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, key := range strings.Split(keys, ".") {
		branch, _ := tree.(map[string]any)
		next, there := branch[key]
		if !there {
			return nil, fmt.Errorf("%s: misses %s", file, keys)
		}
		tree = next
	}
	return tree, nil
}

// Match is the first group of the first place in a file where a regular expression matches.
func (o Order) Match(file, pattern string) (string, error) {
	expression, err := regexp.Compile(pattern)
	if err != nil {
		return "", err
	}
	if expression.NumSubexp() != 1 {
		return "", fmt.Errorf("%s: one group is needed", pattern)
	}
	if o.dry {
		return "x", nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	found := expression.FindSubmatch(data)
	if found == nil {
		return "", fmt.Errorf("%s: does not match %s", file, pattern)
	}
	return string(found[1]), nil
}
