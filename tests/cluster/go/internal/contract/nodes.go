package contract

// Rights asks the API server at the start what the account of its pod may do, and what it may not.
type Rights struct {
	Account   string `yaml:"account"`
	Namespace string `yaml:"namespace"`
	Probe     []Ask  `yaml:"probe"`
}

func (r *Rights) fillIn() {
	orElse(&r.Account, AccountFolder)
	fillInAsks(r.Probe)
}
func (r *Rights) port() (string, bool) { return "", false }
func (r *Rights) needed() []string     { return nil }
func (r *Rights) templates() []string  { return []string{r.Account, r.Namespace} }

func (r *Rights) validate(values Values) error { return validateAsks(values.Dry(), nil, r.Probe) }

// Member makes itself known to a Balancer, as a Worker does, and is asked for nothing.
type Member struct {
	To   string `yaml:"to"`
	Port string `yaml:"port"`
}

func (m *Member) fillIn()              {}
func (m *Member) port() (string, bool) { return "", false }
func (m *Member) needed() []string     { return []string{m.To, m.Port} }
func (m *Member) templates() []string  { return []string{m.To, m.Port} }

// Filter answers a kube-scheduler that asks which of some nodes will do for a pod: all of them.
type Filter struct {
	Listen string `yaml:"listen"`
	Path   string `yaml:"path"`
}

func (f *Filter) fillIn()              { orElse(&f.Path, "/filter") }
func (f *Filter) port() (string, bool) { return f.Listen, true }
func (f *Filter) needed() []string     { return nil }
func (f *Filter) templates() []string  { return nil }

// DevicePlugin offers devices to the kubelet of its node.
type DevicePlugin struct {
	Dir      string `yaml:"dir"`
	Socket   string `yaml:"socket"`
	Resource string `yaml:"resource"`
	Count    string `yaml:"count"`
}

func (d *DevicePlugin) fillIn()              { orElse(&d.Socket, "standin.sock") }
func (d *DevicePlugin) port() (string, bool) { return "", false }
func (d *DevicePlugin) needed() []string     { return []string{d.Dir, d.Resource, d.Count} }
func (d *DevicePlugin) templates() []string  { return []string{d.Dir, d.Count} }
