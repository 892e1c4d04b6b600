package main

import (
	"net/http"
	"time"
)

// weather is what every read meets.
type weather struct {
	Lag  time.Duration
	Fail int
}

// Prime to a hundred: those that fail are spread evenly, and are the same ones each time.
const stride = 37

// fails says whether the read with this number does.
func (w weather) fails(number int) bool { return number*stride%100 < w.Fail }

// storm lets a read wait, and says whether it was answered with a failure.
func (p *proxy) storm(w http.ResponseWriter, r *http.Request) bool {
	number := int(p.reads.Add(1))
	if p.weather.Lag > 0 {
		select {
		case <-time.After(p.weather.Lag):
		case <-r.Context().Done():
		}
	}
	if !p.weather.fails(number) {
		return false
	}
	p.mutex.Lock()
	p.counts.Failed++
	p.mutex.Unlock()
	http.Error(w, "apiproxy: the API server is not well", http.StatusInternalServerError)
	return true
}
