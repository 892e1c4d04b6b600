package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"seaworthy.test/cluster/internal/contract"
)

// complete is the file that is written last; it holds how many there are.
const complete = "import.complete"

// importer is what the leader does: it brings what a worker needs: it writes the files that are not there, or are not as they must be.
type importer struct {
	server *server
	dir    string
	files  int
	pause  time.Duration

	mutex    sync.Mutex
	brought  int
	finished bool
	problem  string
}

func (s *server) startImporter(ctx context.Context, spec contract.Importer, mux *http.ServeMux) error {
	if err := s.expandAll(&spec.Dir, &spec.Files, &spec.Time); err != nil {
		return err
	}
	files, err := strconv.Atoi(spec.Files)
	if err != nil || files < 1 {
		return fmt.Errorf("importer: files %q", spec.Files)
	}
	whole, err := time.ParseDuration(spec.Time)
	if err != nil || whole < 0 {
		return fmt.Errorf("importer: time %q", spec.Time)
	}
	i := &importer{server: s, dir: spec.Dir, files: files, pause: whole / time.Duration(files)}
	mux.HandleFunc("GET "+spec.Path, i.tell)
	go i.run(ctx)
	return nil
}

func (i *importer) run(ctx context.Context) {
	for !i.server.leads() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(retry):
		}
	}
	err := i.bring(ctx)
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if err != nil {
		i.problem = err.Error()
		i.server.log("service import failed: %v", err)
		return
	}
	i.finished = true
	i.server.log("service import finished: %d files, %d of them new", i.files, i.brought)
}

func (i *importer) bring(ctx context.Context) error {
	i.server.log("service import started")
	for number := range i.files {
		if isThere(i.dir, number) {
			continue
		}
		if err := i.wait(ctx); err != nil {
			return err
		}
		if err := replace(filepath.Join(i.dir, fileName(number)), content(number)); err != nil {
			return err
		}
		i.mutex.Lock()
		i.brought++
		i.mutex.Unlock()
		i.server.log("service import: brought %s", fileName(number))
	}
	return replace(filepath.Join(i.dir, complete), []byte(strconv.Itoa(i.files)))
}

// wait is the time that a download would take, and as long as it was told to stop.
func (i *importer) wait(ctx context.Context) error {
	for pause := i.pause; ; pause = retry {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		if !i.server.faults.has("stop") {
			return nil
		}
	}
}

func (i *importer) tell(w http.ResponseWriter, _ *http.Request) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	writeJSON(w, map[string]any{"finished": i.finished, "files": i.files, "new": i.brought, "problem": i.problem})
}

func fileName(number int) string { return fmt.Sprintf("service-%03d.dat", number) }

// content is the same at every import, so that a reader knows what it must be.
func content(number int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "service data %03d\n", number), 64)
}

func isThere(dir string, number int) bool {
	data, err := os.ReadFile(filepath.Join(dir, fileName(number)))
	return err == nil && bytes.Equal(data, content(number))
}

// lacking says what a worker misses in the folder, or nothing.
func lacking(dir string) string {
	data, err := os.ReadFile(filepath.Join(dir, complete))
	if err != nil {
		return "the service data is not complete: " + err.Error()
	}
	files, err := strconv.Atoi(string(data))
	if err != nil {
		return "the service data is damaged: " + err.Error()
	}
	for number := range files {
		if !isThere(dir, number) {
			return "the service data lacks " + fileName(number)
		}
	}
	return ""
}

// replace never leaves a part of a file under its name.
func replace(path string, data []byte) error {
	part := path + ".part"
	if err := os.WriteFile(part, data, 0o644); err != nil {
		return err
	}
	return os.Rename(part, path)
}
