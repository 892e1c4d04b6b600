package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

func (c *Contract) validate() error {
	return errors.Join(
		c.validateImage(), c.validateParams(), c.validateFiles(), c.validateUpstreams(),
		c.validateListen(), c.validateRoles(), c.validateTemplates(),
	)
}

func (c *Contract) validateImage() error {
	if c.isProgram {
		return c.validateProgram()
	}
	if len(c.Image.Names) == 0 {
		return errors.New("image.names: at least one")
	}
	for _, name := range c.Image.Names {
		if !strings.Contains(name[strings.LastIndex(name, "/")+1:], ":") {
			return fmt.Errorf("image.names: %s has no tag", name)
		}
	}
	for path, baked := range c.Image.Files {
		if (baked.Text == "") == (baked.From == "") {
			return fmt.Errorf("image.files: %s: text or from", path)
		}
	}
	// The program tells by its name what it is to do.
	paths := append([]string{c.Image.Entrypoint}, c.Image.Links...)
	seen := map[string]bool{}
	for path := range c.Image.Programs {
		if seen[ProgramFile(path)] {
			return fmt.Errorf("image.programs: two are named as %s", path)
		}
		seen[ProgramFile(path)] = true
		paths = append(paths, path)
	}
	for _, path := range slices.Concat(paths, c.Image.Open) {
		if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/standin") {
			return fmt.Errorf("image: %s: an absolute path not named standin", path)
		}
	}
	return nil
}

// validateProgram: the image is the other contract's to describe.
func (c *Contract) validateProgram() error {
	if len(c.Image.Names)+len(c.Image.Links)+len(c.Image.Files)+len(c.Image.Programs)+len(c.Image.Open) > 0 || c.Image.Shell {
		return errors.New("image: a program beside the image's own has none")
	}
	return nil
}

func (c *Contract) validateParams() error {
	var errs []error
	for name, p := range c.Flags {
		errs = append(errs, prefix("flags."+name, p.validate()))
	}
	for name, p := range c.Env {
		errs = append(errs, prefix("env."+name, p.validate()))
	}
	for _, p := range c.Positional {
		errs = append(errs, prefix("positional "+p.Name, p.validate()))
	}
	return errors.Join(errs...)
}

func (c *Contract) validateFiles() error {
	for _, f := range c.Files {
		if !slices.Contains([]string{"", "json", "yaml", "pbtxt"}, f.Format) {
			return fmt.Errorf("files: %s: unknown format %q", f.Path, f.Format)
		}
		if len(f.Keys) > 0 && f.Format != "json" && f.Format != "yaml" {
			return fmt.Errorf("files: %s: keys need a format", f.Path)
		}
		if err := f.validateFields(); err != nil {
			return prefix("files: "+f.Path, err)
		}
		if err := errors.Join(compile(f.Matches), compile(f.Forbids)); err != nil {
			return prefix("files: "+f.Path, err)
		}
	}
	for _, p := range c.Paths {
		if !slices.Contains([]string{"writable", "read-only", "absent", "present"}, p.Access) {
			return fmt.Errorf("paths: %s: unknown access %q", p.Path, p.Access)
		}
	}
	return nil
}

func (c *Contract) validateUpstreams() error {
	for _, u := range c.Upstreams {
		if (u.HTTP == "") == (u.TCP == "") {
			return fmt.Errorf("upstreams: %s: http or tcp", u.Name)
		}
		if !slices.Contains([]string{"ready", "exit", "none"}, u.Wait) {
			return fmt.Errorf("upstreams: %s: unknown wait %q", u.Name, u.Wait)
		}
		if _, err := time.ParseDuration(u.Timeout); err != nil {
			return prefix("upstreams: "+u.Name, err)
		}
	}
	return nil
}

func (c *Contract) validateListen() error {
	seen := map[string]bool{}
	for _, l := range c.Listen {
		if l.Name == "" || seen[l.Name] {
			return fmt.Errorf("listen: names must be there and unique: %q", l.Name)
		}
		seen[l.Name] = true
		if l.Protocol != "http" && l.Protocol != "tcp" {
			return fmt.Errorf("listen: %s: unknown protocol %q", l.Name, l.Protocol)
		}
		if l.Protocol == "tcp" && l.Fragile {
			return fmt.Errorf("listen: %s: fragile is for http", l.Name)
		}
		if l.Protocol == "tcp" && len(l.Routes) > 0 {
			return fmt.Errorf("listen: %s: tcp has no routes", l.Name)
		}
		for _, r := range l.Routes {
			if (r.Path == "") == (r.Prefix == "") {
				return fmt.Errorf("listen: %s: a route has path or prefix", l.Name)
			}
			if r.Prefix != "" && !strings.HasSuffix(r.Prefix, "/") {
				return fmt.Errorf("listen: %s: prefix %s must end with /", l.Name, r.Prefix)
			}
		}
	}
	return nil
}

func (c *Contract) validateRoles() error {
	for i, r := range c.Roles {
		kinds := r.kinds()
		if len(kinds) != 1 {
			return fmt.Errorf("roles: item %d names %d roles, not one", i+1, len(kinds))
		}
		if slices.Contains(kinds[0].needed(), "") {
			return fmt.Errorf("roles: item %d misses a field", i+1)
		}
		if special, ok := kinds[0].(interface{ validate(Values) error }); ok {
			if err := special.validate(c.Defaults()); err != nil {
				return prefix(fmt.Sprintf("roles: item %d", i+1), err)
			}
		}
		if name, serves := kinds[0].port(); serves && !c.listensHTTP(name) {
			return fmt.Errorf("roles: item %d: no http port is named %q", i+1, name)
		}
	}
	return nil
}

func (c *Contract) listensHTTP(name string) bool {
	return slices.ContainsFunc(c.Listen, func(l Listen) bool { return l.Name == name && l.Protocol == "http" })
}

// validateTemplates expands every template with the defaults.
func (c *Contract) validateTemplates() error {
	values := c.Defaults().Dry()
	var errs []error
	for _, text := range c.templates() {
		if _, err := values.Expand(text, NewRequest("/", nil)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", text, err))
		}
	}
	return errors.Join(errs...)
}

// Defaults are the values of a start without arguments and environment.
func (c *Contract) Defaults() Values {
	v := Values{Flags: map[string]string{}, Env: map[string]string{}, Args: map[string]string{}, Files: map[string]*Document{}}
	for _, f := range c.Files {
		if f.Name != "" {
			v.Files[f.Name] = &Document{fields: f.Fields}
		}
	}
	for name, p := range c.Flags {
		v.Flags[name] = p.Default
	}
	for name, p := range c.Env {
		v.Env[name] = p.Default
	}
	for _, p := range c.Positional {
		v.Args[p.Name] = p.Default
	}
	return v
}

func (c *Contract) templates() []string {
	texts := append([]string{c.Persist}, c.Log...)
	for _, f := range c.Files {
		texts = append(texts, f.Path, f.When)
	}
	for _, p := range c.Paths {
		texts = append(texts, p.Path)
	}
	for _, u := range c.Upstreams {
		texts = append(texts, u.HTTP, u.TCP)
	}
	for _, l := range c.Listen {
		texts = append(texts, l.Port, l.Banner)
		for _, r := range l.Routes {
			texts = append(texts, r.Body)
		}
	}
	for _, r := range c.Roles {
		for _, kind := range r.kinds() {
			texts = append(texts, kind.templates()...)
		}
	}
	return texts
}

func prefix(where string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", where, err)
}
