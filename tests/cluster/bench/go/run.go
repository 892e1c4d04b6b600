package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stamped lines of one stream.
type stamped struct {
	lock  sync.Mutex
	lines []string
	times []time.Time
}

func (s *stamped) read(from io.Reader) {
	reader := bufio.NewReaderSize(from, 1<<20)
	for {
		line, err := reader.ReadString('\n')
		if line = strings.TrimRight(line, "\n"); line != "" {
			s.lock.Lock()
			s.lines, s.times = append(s.lines, line), append(s.times, time.Now())
			s.lock.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// first line that a function takes, or the zero time.
func (s *stamped) first(takes func(string) bool) time.Time {
	s.lock.Lock()
	defer s.lock.Unlock()
	for index, line := range s.lines {
		if takes(line) {
			return s.times[index]
		}
	}
	return time.Time{}
}

func (s *stamped) last() string {
	s.lock.Lock()
	defer s.lock.Unlock()
	if len(s.lines) == 0 {
		return ""
	}
	return s.lines[len(s.lines)-1]
}

// run is one run of the program.
type run struct {
	began          time.Time
	took           time.Duration
	exit           int
	screen, events stamped
	document       []byte
}

// start runs a command whose events go to a pipe, so that each has the time at which it was written.
func start(command []string, folder string) (*run, error) {
	pipe := filepath.Join(folder, "events")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(pipe)
	// Open for both, so that neither side waits for the other.
	events, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	r := &run{}
	go r.events.read(events)
	process := exec.Command(command[0], append(command[1:], "--events", pipe)...)
	process.Env = append(os.Environ(), "SEAWORTHY_STATE_DIR="+filepath.Join(folder, "state"))
	var document bytes.Buffer
	process.Stdout = &document
	screen, err := process.StderrPipe()
	if err != nil {
		return nil, err
	}
	r.began = time.Now()
	if err := process.Start(); err != nil {
		return nil, err
	}
	r.screen.read(screen)
	// The exit code says how it ended; that it is not 0 is the point.
	_ = process.Wait()
	r.took, r.exit, r.document = time.Since(r.began), process.ProcessState.ExitCode(), document.Bytes()
	time.Sleep(50 * time.Millisecond)
	return r, events.Close()
}
