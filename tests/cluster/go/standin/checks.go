package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"seaworthy.test/cluster/internal/contract"
)

func checkUser(c *contract.Contract, _ contract.Values) error {
	if want := c.RunAs.UID; want != nil && os.Getuid() != *want {
		return fmt.Errorf("must run as uid %d, runs as %d", *want, os.Getuid())
	}
	if want := c.RunAs.GID; want != nil && os.Getgid() != *want {
		return fmt.Errorf("must run as gid %d, runs as %d", *want, os.Getgid())
	}
	groups, err := os.Getgroups()
	if err != nil {
		return err
	}
	for _, want := range c.RunAs.Groups {
		if !slices.Contains(groups, want) && os.Getgid() != want {
			return fmt.Errorf("must run with group %d, has %v", want, groups)
		}
	}
	return nil
}

func checkFiles(c *contract.Contract, values contract.Values) error {
	for _, file := range c.Files {
		path, when := file.Path, file.When
		if err := expandIn(values, &path, &when); err != nil {
			return err
		}
		if file.When != "" && when == "" {
			continue
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && file.Optional {
			continue
		}
		if err != nil {
			return err
		}
		if err := checkContent(file, data, values); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func expandIn(values contract.Values, texts ...*string) error {
	for _, text := range texts {
		value, err := values.Expand(*text, nil)
		if err != nil {
			return err
		}
		*text = value
	}
	return nil
}

func checkContent(file contract.File, data []byte, values contract.Values) error {
	for _, pattern := range file.Matches {
		if !regexp.MustCompile(pattern).Match(data) {
			return fmt.Errorf("does not match %s", pattern)
		}
	}
	for _, pattern := range file.Forbids {
		if regexp.MustCompile(pattern).Match(data) {
			return fmt.Errorf("must not match %s", pattern)
		}
	}
	if file.CSV != nil {
		if err := checkCSV(*file.CSV, data); err != nil {
			return err
		}
	}
	switch file.Format {
	case "":
		return nil
	case "pbtxt":
		return values.Document(file).ReadText(data, file.OneOf)
	}
	return checkTree(file, data)
}

func checkCSV(want contract.CSV, data []byte) error {
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll() // every row as long as the first
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("no header row")
	}
	if len(rows)-1 < want.MinRows {
		return fmt.Errorf("%d rows, at least %d are needed", len(rows)-1, want.MinRows)
	}
	has := func(column string) bool { return slices.Contains(rows[0], column) }
	if len(want.AnyColumn) > 0 && !slices.ContainsFunc(want.AnyColumn, has) {
		return fmt.Errorf("header misses %s", strings.Join(want.AnyColumn, " or "))
	}
	return nil
}

func checkTree(file contract.File, data []byte) error {
	var tree any
	decode := yaml.Unmarshal
	if file.Format == "json" {
		decode = json.Unmarshal
	}
	if err := decode(data, &tree); err != nil {
		return err
	}
	for _, key := range file.Keys {
		if !hasKey(tree, strings.Split(key, ".")) {
			return fmt.Errorf("misses %s", key)
		}
	}
	return nil
}

func hasKey(tree any, keys []string) bool {
	for _, key := range keys {
		branch, ok := tree.(map[string]any)
		if !ok {
			return false
		}
		if tree, ok = branch[key]; !ok {
			return false
		}
	}
	return true
}

func checkPaths(c *contract.Contract, values contract.Values) error {
	for _, p := range c.Paths {
		path, err := values.Expand(p.Path, nil)
		if err != nil {
			return err
		}
		if err := checkAccess(path, p.Access); err != nil {
			return err
		}
	}
	return nil
}

func checkAccess(path, access string) error {
	info, statErr := os.Stat(path)
	switch access {
	case "absent":
		if statErr == nil {
			return fmt.Errorf("%s: must not be there", path)
		}
	case "present":
		// A socket cannot be opened; whoever speaks over it finds out whether he may.
		if statErr == nil && info.Mode()&os.ModeSocket != 0 {
			return nil
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		file.Close()
	case "writable":
		return probe(path)
	case "read-only":
		if statErr != nil {
			return statErr
		}
		if probe(path) == nil {
			return fmt.Errorf("%s: must be read-only", path)
		}
	}
	return nil
}

// probe writes to a folder, or opens a file for writing.
func probe(path string) error {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		return file.Close()
	}
	name := filepath.Join(path, fmt.Sprintf(".standin-%d", os.Getpid()))
	if err := os.WriteFile(name, []byte("probe"), 0o600); err != nil {
		return err
	}
	return os.Remove(name)
}

// countStart adds this start to the file that shows whether a volume's content survived.
func countStart(c *contract.Contract, values contract.Values) error {
	path, err := values.Expand(c.Persist, nil)
	if err != nil || path == "" {
		return err
	}
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	host, _ := os.Hostname()
	line, err := json.Marshal(map[string]any{
		"start": bytes.Count(before, []byte("\n")) + 1, "pod": host, "time": time.Now().UTC().Format(time.RFC3339),
	})
	if err != nil {
		return err
	}
	return appendLine(path, line)
}

func appendLine(path string, line []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if _, err := file.Write(append(line, '\n')); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
