package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
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

// broken runs one case and prints one line; it fails when something is not as expected.
func broken(arguments []string) error {
	flags := flag.NewFlagSet("broken", flag.ExitOnError)
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
	m, err := watchMarks(ctx, c, *namespace, e.mark)
	if err != nil {
		return err
	}
	r, err := start(append(append([]string{}, command...), "-o", "json"), folder)
	if err != nil {
		return err
	}
	// With -o json a failure before the run is only in the document.
	screen := &r.screen
	if r.exit != 0 && !strings.Contains(screen.last(), "failed after") {
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
	// A refused plan may have many causes: the first is in the document as a whole, and the message speaks of all.
	said := document.Error.Message
	if document.Error.Cause != nil {
		said = document.Error.Cause.line()
	}
	return append(missing, e.lacks(said)...)
}
