package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
)

// cluster asks the API server without a library, so that nothing stands between it and the clock.
type cluster struct {
	server string
	client *http.Client
}

func connect() (*cluster, error) {
	text, err := exec.Command("kubectl", "config", "view", "--raw", "--minify", "-o", "json").Output()
	if err != nil {
		return nil, fmt.Errorf("kubectl config view: %w", err)
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server    string `json:"server"`
				Authority string `json:"certificate-authority-data"`
			} `json:"cluster"`
		} `json:"clusters"`
		Users []struct {
			User struct {
				Certificate string `json:"client-certificate-data"`
				Key         string `json:"client-key-data"`
			} `json:"user"`
		} `json:"users"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, err
	}
	if len(config.Clusters) != 1 || len(config.Users) != 1 {
		return nil, fmt.Errorf("the kubeconfig does not name one cluster and one user")
	}
	decode := func(text string) []byte {
		raw, _ := base64.StdEncoding.DecodeString(text)
		return raw
	}
	user := config.Users[0].User
	certificate, err := tls.X509KeyPair(decode(user.Certificate), decode(user.Key))
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig has no client certificate of its own: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(decode(config.Clusters[0].Cluster.Authority))
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{certificate}},
		ForceAttemptHTTP2: true,
	}
	return &cluster{server: config.Clusters[0].Cluster.Server, client: &http.Client{Transport: transport}}, nil
}

// watch calls a function with every line of a watch, and returns when the watch has begun.
func (c *cluster) watch(ctx context.Context, path string, line func([]byte)) error {
	request, err := http.NewRequestWithContext(ctx, "GET", c.server+path+"?watch=1", nil)
	if err != nil {
		return err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("watching %s: %s", request.URL, response.Status)
	}
	go func() {
		defer response.Body.Close()
		lines := bufio.NewReaderSize(response.Body, 1<<20)
		for {
			text, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			line(text)
		}
	}()
	return nil
}
