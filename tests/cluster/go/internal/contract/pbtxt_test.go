package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// flat is every field of a message as `path=value`, texts in quotation marks.
func flat(found message, above string) []string {
	var lines []string
	for name, values := range found {
		for _, value := range values {
			switch value := value.(type) {
			case message:
				lines = append(lines, above+name+"{}")
				lines = append(lines, flat(value, above+name+".")...)
			case scalar:
				text := value.text
				if value.quoted {
					text = fmt.Sprintf("%q", text)
				}
				lines = append(lines, above+name+"="+text)
			}
		}
	}
	return lines
}

func TestProtobufText(t *testing.T) {
	for text, want := range map[string][]string{
		"a: 1":                             {"a=1"},
		"a: -1.5e3, b: true; c: SOME_NAME": {"a=-1.5e3", "b=true", "c=SOME_NAME"},
		"# only this":                      {},
		"a { b: 'x' } # why\nc: {}":        {"a{}", `a.b="x"`, "c{}"},
		`a: "one" ` + "\n" + `  'two'`:     {`a="onetwo"`},
		`a: "q\"\\\n\x41\101é"`:            {`a="q\"\\\nAAé"`},
		"a: [1, 2] a: 3 b [{c: 1}, {}]":    {"a=1", "a=2", "a=3", "b{}", "b.c=1", "b{}"},
		"a: []":                            {},
	} {
		found, err := parseText([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := flat(found, "")
		for _, line := range want {
			if !strings.Contains("\n"+strings.Join(got, "\n")+"\n", "\n"+line+"\n") {
				t.Errorf("%s: %q lacks %s", text, got, line)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsNoProtobufText(t *testing.T) {
	for text, want := range map[string]string{
		"a {\n  b: 1\n":          "line 3: a: its brace is not closed",
		"a: 1 }":                 "a closing brace too many",
		"a: \"x\n\"":             "a text without an end",
		"a: 'x":                  "a text without an end",
		"a 1":                    "a colon or a brace is wanted",
		"a:\n  b: 1":             "line 2: a field's name is wanted",
		"a:":                     "a value is wanted",
		"my-config: 1":           "a colon or a brace is wanted",
		": 1":                    "a field's name is wanted",
		"1a: 1":                  "a field's name is wanted",
		"- a":                    "a field's name is wanted",
		`a: "\y"`:                "an unknown escape",
		"a: [1 2]":               "a comma or the end of the list",
		"a: [1,":                 "a value is wanted",
		strings.Repeat("a{", 99): "too deep",
	} {
		_, err := parseText([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

const fieldsHead = head + "files:\n  - path: /f\n    name: conf\n    format: pbtxt\n"

const someFields = `    fields:
      top: {type: int, min: 1, required: true}
      part: {type: message}
      part.name: {required: true, pattern: '^[a-z]*$'}
      part.on: {type: bool}
      item: {type: message, repeated: true}
      item.key: {required: true}
      left: {type: message}
      right: {}
    oneOf: [[left, right]]
`

func readSome(t *testing.T, text string) (Values, error) {
	t.Helper()
	c, err := Parse([]byte(fieldsHead+someFields), "x")
	if err != nil {
		t.Fatal(err)
	}
	values := c.Defaults()
	return values, values.Document(c.Files[0]).ReadText([]byte(text), c.Files[0].OneOf)
}

func TestFieldsAreStrict(t *testing.T) {
	for text, want := range map[string]string{
		"top: 1 left {}": "",
		"top: 1 right: 'x' part { name: 'a' on: true } item { key: 'k' } item { key: 'l' }": "",
		"left {}":                                   "misses top",
		"top: 1":                                    "exactly one of left, right is wanted, not 0",
		"top: 1 left {} right: 'x'":                 "exactly one of left, right is wanted, not 2",
		"top: '1' left {}":                          `top: "1": is not a int`,
		"top: 0 left {}":                            "less than 1",
		"top: 1 top: 2 left {}":                     "top stands 2 times",
		"top: 1 left { x: 1 }":                      "unknown field: left.x",
		"top: 1 left: 'x'":                          "left: is not a message",
		"top { } left {}":                           "top: is not a int",
		"top: 1 left {} part {}":                    "misses part.name",
		"top: 1 left {} part { name: '' }":          "misses part.name",
		"top: 1 left {} part { name: a }":           `part.name: "a": is not a string`,
		"top: 1 left {} part { name: 'A' }":         "does not match",
		"top: 1 left {} part { name: 'a' on: 't' }": "is not a bool",
		"top: 1 left {} part { name: 'a' on: t }":   "neither true nor false",
		"top: 1 left {} item { key: 'k' } item {}":  "misses item.key",
		"top: 1 left {} other: 1":                   "unknown field: other",
	} {
		_, err := readSome(t, text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestTemplatesReadFields(t *testing.T) {
	values, err := readSome(t, "top: 7 left {} part { name: 'a' } item { key: 'k' } item { key: 'l' }")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{{ read "conf" "top" }}{{ read "conf" "part.name" }}`:                             "7a",
		`{{ range read "conf" "item" }}{{ .key | json }},{{ end }}`:                        `"k","l",`,
		`{{ if has "conf" "left" }}left{{ end }}{{ if has "conf" "right" }}right{{ end }}`: "left",
		`{{ read "conf" "right" }}|{{ read "conf" "part.on" }}`:                            "|false",
		`{{ if ge (read "conf" "top") 7 }}enough{{ end }}`:                                 "enough",
	} {
		if got, err := values.Expand(text, nil); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", text, got, err, want)
		}
	}
}

func TestFieldsAreShared(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("x.yaml", head+"files: [{path: /f, name: conf, format: pbtxt, fieldsFrom: conf.fields}]\nlog: ['{{ read \"conf\" \"a\" }}']\n")
	for text, want := range map[string]string{
		"fields: {a: {type: int}, b: {}}\noneOf: [[a, b]]\n": "",
		"fields: {b: {}}\n":            "field a is not declared",
		"fields: {a: {colour: red}}\n": "colour",
		"oneOf: [[a]]\n":               "fields belong to",
	} {
		write("conf.fields", text)
		c, err := Load(filepath.Join(dir, "x.yaml"))
		if want == "" && (err != nil || len(c.Files[0].Fields) != 2 || len(c.Files[0].OneOf) != 1) ||
			want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for _, from := range []string{"none", "../x", "conf.fields, fields: {a: {}}"} {
		write("x.yaml", head+"files: [{path: /f, format: pbtxt, fieldsFrom: "+from+"}]\n")
		if _, err := Load(filepath.Join(dir, "x.yaml")); err == nil {
			t.Errorf("%s is accepted", from)
		}
	}
}
