package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// cause is what seaworthy writes of one.
type cause struct {
	ID     string `json:"id"`
	Object *struct {
		Kind      string `json:"kind"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"object"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func (c *cause) line() string {
	if c == nil {
		return ""
	}
	object := ""
	if c.Object != nil {
		object = c.Object.Kind + "/"
		if c.Object.Namespace != "" {
			object += c.Object.Namespace + "/"
		}
		object += c.Object.Name + " "
	}
	return object + c.Reason + ": " + c.Message
}

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

// measure runs one case and prints one line; it fails when something is not as expected.
func measure(arguments []string) error {
	flags := flag.NewFlagSet("measure", flag.ExitOnError)
	table := flags.String("expected", "", "the table of expectations")
	namespace := flags.String("namespace", "", "of the case")
	node2 := flags.String("node2", "", "name of the second node")
	slowest := flags.Duration("within", 3*time.Second, "from the object in the API to the screen, at most")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	name, command := flags.Arg(0), flags.Args()[1:]
	e, err := readExpectation(*table, name, *namespace, *node2)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "broken-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	c, err := connect()
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	m := &marks{marks: bytes.Split([]byte(e.mark), []byte("&"))}
	if e.mark != "-" {
		if err := c.watch(ctx, *namespace, m); err != nil {
			return err
		}
	}
	r, err := start(append(append([]string{}, command...), "-o", "json"), folder)
	if err != nil {
		return err
	}
	// With -o json a failure before the run is only in the document.
	screen := &r.screen
	if !strings.Contains(screen.last(), "failed after") {
		again, err := start(command, folder)
		if err != nil {
			return err
		}
		screen = &again.screen
		r.began = again.began
	}
	return report(e, r, screen, m.first(), *slowest)
}

func report(e *expectation, r *run, screen *stamped, marked time.Time, slowest time.Duration) error {
	shown := screen.first(func(line string) bool { return len(e.lacks(line)) == 0 })
	known := r.events.first(func(line string) bool { return len(e.lacks(causeOf(line).line())) == 0 })
	var wrong []string
	check := func(ok bool, format string, arguments ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, arguments...))
		}
	}
	from := marked
	if e.mark == "-" {
		from = r.began
	} else if marked.IsZero() {
		wrong = append(wrong, "the API never said "+e.mark)
	}
	check(r.exit == e.exit, "exit %d, not %d", r.exit, e.exit)
	check(!shown.IsZero(), "never on screen")
	check(e.mark == "-" || shown.IsZero() || marked.IsZero() || shown.Sub(from) <= slowest, "late")
	last := e.lacks(screen.last())
	check(len(last) == 0, "last line without %s", strings.Join(last, ", "))
	document := lacksJSON(e, r.document)
	check(len(document) == 0, "JSON without %s", strings.Join(document, ", "))
	tick := func(missing []string) string {
		if len(missing) == 0 {
			return "yes"
		}
		return "NO"
	}
	verdict := "ok"
	if len(wrong) > 0 {
		verdict = strings.Join(wrong, "; ")
	}
	fmt.Printf("%-22s %7s %7s %6.1f %4d %5s %5s  %s\n", e.name, since(from, known), since(from, shown), r.took.Seconds(), r.exit,
		tick(last), tick(document), verdict)
	if len(wrong) > 0 {
		fmt.Printf("    | %s\n", strings.Join(screen.lines, "\n    | "))
		return fmt.Errorf("%s is not as expected", e.name)
	}
	return nil
}

func since(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return "-"
	}
	return fmt.Sprintf("%.2f", to.Sub(from).Seconds())
}

// causeOf an event, of a wait or of a step that failed.
func causeOf(line string) *cause {
	var event struct {
		Cause *cause `json:"cause"`
		State *struct {
			Cause *cause `json:"cause"`
		} `json:"state"`
	}
	if json.Unmarshal([]byte(line), &event) != nil {
		return nil
	}
	if event.Cause == nil && event.State != nil {
		return event.State.Cause
	}
	return event.Cause
}

func lacksJSON(e *expectation, text []byte) []string {
	var document struct {
		SchemaVersion int `json:"schemaVersion"`
		Error         *struct {
			ID      string `json:"id"`
			Message string `json:"message"`
			Cause   *cause `json:"cause"`
		} `json:"error"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); err != nil {
		return []string{"a document"}
	}
	if document.Error == nil {
		return []string{"error"}
	}
	var missing []string
	if !e.id.MatchString(document.Error.ID) {
		missing = append(missing, fmt.Sprintf("the id (it is %s)", document.Error.ID))
	}
	return append(missing, e.lacks(document.Error.Message)...)
}
