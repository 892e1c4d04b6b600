package contract

import "maps"

// Role has exactly one of its fields set.
type Role struct {
	CSVPublisher *CSVPublisher `yaml:"csv-publisher"`
	Queue        *Queue        `yaml:"queue"`
	Collector    *Collector    `yaml:"collector"`
	Proxy        *Proxy        `yaml:"proxy"`
	Etcd         *Etcd         `yaml:"etcd"`
	Importer     *Importer     `yaml:"importer"`
	Folders      *Folders      `yaml:"folders"`
	Balancer     *Balancer     `yaml:"balancer"`
	Worker       *Worker       `yaml:"worker"`
	Maker        *Maker        `yaml:"maker"`
	Rights       *Rights       `yaml:"rights"`
	Member       *Member       `yaml:"member"`
	Filter       *Filter       `yaml:"filter"`
	DevicePlugin *DevicePlugin `yaml:"device-plugin"`
	Modules      *Modules      `yaml:"modules"`
	Executor     *Executor     `yaml:"executor"`
	Bucket       *Bucket       `yaml:"bucket"`
	Trial        *Trial        `yaml:"trial"`
}

// kind is what the checks ask of every role.
type kind interface {
	fillIn()
	// port is the name of the port it serves at, if it serves.
	port() (string, bool)
	// needed are the fields that must not be empty.
	needed() []string
	templates() []string
}

// kinds are those that are set.
func (r *Role) kinds() []kind {
	var set []kind
	for _, one := range []struct {
		kind kind
		set  bool
	}{
		{r.CSVPublisher, r.CSVPublisher != nil}, {r.Queue, r.Queue != nil}, {r.Collector, r.Collector != nil},
		{r.Proxy, r.Proxy != nil}, {r.Etcd, r.Etcd != nil}, {r.Importer, r.Importer != nil},
		{r.Folders, r.Folders != nil}, {r.Balancer, r.Balancer != nil}, {r.Worker, r.Worker != nil},
		{r.Maker, r.Maker != nil}, {r.Rights, r.Rights != nil}, {r.Member, r.Member != nil},
		{r.Filter, r.Filter != nil}, {r.DevicePlugin, r.DevicePlugin != nil},
		{r.Modules, r.Modules != nil}, {r.Executor, r.Executor != nil},
		{r.Bucket, r.Bucket != nil}, {r.Trial, r.Trial != nil},
	} {
		if one.set {
			set = append(set, one.kind)
		}
	}
	return set
}

type CSVPublisher struct {
	File    string   `yaml:"file"`
	To      string   `yaml:"to"`
	Rate    string   `yaml:"rate"`
	Workers string   `yaml:"workers"`
	Key     []string `yaml:"key"`
}

func (p *CSVPublisher) fillIn() {
	orElse(&p.Rate, "1")
	orElse(&p.Workers, "1")
	if p.Key == nil {
		p.Key = []string{"uuid", "gpu_id"}
	}
}
func (p *CSVPublisher) port() (string, bool) { return "", false }
func (p *CSVPublisher) needed() []string     { return []string{p.File, p.To} }
func (p *CSVPublisher) templates() []string  { return []string{p.File, p.To, p.Rate, p.Workers} }

type Queue struct {
	Listen  string `yaml:"listen"`
	Publish string `yaml:"publish"`
	Consume string `yaml:"consume"`
	Stats   string `yaml:"stats"`
	Dir     string `yaml:"dir"`
}

func (q *Queue) fillIn() {
	orElse(&q.Publish, "/publish/{topic}")
	orElse(&q.Consume, "/consume/{topic}")
	orElse(&q.Stats, "/stats")
}
func (q *Queue) port() (string, bool) { return q.Listen, true }
func (q *Queue) needed() []string     { return nil }
func (q *Queue) templates() []string  { return []string{q.Dir} }

type Collector struct {
	Listen  string `yaml:"listen"`
	From    string `yaml:"from"`
	Publish string `yaml:"publish"`
	Dir     string `yaml:"dir"`
	API     string `yaml:"api"`
	Stats   string `yaml:"stats"`
	Max     string `yaml:"max"`
}

