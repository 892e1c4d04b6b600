// standin takes the place of a program whose image cannot be had. What it demands
// and what it does is written in /contract.yaml; the format is described in
// tests/cluster/standins/README.md.
package main

import (
	"fmt"
	"io"
	"os"
	"path"

	"seaworthy.test/cluster/internal/contract"
)

// contractFile is the image's own, unless it has one for the name it was called by.
func contractFile() string {
	if file := contract.ProgramFile(os.Args[0]); exists(file) {
		return file
	}
	return "/contract.yaml"
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func main() {
	// Images run it under the component's name; `standin` is for the operator.
	if path.Base(os.Args[0]) == "standin" {
		os.Exit(command(os.Args[1:], os.Stdout, os.Stderr))
	}
	load, file := contract.Load, contractFile()
	if file == contract.ProgramFile(os.Args[0]) {
		load = contract.LoadProgram
	}
	c, err := load(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(run(c, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run returns the exit code: 2 for what the contract refuses.
func run(c *contract.Contract, args, environ []string, out, errs io.Writer) int {
	values, err := admit(c, args, environ)
	if err != nil {
		fmt.Fprintln(errs, err)
		return 2
	}
	s := newServer(c, values, out)
	if err := s.serve(); err != nil {
		fmt.Fprintln(errs, "fatal:", err)
		return 1
	}
	return 0
}

// admit checks all that must hold before anything is served.
func admit(c *contract.Contract, args, environ []string) (contract.Values, error) {
	values := c.Defaults()
	if err := parseArgs(c, args, values); err != nil {
		return values, err
	}
	if err := parseEnv(c, environ, values); err != nil {
		return values, err
	}
	for _, check := range []func(*contract.Contract, contract.Values) error{checkUser, checkFiles, checkPaths, countStart} {
		if err := check(c, values); err != nil {
			return values, err
		}
	}
	return values, nil
}
