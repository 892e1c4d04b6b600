package main

import (
	"net/http"
	"sync"
	"time"
)

// faults are the failures that were ordered and are in force.
type faults struct {
	mutex  sync.Mutex
	active map[string]time.Duration
	clear  chan struct{} // closed when all is well again
}

func newFaults() *faults {
	return &faults{active: map[string]time.Duration{}, clear: make(chan struct{})}
}

func (f *faults) order(name string, delay time.Duration) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.active[name] = delay
}

func (f *faults) clearAll() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	clear(f.active)
	close(f.clear)
	f.clear = make(chan struct{})
}

func (f *faults) has(name string) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	_, ok := f.active[name]
	return ok
}

func (f *faults) names() []string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	names := []string{}
	for name := range f.active {
		names = append(names, name)
	}
	return names
}

// around delays answers while told to.
func (f *faults) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mutex.Lock()
		delay, slow := f.active["slow"]
		_, hang := f.active["hang"]
		cleared := f.clear
		f.mutex.Unlock()
		if hang {
			delay, slow = 24*time.Hour, true
		}
		if slow {
			select {
			case <-time.After(delay):
			case <-cleared:
			case <-r.Context().Done():
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
