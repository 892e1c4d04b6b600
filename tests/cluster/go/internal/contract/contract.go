// Package contract reads what a stand-in demands of those who run it. The format
// is described in tests/cluster/standins/README.md.
package contract

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

type Contract struct {
	Image      Image            `yaml:"image"`
	RunAs      RunAs            `yaml:"runAs"`
	Flags      map[string]Param `yaml:"flags"`
	Positional []Positional     `yaml:"positional"`
	Env        map[string]Param `yaml:"env"`
	Files      []File           `yaml:"files"`
	Paths      []Path           `yaml:"paths"`
	Persist    string           `yaml:"persist"`
	Log        []string         `yaml:"log"`
	Upstreams  []Upstream       `yaml:"upstreams"`
	Listen     []Listen         `yaml:"listen"`
	Roles      []Role           `yaml:"roles"`
}

type Image struct {
	Names      []string          `yaml:"names"`
	Entrypoint string            `yaml:"entrypoint"`
	Links      []string          `yaml:"links"`
	User       string            `yaml:"user"`
	Workdir    string            `yaml:"workdir"`
	Env        map[string]string `yaml:"env"`
	Shell      bool              `yaml:"shell"`
	Files      map[string]Baked  `yaml:"files"`
}

// Baked is a file of the image: its text, or the name of a file beside the contract.
type Baked struct {
	Text string `yaml:"text"`
	From string `yaml:"from"`
	Mode string `yaml:"mode"`
}

type RunAs struct {
	UID    *int  `yaml:"uid"`
	GID    *int  `yaml:"gid"`
	Groups []int `yaml:"groups"`
}

type File struct {
	Path     string   `yaml:"path"`
	Optional bool     `yaml:"optional"`
	Format   string   `yaml:"format"`
	Keys     []string `yaml:"keys"`
	Matches  []string `yaml:"matches"`
	Forbids  []string `yaml:"forbids"`
	CSV      *CSV     `yaml:"csv"`
}

type CSV struct {
	AnyColumn []string `yaml:"anyColumn"`
	MinRows   int      `yaml:"minRows"`
}

type Path struct {
	Path   string `yaml:"path"`
	Access string `yaml:"access"`
}

type Upstream struct {
	Name    string `yaml:"name"`
	HTTP    string `yaml:"http"`
	TCP     string `yaml:"tcp"`
	Wait    string `yaml:"wait"`
	Timeout string `yaml:"timeout"`
}

type Listen struct {
	Name     string  `yaml:"name"`
	Port     string  `yaml:"port"`
	Protocol string  `yaml:"protocol"`
	Banner   string  `yaml:"banner"`
	Routes   []Route `yaml:"routes"`
}

type Route struct {
	Path        string   `yaml:"path"`
	Prefix      string   `yaml:"prefix"`
	Methods     []string `yaml:"methods"`
	Status      int      `yaml:"status"`
	ContentType string   `yaml:"contentType"`
	Body        string   `yaml:"body"`
	Ready       bool     `yaml:"ready"`
}

// Role has exactly one of its fields set.
type Role struct {
	CSVPublisher *CSVPublisher `yaml:"csv-publisher"`
	Queue        *Queue        `yaml:"queue"`
	Collector    *Collector    `yaml:"collector"`
	Proxy        *Proxy        `yaml:"proxy"`
}

type CSVPublisher struct {
	File    string   `yaml:"file"`
	To      string   `yaml:"to"`
	Rate    string   `yaml:"rate"`
	Workers string   `yaml:"workers"`
	Key     []string `yaml:"key"`
}

type Queue struct {
	Listen  string `yaml:"listen"`
	Publish string `yaml:"publish"`
	Consume string `yaml:"consume"`
	Stats   string `yaml:"stats"`
	Dir     string `yaml:"dir"`
}

type Collector struct {
	Listen  string `yaml:"listen"`
	From    string `yaml:"from"`
	Publish string `yaml:"publish"`
	Dir     string `yaml:"dir"`
	API     string `yaml:"api"`
	Stats   string `yaml:"stats"`
	Max     string `yaml:"max"`
}

type Proxy struct {
	Listen string `yaml:"listen"`
	Prefix string `yaml:"prefix"`
	To     string `yaml:"to"`
	Strip  string `yaml:"strip"`
}

// Load reads a contract file; the file's name is the component's.
func Load(file string) (*Contract, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(path.Base(file), path.Ext(file))
	c, err := Parse(data, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// Parse refuses unknown keys and whatever could only fail later.
func Parse(data []byte, component string) (*Contract, error) {
	c := &Contract{}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(c); err != nil {
		return nil, err
	}
	c.fillIn(component)
	return c, c.validate()
}

func (c *Contract) fillIn(component string) {
	orElse(&c.Image.Entrypoint, "/app/"+component)
	orElse(&c.Image.User, "0:0")
	orElse(&c.Image.Workdir, "/")
	for i := range c.Listen {
		orElse(&c.Listen[i].Protocol, "http")
	}
	for i := range c.Upstreams {
		orElse(&c.Upstreams[i].Wait, "none")
		orElse(&c.Upstreams[i].Timeout, "30s")
	}
	for i := range c.Roles {
		c.Roles[i].fillIn()
	}
}

func (r *Role) fillIn() {
	if p := r.CSVPublisher; p != nil {
		orElse(&p.Rate, "1")
		orElse(&p.Workers, "1")
		if p.Key == nil {
			p.Key = []string{"uuid", "gpu_id"}
		}
	}
	if q := r.Queue; q != nil {
		orElse(&q.Publish, "/publish/{topic}")
		orElse(&q.Consume, "/consume/{topic}")
		orElse(&q.Stats, "/stats")
	}
	if c := r.Collector; c != nil {
		orElse(&c.API, "/api/v1/gpus")
		orElse(&c.Stats, "/stats")
		orElse(&c.Max, "10000")
	}
}

func orElse(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

func compile(patterns []string) error {
	for _, p := range patterns {
		if _, err := regexp.Compile(p); err != nil {
			return err
		}
	}
	return nil
}
