package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// expectation is one line of expected.txt, which explains the columns.
type expectation struct {
	name           string
	exit           int
	object, reason *regexp.Regexp
	id             *regexp.Regexp
	mark           string
	words          []string
}

var gap = regexp.MustCompile(`\s{2,}`)

func readExpectation(path, name, namespace, node2 string) (*expectation, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		columns := gap.Split(strings.TrimSpace(line), -1)
		if columns[0] != name || strings.HasPrefix(line, "#") {
			continue
		}
		if len(columns) != 7 {
			return nil, fmt.Errorf("%s: %s has %d columns, not 7", path, name, len(columns))
		}
		exit, err := strconv.Atoi(columns[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, name, err)
		}
		object := strings.NewReplacer("NS", namespace, "NODE2", node2).Replace(columns[2])
		e := &expectation{name: name, exit: exit, object: pattern(object), reason: pattern(columns[3]), id: pattern(columns[4])}
		e.mark, e.words = columns[5], strings.Split(columns[6], ", ")
		return e, nil
	}
	return nil, fmt.Errorf("%s expects nothing of %s", path, name)
}

// pattern: * is any text without spaces, | stands between equals, - alone matches everything.
func pattern(text string) *regexp.Regexp {
	if text == "-" {
		return regexp.MustCompile("")
	}
	var parts []string
	for _, part := range strings.Split(text, "|") {
		parts = append(parts, strings.ReplaceAll(regexp.QuoteMeta(part), `\*`, `\S*`))
	}
	return regexp.MustCompile(`(^|[\s"'(])(` + strings.Join(parts, "|") + `)($|[\s:,;"')])`)
}

// lacks: what a line does not say.
func (e *expectation) lacks(line string) []string {
	var missing []string
	if !e.object.MatchString(line) {
		missing = append(missing, "object")
	}
	if !e.reason.MatchString(line) {
		missing = append(missing, "reason")
	}
	return append(missing, e.lacksWords(line)...)
}

func (e *expectation) lacksWords(line string) []string {
	var missing []string
	for _, word := range e.words {
		found := false
		for _, one := range strings.Split(word, "|") {
			found = found || strings.Contains(line, one)
		}
		if !found {
			missing = append(missing, "`"+word+"`")
		}
	}
	return missing
}
