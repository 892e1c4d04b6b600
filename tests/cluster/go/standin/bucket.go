package main

import (
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

// objectName is what needs no escape in a URL, and leads to no folder above.
var objectName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

// largest is how much is taken of one body.
const largest = 64 << 20

// bucket answers as S3 does, for buckets that there are and keys that it knows.
type bucket struct {
	server *server
	spec   contract.Bucket
	keys   map[string]string
}

func (s *server) startBucket(spec contract.Bucket, mux *http.ServeMux) error {
	b := &bucket{server: s, spec: spec, keys: map[string]string{}}
	if err := s.expandAll(&b.spec.Region, &b.spec.Dir); err != nil {
		return err
	}
	b.spec.Buckets = slices.Clone(spec.Buckets)
	for i := range b.spec.Buckets {
		if err := s.expandAll(&b.spec.Buckets[i]); err != nil {
			return err
		}
	}
	for id, secret := range spec.Keys {
		if err := s.expandAll(&id, &secret); err != nil {
			return err
		}
		b.keys[id] = secret
	}
	mux.HandleFunc("/{bucket}", b.answer)
	mux.HandleFunc("/{bucket}/{key...}", b.answer)
	return nil
}

func (b *bucket) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest))
	if err != nil {
		b.refuse(w, r, &refusedKey{http.StatusBadRequest, "EntityTooLarge", err.Error()})
		return
	}
	refused := verify(r, body, b.spec.Region, b.keys, time.Now())
	name, key := r.PathValue("bucket"), r.PathValue("key")
	switch {
	case refused != nil:
	case !slices.Contains(b.spec.Buckets, name):
		refused = &refusedKey{http.StatusNotFound, "NoSuchBucket", "there is no bucket " + name}
	case key == "" && r.Method != http.MethodHead || key != "" && !objectName.MatchString(key):
		refused = &refusedKey{http.StatusBadRequest, "InvalidRequest", r.Method + " of " + key}
	case key != "":
		refused = b.object(w, r.Method, filepath.Join(b.spec.Dir, name, filepath.FromSlash(key)), body)
	}
	if refused != nil {
		b.refuse(w, r, refused)
	}
}

func (b *bucket) object(w http.ResponseWriter, method, path string, body []byte) *refusedKey {
	failed := func(err error) *refusedKey {
		if errors.Is(err, fs.ErrNotExist) {
			return &refusedKey{http.StatusNotFound, "NoSuchKey", "there is no such object"}
		}
		return &refusedKey{http.StatusInternalServerError, "InternalError", err.Error()}
	}
	switch method {
	case http.MethodPut:
		if err := put(path, body); err != nil {
			return failed(err)
		}
	case http.MethodGet:
		data, err := os.ReadFile(path)
		if err != nil {
			return failed(err)
		}
		w.Write(data)
	case http.MethodDelete:
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failed(err)
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		return &refusedKey{http.StatusMethodNotAllowed, "MethodNotAllowed", method}
	}
	return nil
}

func (b *bucket) refuse(w http.ResponseWriter, r *http.Request, why *refusedKey) {
	b.server.log("%s %s: %s: %s", r.Method, r.URL.Path, why.code, why.text)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(why.status)
	xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: why.code, Message: why.text})
}

// put writes a file whole or not at all, with the folders above it.
func put(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return replace(path, data)
}
