package contract

import "maps"

// Modules is a repository: it keeps what is sent to it under names, with itself or in a PostgreSQL and a Bucket.
type Modules struct {
	Listen   string   `yaml:"listen"`
	Path     string   `yaml:"path"`
	Dir      string   `yaml:"dir"`
	Metadata string   `yaml:"metadata"`
	Cache    string   `yaml:"cache"`
	Postgres Postgres `yaml:"postgres"`
	Objects  Objects  `yaml:"objects"`
}

// Postgres is a database that is not the repository's own; without a host there is none.
type Postgres struct {
	Host        string `yaml:"host"`
	Port        string `yaml:"port"`
	Database    string `yaml:"database"`
	User        string `yaml:"user"`
	Password    string `yaml:"passwordFile"`
	Certificate string `yaml:"certificate"`
}

// Objects is a place in a bucket; without an endpoint there is none.
type Objects struct {
	Endpoint string `yaml:"endpoint"`
	Region   string `yaml:"region"`
	Bucket   string `yaml:"bucket"`
	Prefix   string `yaml:"prefix"`
	KeyID    string `yaml:"keyId"`
	Key      string `yaml:"key"`
}

func (m *Modules) fillIn()              { orElse(&m.Path, "/modules") }
func (m *Modules) port() (string, bool) { return m.Listen, true }
func (m *Modules) needed() []string     { return []string{m.Dir, m.Metadata, m.Cache} }
func (m *Modules) templates() []string {
	p := m.Postgres
	return append([]string{m.Dir, m.Metadata, m.Cache, p.Host, p.Port, p.Database, p.User, p.Password, p.Certificate}, m.Objects.templates()...)
}

func (o Objects) templates() []string {
	return []string{o.Endpoint, o.Region, o.Bucket, o.Prefix, o.KeyID, o.Key}
}

// Executor runs modules: those of a repository, or those that lie in a bucket.
type Executor struct {
	Listen  string  `yaml:"listen"`
	Path    string  `yaml:"path"`
	To      string  `yaml:"to"`
	Port    string  `yaml:"port"`
	Modules string  `yaml:"modules"`
	Objects Objects `yaml:"objects"`
}

func (e *Executor) fillIn()              { orElse(&e.Path, "/run") }
func (e *Executor) port() (string, bool) { return e.Listen, true }
func (e *Executor) needed() []string     { return []string{e.To, e.Port, e.Modules} }
func (e *Executor) templates() []string {
	return append([]string{e.To, e.Port, e.Modules}, e.Objects.templates()...)
}

// Bucket is as much of S3 as Modules and Executor ask for; it checks signatures.
type Bucket struct {
	Listen  string            `yaml:"listen"`
	Region  string            `yaml:"region"`
	Buckets []string          `yaml:"buckets"`
	Keys    map[string]string `yaml:"keys"`
	Dir     string            `yaml:"dir"`
}

func (b *Bucket) fillIn()              {}
func (b *Bucket) port() (string, bool) { return b.Listen, true }
func (b *Bucket) needed() []string     { return []string{b.Region, b.Dir} }
func (b *Bucket) templates() []string {
	texts := append([]string{b.Region, b.Dir}, b.Buckets...)
	for id, key := range maps.All(b.Keys) {
		texts = append(texts, id, key)
	}
	return texts
}

// Trial does once what a user would; until it has worked, nothing is ready.
type Trial struct {
	Listen string `yaml:"listen"`
	Path   string `yaml:"path"`
	Body   string `yaml:"body"`
	Steps  []Try  `yaml:"steps"`
}

// Try is a request that is made until it is answered as it should be. Without a URL there is none.
type Try struct {
	Method   string `yaml:"method"`
	URL      string `yaml:"url"`
	Body     string `yaml:"body"`
	Status   []int  `yaml:"status"`
	Contains string `yaml:"contains"`
}

func (t *Trial) fillIn() {
	orElse(&t.Path, "/trial")
	for i := range t.Steps {
		orElse(&t.Steps[i].Method, "GET")
		if t.Steps[i].Status == nil {
			t.Steps[i].Status = []int{200}
		}
	}
}
func (t *Trial) port() (string, bool) { return t.Listen, true }
func (t *Trial) needed() []string     { return nil }
func (t *Trial) templates() []string {
	texts := []string{t.Body}
	for _, try := range t.Steps {
		texts = append(texts, try.URL, try.Body, try.Contains)
	}
	return texts
}