func (c *Collector) fillIn() {
	orElse(&c.API, "/api/v1/gpus")
	orElse(&c.Stats, "/stats")
	orElse(&c.Max, "10000")
}
func (c *Collector) port() (string, bool) { return c.Listen, true }
func (c *Collector) needed() []string     { return []string{c.Dir, c.From + c.Publish} }
func (c *Collector) templates() []string  { return []string{c.From, c.Dir, c.Max} }

type Proxy struct {
	Listen string `yaml:"listen"`
	Prefix string `yaml:"prefix"`
	To     string `yaml:"to"`
	Strip  string `yaml:"strip"`
	// Authorization is what a request has to bring in the header of that name; else 403.
	Authorization string `yaml:"authorization"`
	// Bearer is the token that a request has to bring; else 401.
	Bearer string `yaml:"bearer"`
}

func (p *Proxy) fillIn()              {}
func (p *Proxy) port() (string, bool) { return p.Listen, true }
func (p *Proxy) needed() []string     { return []string{p.Prefix, p.To} }
func (p *Proxy) templates() []string  { return []string{p.To, p.Authorization, p.Bearer} }

// Etcd keeps things in an etcd, and is not ready without one. With a name in Leader one of several leads.
type Etcd struct {
	Listen    string `yaml:"listen"`
	Endpoints string `yaml:"endpoints"`
	Prefix    string `yaml:"prefix"`
	Path      string `yaml:"path"`
	Leader    string `yaml:"leader"`
}

func (e *Etcd) fillIn() {
	orElse(&e.Prefix, "/standin/")
	orElse(&e.Path, "/api/v1/etcd")
}
func (e *Etcd) port() (string, bool) { return e.Listen, true }
func (e *Etcd) needed() []string     { return []string{e.Endpoints} }
func (e *Etcd) templates() []string  { return []string{e.Endpoints, e.Prefix} }

// Importer fills a folder with what a Worker needs.
type Importer struct {
	Listen string `yaml:"listen"`
	Dir    string `yaml:"dir"`
	Files  string `yaml:"files"`
	Time   string `yaml:"time"`
	Path   string `yaml:"path"`
}

func (i *Importer) fillIn() {
	orElse(&i.Files, "12")
	orElse(&i.Time, "3s")
	orElse(&i.Path, "/api/v1/import")
}
func (i *Importer) port() (string, bool) { return i.Listen, true }
func (i *Importer) needed() []string     { return []string{i.Dir} }
func (i *Importer) templates() []string  { return []string{i.Dir, i.Files, i.Time} }

// Folders tells how many files there are.
type Folders struct {
	Listen string            `yaml:"listen"`
	Path   string            `yaml:"path"`
	Dirs   map[string]string `yaml:"dirs"`
}

func (f *Folders) fillIn()              { orElse(&f.Path, "/api/v1/folders") }
func (f *Folders) port() (string, bool) { return f.Listen, true }
func (f *Folders) needed() []string     { return nil }
func (f *Folders) templates() []string {
	var texts []string
	for dir := range maps.Values(f.Dirs) {
		texts = append(texts, dir)
	}
	return texts
}

// Balancer gives requests to the Workers that have made themselves known.
type Balancer struct {
	Listen  string `yaml:"listen"`
	Workers string `yaml:"workers"`
	Submit  string `yaml:"submit"`
	Journal string `yaml:"journal"`
}

func (b *Balancer) fillIn() {
	orElse(&b.Workers, "/api/v1/agents")
	orElse(&b.Submit, "/api/v1/requests")
}
func (b *Balancer) port() (string, bool) { return b.Listen, true }
func (b *Balancer) needed() []string     { return nil }
func (b *Balancer) templates() []string  { return []string{b.Journal} }

// Worker answers requests while the folder holds all that an Importer puts there.
type Worker struct {
	Listen string `yaml:"listen"`
	Dir    string `yaml:"dir"`
	To     string `yaml:"to"`
	Port   string `yaml:"port"`
	Path   string `yaml:"path"`
}

func (w *Worker) fillIn()              { orElse(&w.Path, "/work") }
func (w *Worker) port() (string, bool) { return w.Listen, true }
func (w *Worker) needed() []string     { return []string{w.Dir, w.To, w.Port} }
func (w *Worker) templates() []string  { return []string{w.Dir, w.To, w.Port} }
