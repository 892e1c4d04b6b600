package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"

	"github.com/vishvananda/netlink"
	core "k8s.io/api/core/v1"
)

const configuration = "/etc/cni/net.d/10-kindnet.conflist"

type object = map[string]any

// configure tells the container runtime how pods get their network. The node is
// ready once this file is there.
func configure(ranges []string) error {
	if len(ranges) == 0 {
		return errors.New("this node has no range of pod addresses yet")
	}
	wanted, err := json.MarshalIndent(plugins(ranges), "", "  ")
	if err != nil {
		return err
	}
	found, err := os.ReadFile(configuration)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if bytes.Equal(found, wanted) {
		return nil
	}
	// Whole or not at all; the runtime reads only names that end as a configuration's.
	if err := os.WriteFile(configuration+".new", wanted, 0o644); err != nil {
		return err
	}
	return os.Rename(configuration+".new", configuration)
}

func plugins(ranges []string) object {
	var routes []object
	var pools [][]object
	for _, cidr := range ranges {
		pools = append(pools, []object{{"subnet": cidr}})
		routes = append(routes, object{"dst": anywhere(cidr)})
	}
	// Kept in memory: after a start of the node, no pod has an address.
	ipam := object{"type": "host-local", "dataDir": "/run/cni-ipam-state", "routes": routes, "ranges": pools}
	return object{"cniVersion": "0.3.1", "name": "kindnet", "plugins": []object{
		{"type": "ptp", "ipMasq": false, "ipam": ipam},
		{"type": "portmap", "capabilities": object{"portMappings": true}},
	}}
}

func anywhere(cidr string) string {
	if strings.Contains(cidr, ":") {
		return "::/0"
	}
	return "0.0.0.0/0"
}

// route leads to the pods of another node by its address of the same family.
func route(node *core.Node) error {
	for _, cidr := range node.Spec.PodCIDRs {
		_, pods, err := net.ParseCIDR(cidr)
		if err != nil {
			return err
		}
		for _, gateway := range addresses(node) {
			if (gateway.To4() == nil) != (pods.IP.To4() == nil) {
				continue
			}
			if err := netlink.RouteReplace(&netlink.Route{Dst: pods, Gw: gateway}); err != nil {
				return fmt.Errorf("route to %s by %s: %w", pods, gateway, err)
			}
		}
	}
	return nil
}

func addresses(node *core.Node) (found []net.IP) {
	for _, address := range node.Status.Addresses {
		if ip := net.ParseIP(address.Address); ip != nil && address.Type == core.NodeInternalIP {
			found = append(found, ip)
		}
	}
	return found
}

// families are the programs for those that the subnets have.
func families(subnets []string) (programs []string) {
	seen := map[string]bool{}
	for _, subnet := range subnets {
		if program := familyOf(subnet); !seen[program] {
			seen[program] = true
			programs = append(programs, program)
		}
	}
	return programs
}

func familyOf(subnet string) string {
	if strings.Contains(subnet, ":") {
		return "ip6tables"
	}
	return "iptables"
}

// masquerade makes pods talk to the world outside in the node's name, and to each
// other in their own.
func masquerade(program string, subnets []string) error {
	const chain = "KIND-MASQ-AGENT"
	if err := tables(program, "-N", chain); err != nil && !strings.Contains(err.Error(), "exists") {
		return err
	}
	for _, subnet := range subnets {
		if familyOf(subnet) != program {
			continue
		}
		if err := ensure(program, chain, "-d", subnet, "-j", "RETURN"); err != nil {
			return err
		}
	}
	if err := ensure(program, chain, "-j", "MASQUERADE"); err != nil {
		return err
	}
	return ensure(program, "POSTROUTING", "-m", "addrtype", "!", "--dst-type", "LOCAL", "-j", chain)
}

func ensure(program, chain string, rule ...string) error {
	if tables(program, append([]string{"-C", chain}, rule...)...) == nil {
		return nil
	}
	return tables(program, append([]string{"-A", chain}, rule...)...)
}

func tables(program string, arguments ...string) error {
	arguments = append([]string{"-w", "-t", "nat"}, arguments...)
	if said, err := exec.Command(program, arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(arguments, " "), err, bytes.TrimSpace(said))
	}
	return nil
}
