package contract

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Field is what protobuf text may have at a dotted path; `required` holds where the message above it is there.
type Field struct {
	Repeated bool `yaml:"repeated"`
	Param    `yaml:",inline"`
}

// Message is the type of a field that has fields of its own.
const Message = "message"

// Document is a file that templates read.
type Document struct {
	fields map[string]Field
	tree   map[string]any
}

// Document is the one that templates read under the file's name; one of its own for a file that has none.
func (v Values) Document(file File) *Document {
	if named, ok := v.Files[file.Name]; ok {
		return named
	}
	return &Document{fields: file.Fields}
}

// ReadText reads protobuf text strictly: fields that are not declared, are of another type, or stand twice are refused.
func (d *Document) ReadText(data []byte, oneOf [][]string) error {
	found, err := parseText(data)
	if err != nil {
		return err
	}
	tree, err := d.typed(found, "")
	if err != nil {
		return err
	}
	d.tree = tree
	for _, paths := range oneOf {
		var there []string
		for _, path := range paths {
			if has, err := d.Has(path); err != nil || has {
				there = append(there, path)
			}
		}
		if len(there) != 1 {
			return fmt.Errorf("exactly one of %s is wanted, not %d", strings.Join(paths, ", "), len(there))
		}
	}
	return nil
}

func (d *Document) typed(found message, above string) (map[string]any, error) {
	tree := map[string]any{}
	for name, values := range found {
		path := above + name
		field, known := d.fields[path]
		if !known {
			return nil, fmt.Errorf("unknown field: %s", path)
		}
		if len(values) > 1 && !field.Repeated {
			return nil, fmt.Errorf("%s stands %d times", path, len(values))
		}
		var all []any
		for _, value := range values {
			one, err := d.one(field, path, value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			all = append(all, one)
		}
		tree[name] = all[0]
		if field.Repeated {
			tree[name] = all
		}
	}
	return tree, d.complete(tree, above)
}

// complete says which required field a message lacks.
func (d *Document) complete(tree map[string]any, above string) error {
	for path, field := range d.fields {
		name, below := strings.CutPrefix(path, above)
		if !field.Required || !below || strings.Contains(name, ".") {
			continue
		}
		if value, there := tree[name]; !there || value == "" {
			return fmt.Errorf("misses %s", path)
		}
	}
	return nil
}

func (d *Document) one(field Field, path string, value any) (any, error) {
	inner, isMessage := value.(message)
	if isMessage != (field.Type == Message) {
		return nil, fmt.Errorf("is not a %s", orString(field.Type))
	}
	if isMessage {
		return d.typed(inner, path+".")
	}
	written := value.(scalar)
	if isText := field.Type != "int" && field.Type != "bool"; isText != written.quoted {
		return nil, fmt.Errorf("%q: is not a %s", written.text, orString(field.Type))
	}
	if written.text != "" || !written.quoted {
		if err := field.Check(written.text); err != nil {
			return nil, fmt.Errorf("%q: %w", written.text, err)
		}
	}
	switch field.Type {
	case "int":
		return strconv.Atoi(written.text)
	case "bool":
		return truth(written.text)
	}
	return written.text, nil
}

// truth knows fewer words than Go does.
func truth(word string) (bool, error) {
	if !slices.Contains([]string{"true", "false"}, word) {
		return false, errors.New("neither true nor false")
	}
	return word == "true", nil
}

func orString(kind string) string {
	if kind == "" {
		return "string"
	}
	return kind
}

// Read is what the file has at a path that is declared: its value, or the empty one of its type.
func (d *Document) Read(path string) (any, error) {
	value, err := d.find(path)
	if err != nil || value != nil {
		return value, err
	}
	switch field := d.fields[path]; {
	case field.Repeated:
		return []any{}, nil
	case field.Type == "int":
		return 0, nil
	case field.Type == "bool":
		return false, nil
	case field.Type == Message:
		return map[string]any{}, nil
	}
	return "", nil
}

// Has says whether the file has something at a path.
func (d *Document) Has(path string) (bool, error) {
	value, err := d.find(path)
	return value != nil, err
}

func (d *Document) find(path string) (any, error) {
	if _, declared := d.fields[path]; !declared {
		return nil, fmt.Errorf("field %s is not declared", path)
	}
	var value any = d.tree
	for _, name := range strings.Split(path, ".") {
		branch, ok := value.(map[string]any)
		if !ok {
			return nil, nil
		}
		value = branch[name]
	}
	return value, nil
}

func (f File) validateFields() error {
	if (len(f.Fields) > 0) != (f.Format == "pbtxt") {
		return errors.New("fields belong to the format pbtxt, and it to them")
	}
	if f.Name != "" && len(f.Fields) == 0 || len(f.OneOf) > 0 && len(f.Fields) == 0 {
		return errors.New("name and oneOf need fields")
	}
	for path, field := range f.Fields {
		if err := validateField(field); err != nil {
			return prefix(path, err)
		}
		above, _, below := cutLast(path)
		if below && f.Fields[above].Type != Message {
			return fmt.Errorf("%s: %s is not a message", path, above)
		}
	}
	for _, path := range slices.Concat(f.OneOf...) {
		if _, known := f.Fields[path]; !known {
			return fmt.Errorf("oneOf: %s is no field", path)
		}
	}
	return nil
}

func validateField(field Field) error {
	if field.Type == Message {
		field.Type = ""
	} else if !slices.Contains([]string{"", "string", "int", "bool", "path", "url"}, field.Type) {
		return fmt.Errorf("unknown type %q", field.Type)
	}
	if field.Default != "" {
		return errors.New("a field has no default")
	}
	return field.Param.validate()
}

func cutLast(path string) (string, string, bool) {
	at := strings.LastIndexByte(path, '.')
	if at < 0 {
		return "", path, false
	}
	return path[:at], path[at+1:], true
}
