package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestAddressesAreFoundWhereverTheyAre(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cds.yaml")
	text := "resources:\n- name: a\n  load_assignment:\n    endpoints:\n    - lb_endpoints:\n" +
		"      - endpoint: {address: {socket_address: {address: one, port_value: 6443}}}\n" +
		"      - endpoint: {address: {socket_address: {address: two, port_value: 6443}}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := addresses(file); !slices.Equal(found, []string{"one:6443", "two:6443"}) {
		t.Errorf("%v", found)
	}
}

func TestAServerThatIsAwayIsPassedOver(t *testing.T) {
	away, here := listen(t), listen(t)
	away.Close()
	go func() {
		server, err := here.Accept()
		if err == nil {
			_, _ = io.WriteString(server, "served")
			server.Close()
		}
	}()
	client, inner := net.Pipe()
	go pass(inner, []string{away.Addr().String(), here.Addr().String()}, 0)
	if said, err := io.ReadAll(client); err != nil || string(said) != "served" {
		t.Errorf("%q, %v", said, err)
	}
}

func TestNobodyThereIsAnError(t *testing.T) {
	away := listen(t)
	away.Close()
	if _, err := dial([]string{away.Addr().String()}, 1); err == nil {
		t.Error("a connection to nobody")
	}
	if _, err := dial(nil, 1); err == nil {
		t.Error("a connection to no server")
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
