// kindbalancer stands in for the proxy that kind puts in front of several control
// planes. It is called as kind calls that (`envoy -c FILE`), reads the same files,
// in which kind names the control planes, and passes connections on to one that
// takes them. Names are looked up at each connection, as nodes may move.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync/atomic"
	"time"

	"go.yaml.in/yaml/v3"
)

// kind's are 3 s and 0.25 s.
const patience = time.Second

func main() {
	file := flag.String("c", "", "settings")
	flag.Parse()
	if err := run(*file); err != nil {
		log.Fatal(err)
	}
}

type source struct {
	PathConfigSource struct {
		Path string `yaml:"path"`
	} `yaml:"path_config_source"`
}

type settings struct {
	Dynamic struct {
		Clusters  source `yaml:"cds_config"`
		Listeners source `yaml:"lds_config"`
	} `yaml:"dynamic_resources"`
}

func run(file string) error {
	var s settings
	if err := read(file, &s); err != nil {
		return err
	}
	listeners, clusters := s.Dynamic.Listeners.PathConfigSource.Path, s.Dynamic.Clusters.PathConfigSource.Path
	var own []string
	for own = addresses(listeners); len(own) == 0; own = addresses(listeners) {
		time.Sleep(100 * time.Millisecond) // kind writes it once the control planes are there
	}
	door, err := net.Listen("tcp", own[0])
	if err != nil {
		return err
	}
	var turn atomic.Uint64
	for {
		client, err := door.Accept()
		if err != nil {
			return err
		}
		go pass(client, addresses(clusters), turn.Add(1))
	}
}

func read(file string, into any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// addresses are all socket addresses that a file names, in its order.
func addresses(file string) (found []string) {
	var tree yaml.Node
	if err := read(file, &tree); err != nil {
		log.Print(err)
		return nil
	}
	visit(&tree, &found)
	return found
}

func visit(node *yaml.Node, found *[]string) {
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 1 && node.Content[i-1].Value == "socket_address" {
			var at struct {
				Address string `yaml:"address"`
				Port    string `yaml:"port_value"`
			}
			if err := child.Decode(&at); err == nil {
				*found = append(*found, net.JoinHostPort(at.Address, at.Port))
			}
		}
		visit(child, found)
	}
}

func pass(client net.Conn, servers []string, turn uint64) {
	defer client.Close()
	server, err := dial(servers, turn)
	if err != nil {
		log.Print(err)
		return
	}
	defer server.Close()
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			// Its end is the other side's end, however it came.
			_, _ = io.Copy(way[0], way[1])
			done <- struct{}{}
		}()
	}
	<-done
}

func dial(servers []string, turn uint64) (net.Conn, error) {
	problems := []error{errors.New("no control plane takes a connection")}
	for i := range servers {
		server, err := net.DialTimeout("tcp", servers[(turn+uint64(i))%uint64(len(servers))], patience)
		if err == nil {
			return server, nil
		}
		problems = append(problems, err)
	}
	return nil, errors.Join(problems...)
}
