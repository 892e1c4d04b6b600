package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// plan is what happens at a write.
type plan struct {
	At          int
	When        string
	Kill        string
	RefuseAfter int
}

func (p plan) validate() error {
	if !slices.Contains([]string{"before", "during", "after"}, p.When) {
		return fmt.Errorf("-when %q: before, during or after", p.When)
	}
	return nil
}

func (p *proxy) controls() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /counts", func(w http.ResponseWriter, _ *http.Request) {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(p.counts)
	})
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) { p.reset(w, nil) })
	mux.HandleFunc("POST /plan", func(w http.ResponseWriter, r *http.Request) {
		wanted, err := readPlan(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		p.reset(w, &wanted)
	})
	return mux
}

// reset starts the counting, and the plan, anew.
func (p *proxy) reset(w http.ResponseWriter, wanted *plan) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err := p.comeBack(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	p.counts = counts{ByMethod: map[string]int{}}
	if wanted != nil {
		p.plan = *wanted
	}
}

func readPlan(r *http.Request) (plan, error) {
	query := r.URL.Query()
	p := plan{When: query.Get("when"), Kill: query.Get("kill")}
	if p.When == "" {
		p.When = "before"
	}
	for name, field := range map[string]*int{"at": &p.At, "refuse-after": &p.RefuseAfter} {
		if text := query.Get(name); text != "" {
			number, err := strconv.Atoi(text)
			if err != nil {
				return p, fmt.Errorf("%s: %w", name, err)
			}
			*field = number
		}
	}
	return p, p.validate()
}

func killPidFile(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || pid < 2 {
		return fmt.Errorf("%s: no pid: %q", file, data)
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}
