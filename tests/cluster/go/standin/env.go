package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"seaworthy.test/cluster/internal/contract"
)

var (
	// What Kubernetes, the runtime and a shell add without being asked.
	added = regexp.MustCompile(`^(HOSTNAME|PATH|HOME|PWD|OLDPWD|TERM|SHLVL|_|KUBERNETES_.*|[A-Z0-9_]+_SERVICE_HOST|[A-Z0-9_]+_SERVICE_PORT(_[A-Z0-9_]+)?|[A-Z0-9_]+_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	// X_PORT of a service X: only with the value that Kubernetes gives it.
	servicePort = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

func parseEnv(c *contract.Contract, environ []string, values contract.Values) error {
	environ = slices.Clone(environ)
	slices.Sort(environ)
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		param, declared := c.Env[name]
		if !declared {
			if tolerated(c, name, value) {
				continue
			}
			return fmt.Errorf("unknown environment variable: %s", name)
		}
		if value == "" {
			continue
		}
		if err := param.Check(value); err != nil {
			return fmt.Errorf("invalid value %q for environment variable %s: %w", value, name, err)
		}
		values.Env[name] = value
	}
	for _, name := range sortedKeys(c.Env) {
		if c.Env[name].Required && values.Env[name] == "" {
			return fmt.Errorf("environment variable is required: %s", name)
		}
	}
	return nil
}

func tolerated(c *contract.Contract, name, value string) bool {
	if _, baked := c.Image.Env[name]; baked || added.MatchString(name) {
		return true
	}
	return strings.HasSuffix(name, "_PORT") && servicePort.MatchString(value)
}
