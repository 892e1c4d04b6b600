package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// kube speaks to the API server as a pod does: with the token and the authority that the kubelet mounts.
type kube struct {
	base, account, namespace string
	client                   *http.Client

	mutex sync.Mutex
	kinds map[string]resource
}

// resource is how the API server calls a kind.
type resource struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced"`
}

// refusal is an answer of the API server that is none of those that were wanted.
type refusal struct {
	status  int
	message string
}

func (r refusal) Error() string { return r.message }

func newKube(account string) (*kube, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, errors.New("not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
	}
	authority, err := os.ReadFile(filepath.Join(account, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("no service account: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s/ca.crt: no certificate", account)
	}
	namespace, err := os.ReadFile(filepath.Join(account, "namespace"))
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	return &kube{
		base: "https://" + net.JoinHostPort(host, port), account: account, namespace: strings.TrimSpace(string(namespace)),
		client: &http.Client{Transport: transport}, kinds: map[string]resource{},
	}, nil
}

// open sends a request. The token is read each time: the kubelet renews it.
func (k *kube) open(ctx context.Context, method, path, contentType string, body []byte) (*http.Response, error) {
	token, err := os.ReadFile(filepath.Join(k.account, "token"))
	if err != nil {
		return nil, fmt.Errorf("no service account: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, k.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Accept", "application/json")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return k.client.Do(request)
}

// ask sends a request and reads the whole answer; one without success is a refusal.
func (k *kube) ask(ctx context.Context, method, path, contentType string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	response, err := k.open(ctx, method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return readAnswer(response, method, path)
}

func readAnswer(response *http.Response, method, path string) ([]byte, error) {
	answer, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 == 2 {
		return answer, nil
	}
	return answer, refusal{response.StatusCode, said(answer, fmt.Sprintf("%s %s: %s", method, path, response.Status))}
}

// said is the message of a Status object, or else the other words.
func said(answer []byte, otherwise string) string {
	var status struct{ Message string }
	if json.Unmarshal(answer, &status) != nil || status.Message == "" {
		return otherwise
	}
	return status.Message
}

// find asks the API server how it calls a kind.
func (k *kube) find(ctx context.Context, version, kind string) (resource, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if known, ok := k.kinds[version+"/"+kind]; ok {
		return known, nil
	}
	answer, err := k.ask(ctx, http.MethodGet, root(version), "", nil)
	if err != nil {
		return resource{}, err
	}
	var list struct{ Resources []resource }
	if err := json.Unmarshal(answer, &list); err != nil {
		return resource{}, err
	}
	for _, one := range list.Resources {
		if one.Kind == kind && !strings.Contains(one.Name, "/") {
			k.kinds[version+"/"+kind] = one
			return one, nil
		}
	}
	return resource{}, refusal{http.StatusNotFound, fmt.Sprintf("no matches for kind %q in version %q", kind, version)}
}

func root(version string) string {
	if strings.Contains(version, "/") {
		return "/apis/" + version
	}
	return "/api/" + version
}

// collection is the path under which objects of a kind are made.
func (k *kube) collection(ctx context.Context, version, kind, namespace string) (string, error) {
	found, err := k.find(ctx, version, kind)
	if err != nil {
		return "", err
	}
	if !found.Namespaced {
		return root(version) + "/" + found.Name, nil
	}
	return root(version) + "/namespaces/" + namespace + "/" + found.Name, nil
}
