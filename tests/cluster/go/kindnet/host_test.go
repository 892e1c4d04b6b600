package main

import (
	"encoding/json"
	"slices"
	"testing"

	core "k8s.io/api/core/v1"
)

func TestPluginsHaveARouteAndARangeForEachFamily(t *testing.T) {
	text, err := json.Marshal(plugins([]string{"10.244.1.0/24", "fd00:10:244:1::/64"}))
	if err != nil {
		t.Fatal(err)
	}
	wanted := `{"cniVersion":"0.3.1","name":"kindnet","plugins":[{"ipMasq":false,"ipam":{"dataDir":"/run/cni-ipam-state",` +
		`"ranges":[[{"subnet":"10.244.1.0/24"}],[{"subnet":"fd00:10:244:1::/64"}]],"routes":[{"dst":"0.0.0.0/0"},{"dst":"::/0"}],` +
		`"type":"host-local"},"type":"ptp"},{"capabilities":{"portMappings":true},"type":"portmap"}]}`
	if string(text) != wanted {
		t.Errorf("%s", text)
	}
}

func TestANodeWithoutARangeIsSaid(t *testing.T) {
	if err := configure(nil); err == nil {
		t.Error("no range, and no error")
	}
}

func TestOnlyInternalAddressesAreGateways(t *testing.T) {
	node := core.Node{Status: core.NodeStatus{Addresses: []core.NodeAddress{
		{Type: core.NodeHostName, Address: "a"},
		{Type: core.NodeExternalIP, Address: "192.0.2.1"},
		{Type: core.NodeInternalIP, Address: "172.18.0.2"},
	}}}
	if found := addresses(&node); len(found) != 1 || found[0].String() != "172.18.0.2" {
		t.Errorf("%v", found)
	}
}

func TestEachFamilyHasItsProgramOnce(t *testing.T) {
	found := families([]string{"10.244.0.0/16", "fd00:10:244::/56", "10.245.0.0/16"})
	if !slices.Equal(found, []string{"iptables", "ip6tables"}) {
		t.Errorf("%v", found)
	}
}
