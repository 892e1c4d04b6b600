package contract

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Param is a flag, a variable or a positional argument.
type Param struct {
	Type     string   `yaml:"type"`
	Required bool     `yaml:"required"`
	Default  string   `yaml:"default"`
	Values   []string `yaml:"values"`
	Pattern  string   `yaml:"pattern"`
	Min      *float64 `yaml:"min"`
	Max      *float64 `yaml:"max"`
}

type Positional struct {
	Name  string `yaml:"name"`
	Param `yaml:",inline"`
}

var kinds = map[string]func(string) error{
	"":         func(string) error { return nil },
	"string":   func(string) error { return nil },
	"int":      func(v string) error { _, err := strconv.Atoi(v); return syntax(err) },
	"float":    func(v string) error { _, err := strconv.ParseFloat(v, 64); return syntax(err) },
	"bool":     func(v string) error { _, err := strconv.ParseBool(v); return syntax(err) },
	"duration": func(v string) error { _, err := time.ParseDuration(v); return syntax(err) },
	"path":     absolute,
	"url":      webAddress,
	"hostport": hostPort,
	"list":     noEmptyItem,
}

// Check says why a value is refused.
func (p Param) Check(value string) error {
	if err := kinds[p.Type](value); err != nil {
		return err
	}
	if len(p.Values) > 0 && !slices.Contains(p.Values, value) {
		return fmt.Errorf("must be one of %s", strings.Join(p.Values, ", "))
	}
	if p.Pattern != "" && !regexp.MustCompile(p.Pattern).MatchString(value) {
		return fmt.Errorf("does not match %s", p.Pattern)
	}
	return p.inRange(value)
}

func (p Param) inRange(value string) error {
	number, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return nil
	}
	if p.Min != nil && number < *p.Min {
		return fmt.Errorf("less than %v", *p.Min)
	}
	if p.Max != nil && number > *p.Max {
		return fmt.Errorf("more than %v", *p.Max)
	}
	return nil
}

func (p Param) validate() error {
	if kinds[p.Type] == nil {
		return fmt.Errorf("unknown type %q", p.Type)
	}
	if err := compile([]string{p.Pattern}); err != nil {
		return err
	}
	if (p.Min != nil || p.Max != nil) && p.Type != "int" && p.Type != "float" {
		return fmt.Errorf("min and max are for int and float")
	}
	if p.Default == "" {
		return nil
	}
	if err := p.Check(p.Default); err != nil {
		return fmt.Errorf("default %q: %w", p.Default, err)
	}
	return nil
}

func syntax(err error) error {
	if err != nil {
		return fmt.Errorf("parse error")
	}
	return nil
}

func absolute(v string) error {
	if !strings.HasPrefix(v, "/") {
		return fmt.Errorf("not an absolute path")
	}
	return nil
}

func webAddress(v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("not a http or https URL with a host")
	}
	return nil
}

func hostPort(v string) error {
	host, port, err := net.SplitHostPort(v)
	if err != nil || host == "" {
		return fmt.Errorf("not host:port")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("not host:port")
	}
	return nil
}

func noEmptyItem(v string) error {
	if slices.Contains(strings.Split(v, ","), "") {
		return fmt.Errorf("a list with an empty item")
	}
	return nil
}
