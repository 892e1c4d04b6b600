package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"go.yaml.in/yaml/v3"
)

type kubeconfig struct {
	Current  string `yaml:"current-context"`
	Clusters []struct {
		Name    string
		Cluster struct {
			Server string
			CA     string `yaml:"certificate-authority-data"`
			CAFile string `yaml:"certificate-authority"`
		}
	}
	Contexts []struct {
		Name    string
		Context struct{ Cluster, User string }
	}
	Users []struct {
		Name string
		User struct {
			Token    string
			Cert     string `yaml:"client-certificate-data"`
			Key      string `yaml:"client-key-data"`
			CertFile string `yaml:"client-certificate"`
			KeyFile  string `yaml:"client-key"`
		}
	}
}

// loadKubeconfig gives the server of the current context and how to speak to it.
// HTTP/1.1 only: an upgrade for exec and port-forward needs it.
func loadKubeconfig(file string) (*url.URL, http.RoundTripper, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	var k kubeconfig
	if err := yaml.Unmarshal(data, &k); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	cluster, user, err := k.current()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	var server *url.URL
	settings := &tls.Config{NextProtos: []string{"http/1.1"}}
	for _, c := range k.Clusters {
		if c.Name != cluster {
			continue
		}
		if server, err = url.Parse(c.Cluster.Server); err != nil {
			return nil, nil, err
		}
		if err := trust(settings, c.Cluster.CA, c.Cluster.CAFile); err != nil {
			return nil, nil, err
		}
	}
	if server == nil {
		return nil, nil, fmt.Errorf("%s: no cluster %q", file, cluster)
	}
	token := ""
	for _, u := range k.Users {
		if u.Name != user {
			continue
		}
		token = u.User.Token
		if err := present(settings, u.User.Cert, u.User.CertFile, u.User.Key, u.User.KeyFile); err != nil {
			return nil, nil, err
		}
	}
	transport := &http.Transport{TLSClientConfig: settings, MaxIdleConnsPerHost: 100, DisableCompression: true}
	return server, bearer{transport, token}, nil
}

func (k kubeconfig) current() (cluster, user string, err error) {
	for _, c := range k.Contexts {
		if c.Name == k.Current {
			return c.Context.Cluster, c.Context.User, nil
		}
	}
	return "", "", fmt.Errorf("no context %q", k.Current)
}

func trust(settings *tls.Config, inline, file string) error {
	pem, err := either(inline, file)
	if err != nil || pem == nil {
		return err
	}
	settings.RootCAs = x509.NewCertPool()
	if !settings.RootCAs.AppendCertsFromPEM(pem) {
		return errors.New("no certificate in certificate-authority-data")
	}
	return nil
}

func present(settings *tls.Config, cert, certFile, key, keyFile string) error {
	certPEM, err := either(cert, certFile)
	if err != nil || certPEM == nil {
		return err
	}
	keyPEM, err := either(key, keyFile)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	settings.Certificates = []tls.Certificate{pair}
	return err
}

func either(inline, file string) ([]byte, error) {
	if inline != "" {
		return base64.StdEncoding.DecodeString(inline)
	}
	if file != "" {
		return os.ReadFile(file)
	}
	return nil, nil
}

// bearer adds the kubeconfig's token to what the client sends.
type bearer struct {
	http.RoundTripper
	token string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.RoundTripper.RoundTrip(r)
}

func writePlainKubeconfig(file, address string) error {
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: apiproxy
clusters: [{name: apiproxy, cluster: {server: "http://%s"}}]
contexts: [{name: apiproxy, context: {cluster: apiproxy, user: apiproxy}}]
users: [{name: apiproxy, user: {}}]
`, address)
	return os.WriteFile(file, []byte(text), 0o600)
}
