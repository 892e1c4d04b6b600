// pki writes what a cluster's parts need to know each other: two authorities,
// certificates, the service account key, an admin token and kubeconfigs.
//
//	pki -dir D -name CLUSTER -port 6443 -address 10.1.0.1 -service-ip 10.1.128.1 NODE=IP...
package main

import (
	"crypto/rand"
	"encoding/hex"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
)

type settings struct {
	dir, name, address, serviceIP string
	port                          int
	nodes                         map[string]net.IP
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("pki: ")
	if err := write(parse()); err != nil {
		log.Fatal(err)
	}
}

func parse() settings {
	s := settings{nodes: map[string]net.IP{}}
	flag.StringVar(&s.dir, "dir", "", "folder to write to")
	flag.StringVar(&s.name, "name", "", "cluster name")
	flag.StringVar(&s.address, "address", "", "address under which nodes reach the API server")
	flag.StringVar(&s.serviceIP, "service-ip", "", "address of the kubernetes service")
	flag.IntVar(&s.port, "port", 0, "port of the API server")
	flag.Parse()
	for _, arg := range flag.Args() {
		name, ip, _ := strings.Cut(arg, "=")
		if s.nodes[name] = net.ParseIP(ip); s.nodes[name] == nil {
			log.Fatalf("%q is not NODE=IP", arg)
		}
	}
	return s
}

func write(s settings) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	ca, err := newAuthority(s.dir, "ca", "kubernetes")
	if err != nil {
		return err
	}
	// The aggregation layer must not accept ordinary client certificates, so
	// it has an authority of its own.
	front, err := newAuthority(s.dir, "front-proxy-ca", "front-proxy")
	if err != nil {
		return err
	}
	if _, err := front.issue(identity{file: "front-proxy-client", user: "front-proxy-client"}); err != nil {
		return err
	}
	if err := s.serverCertificates(ca); err != nil {
		return err
	}
	if err := writeServiceAccountKey(s.dir); err != nil {
		return err
	}
	token, err := writeToken(s.dir)
	if err != nil {
		return err
	}
	return s.kubeconfigs(ca, token)
}

func (s settings) serverCertificates(ca *authority) error {
	server := identity{
		file:  "apiserver",
		user:  "kube-apiserver",
		names: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		ips:   []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP(s.address), net.ParseIP(s.serviceIP)},
	}
	if _, err := ca.issue(server); err != nil {
		return err
	}
	client := identity{file: "apiserver-kubelet-client", user: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}}
	if _, err := ca.issue(client); err != nil {
		return err
	}
	for name, ip := range s.nodes {
		if _, err := ca.issue(identity{file: "kubelet-" + name, user: name, names: []string{name}, ips: []net.IP{ip}}); err != nil {
			return err
		}
	}
	return nil
}

type client struct {
	who    identity
	server string
}

func (s settings) kubeconfigs(ca *authority, token string) error {
	local := fmt.Sprintf("https://127.0.0.1:%d", s.port)
	bridge := fmt.Sprintf("https://%s:%d", s.address, s.port)
	configs := []client{
		{identity{file: "admin", user: "kubernetes-admin", groups: []string{"system:masters"}}, local},
		{identity{file: "controller-manager", user: "system:kube-controller-manager"}, local},
		{identity{file: "scheduler", user: "system:kube-scheduler"}, local},
		{identity{file: "kube-proxy", user: "system:kube-proxy"}, bridge},
	}
	for name := range s.nodes {
		who := identity{file: "node-" + name, user: "system:node:" + name, groups: []string{"system:nodes"}}
		configs = append(configs, client{who, bridge})
	}
	for _, c := range configs {
		pair, err := ca.issue(c.who)
		if err != nil {
			return err
		}
		path := filepath.Join(s.dir, c.who.file+".kubeconfig")
		if err := writeKubeconfig(path, s.name, c.server, ca.certPEM, pair.asUser()); err != nil {
			return err
		}
	}
	return writeKubeconfig(filepath.Join(s.dir, "token.kubeconfig"), s.name, local, ca.certPEM, "    token: "+token+"\n")
}

func writeToken(dir string) (string, error) {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	token := hex.EncodeToString(raw)
	if err := os.WriteFile(filepath.Join(dir, "admin.token"), []byte(token), 0o600); err != nil {
		return "", err
	}
	line := fmt.Sprintf("%s,token-admin,token-admin,system:masters\n", token)
	return token, os.WriteFile(filepath.Join(dir, "tokens.csv"), []byte(line), 0o600)
}
