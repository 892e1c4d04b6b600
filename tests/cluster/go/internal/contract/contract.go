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
	isProgram  bool             // one beside the image's own
}

type Image struct {
	Names      []string          `yaml:"names"`
	Entrypoint string            `yaml:"entrypoint"`
	Links      []string          `yaml:"links"`
	User       string            `yaml:"user"`
	Workdir    string            `yaml:"workdir"`
	Env        map[string]string `yaml:"env"`
	Shell      bool              `yaml:"shell"`
	Open       []string          `yaml:"open"`
	Programs   map[string]string `yaml:"programs"`
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
	Path     string           `yaml:"path"`
	Name     string           `yaml:"name"`
	When     string           `yaml:"when"`
	Optional bool             `yaml:"optional"`
	Format   string           `yaml:"format"`
	Keys     []string         `yaml:"keys"`
	Fields   map[string]Field `yaml:"fields"`
	From     string           `yaml:"fieldsFrom"`
	OneOf    [][]string       `yaml:"oneOf"`
	Matches  []string         `yaml:"matches"`
	Forbids  []string         `yaml:"forbids"`
	CSV      *CSV             `yaml:"csv"`
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
	Fragile  bool    `yaml:"fragile"`
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

// Load reads a contract file; the file's name is the component's.
func Load(file string) (*Contract, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(path.Base(file), path.Ext(file))
	c, err := parse(&Contract{}, data, name, path.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// LoadProgram reads the contract of a program that an image has beside its own.
func LoadProgram(file string) (*Contract, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c, err := parse(&Contract{isProgram: true}, data, path.Base(file), path.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// ProgramFile is where an image has the contract of a program beside its own.
func ProgramFile(program string) string { return "/contracts/" + path.Base(program) + ".yaml" }

// Parse refuses unknown keys and whatever could only fail later.
func Parse(data []byte, component string) (*Contract, error) {
	return parse(&Contract{}, data, component, ".")
}

func parse(c *Contract, data []byte, component, folder string) (*Contract, error) {
	if err := decode(data, c); err != nil {
		return nil, err
	}
	for i := range c.Files {
		if err := c.Files[i].loadFields(folder); err != nil {
			return nil, err
		}
	}
	c.fillIn(component)
	return c, c.validate()
}

func decode(data []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	return decoder.Decode(into)
}

// loadFields reads those that several contracts share: they lie beside each contract, in images as well.
func (f *File) loadFields(folder string) error {
	if f.From == "" {
		return nil
	}
	if f.Fields != nil || f.OneOf != nil || path.Base(f.From) != f.From {
		return fmt.Errorf("files: %s: fieldsFrom names a file beside the contract, in place of fields and oneOf", f.Path)
	}
	data, err := os.ReadFile(path.Join(folder, f.From))
	if err != nil {
		return err
	}
	shared := struct {
		Fields map[string]Field `yaml:"fields"`
		OneOf  [][]string       `yaml:"oneOf"`
	}{}
	if err := decode(data, &shared); err != nil {
		return fmt.Errorf("%s: %w", f.From, err)
	}
	f.Fields, f.OneOf = shared.Fields, shared.OneOf
	return nil
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
		for _, kind := range c.Roles[i].kinds() {
			kind.fillIn()
		}
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
