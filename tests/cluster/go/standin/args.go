package main

import (
	"fmt"
	"slices"
	"strings"

	"seaworthy.test/cluster/internal/contract"
)

// parseArgs reads flags as Go's flag package does, with its words for a refusal.
func parseArgs(c *contract.Contract, args []string, values contract.Values) error {
	given := map[string]bool{}
	var rest []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			rest = append(rest, args...)
			break
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			rest = append(rest, arg)
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
		param, known := c.Flags[name]
		if !known {
			return fmt.Errorf("flag provided but not defined: -%s", name)
		}
		switch {
		case hasValue:
		case param.Type == "bool":
			value = "true"
		case len(args) == 0:
			return fmt.Errorf("flag needs an argument: -%s", name)
		default:
			value, args = args[0], args[1:]
		}
		if err := param.Check(value); err != nil {
			return fmt.Errorf("invalid value %q for flag -%s: %w", value, name, err)
		}
		values.Flags[name], given[name] = value, true
	}
	for _, name := range sortedKeys(c.Flags) {
		if c.Flags[name].Required && !given[name] {
			return fmt.Errorf("flag is required: -%s", name)
		}
	}
	return parsePositional(c, rest, values)
}

func parsePositional(c *contract.Contract, rest []string, values contract.Values) error {
	for i, p := range c.Positional {
		if i >= len(rest) {
			if p.Required {
				return fmt.Errorf("argument is required: %s", p.Name)
			}
			continue
		}
		if err := p.Check(rest[i]); err != nil {
			return fmt.Errorf("invalid value %q for argument %s: %w", rest[i], p.Name, err)
		}
		values.Args[p.Name] = rest[i]
	}
	if len(rest) > len(c.Positional) {
		return fmt.Errorf("unexpected argument: %s", rest[len(c.Positional)])
	}
	return nil
}

func sortedKeys(params map[string]contract.Param) []string {
	var names []string
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
