package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

// objectStore reads and writes objects below a prefix of a bucket.
type objectStore struct {
	spec contract.Objects
	key  awsKey
}

// expandObjects fills in where objects are; nothing without an endpoint.
func (s *server) expandObjects(spec contract.Objects) (*objectStore, error) {
	err := s.expandAll(&spec.Endpoint, &spec.Region, &spec.Bucket, &spec.Prefix, &spec.KeyID, &spec.Key)
	if err != nil || spec.Endpoint == "" {
		return nil, err
	}
	spec.Prefix = strings.Trim(spec.Prefix, "/")
	return &objectStore{spec, awsKey{spec.KeyID, spec.Key, spec.Region}}, nil
}

// look says why the bucket cannot be used.
func (o *objectStore) look(ctx context.Context) error {
	_, err := o.ask(ctx, http.MethodHead, "/"+o.spec.Bucket, nil)
	return err
}

func (o *objectStore) put(ctx context.Context, name string, data []byte) error {
	_, err := o.ask(ctx, http.MethodPut, o.path(name), data)
	return err
}

func (o *objectStore) get(ctx context.Context, name string) ([]byte, error) {
	return o.ask(ctx, http.MethodGet, o.path(name), nil)
}

func (o *objectStore) path(name string) string {
	return "/" + o.spec.Bucket + "/" + strings.TrimPrefix(o.spec.Prefix+"/"+name, "/")
}

func (o *objectStore) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(o.spec.Endpoint, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	o.key.sign(request, body, time.Now())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, largest))
	if err != nil || response.StatusCode/100 == 2 {
		return data, err
	}
	var said struct{ Code, Message string }
	// A HEAD has no body, and what is between us and S3 may answer otherwise.
	if xml.Unmarshal(data, &said) != nil {
		said.Code = response.Status
	}
	return nil, &objectError{response.StatusCode, fmt.Sprintf("%s %s: %s %s", method, path, said.Code, said.Message)}
}

type objectError struct {
	status int
	text   string
}

func (e *objectError) Error() string { return e.text }
