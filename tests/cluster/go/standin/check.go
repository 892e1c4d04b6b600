package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"

	"seaworthy.test/cluster/internal/contract"
)

// check reads contracts as the image's maker and the stand-in do.
func check(files []string, out io.Writer) error {
	var errs []error
	for _, file := range files {
		c, err := contract.Load(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if err := checkAll(c, file); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
			continue
		}
		fmt.Fprintln(out, "ok", file)
	}
	return errors.Join(errs...)
}

// checkAll looks at the contracts of the image's other programs, too.
func checkAll(c *contract.Contract, file string) error {
	if err := checkRoutes(c); err != nil {
		return err
	}
	for _, beside := range c.Image.Programs {
		program, err := contract.LoadProgram(filepath.Join(filepath.Dir(file), beside))
		if err != nil {
			return err
		}
		if err := checkRoutes(program); err != nil {
			return fmt.Errorf("%s: %w", beside, err)
		}
	}
	return nil
}

// checkRoutes puts the fixed routes on ports that nobody opens; roles need files.
func checkRoutes(c *contract.Contract) error {
	fixed := *c
	fixed.Roles = nil
	muxes := map[string]*http.ServeMux{}
	for _, l := range c.Listen {
		muxes[l.Name] = http.NewServeMux()
	}
	return newServer(&fixed, c.Defaults(), io.Discard).routes(context.Background(), muxes)
}
