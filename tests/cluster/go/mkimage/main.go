// mkimage writes an image's archive.
//
//	mkimage -o OUT -name N... [-busybox BIN -nettools BIN -bash BIN] [-folder DIR]... [-file SRC:DST]... [-open DIR]... [-entrypoint A]... [-cmd A]... [-user U] [-env K=V]...
//	mkimage -o OUT -contract FILE -standin BIN -busybox BIN -nettools BIN -bash BIN
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"seaworthy.test/cluster/internal/contract"
	"seaworthy.test/cluster/internal/image"
)

type texts []string

func (t *texts) String() string     { return strings.Join(*t, " ") }
func (t *texts) Set(v string) error { *t = append(*t, v); return nil }

type options struct {
	out, busybox, nettools, bash, user, workdir, contract, standin string
	names, folders, files, open, entrypoint, cmd, env              texts
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("mkimage: ")
	var o options
	flag.StringVar(&o.out, "o", "", "archive to write")
	flag.StringVar(&o.busybox, "busybox", "", "static busybox to put in")
	flag.StringVar(&o.nettools, "nettools", "", "nc and wget, which go with busybox")
	flag.StringVar(&o.bash, "bash", "", "static bash, the shell that goes with busybox")
	flag.StringVar(&o.user, "user", "", "user")
	flag.StringVar(&o.workdir, "workdir", "", "working folder")
	flag.StringVar(&o.contract, "contract", "", "make the stand-in of this contract")
	flag.StringVar(&o.standin, "standin", "", "the stand-in's program")
	flag.Var(&o.names, "name", "name:tag")
	flag.Var(&o.folders, "folder", "folder whose content is to be at the root")
	flag.Var(&o.files, "file", "SOURCE:PATH")
	flag.Var(&o.open, "open", "folder that everyone may write to")
	flag.Var(&o.entrypoint, "entrypoint", "entrypoint")
	flag.Var(&o.cmd, "cmd", "default argument")
	flag.Var(&o.env, "env", "KEY=VALUE")
	flag.Parse()
	if err := o.run(); err != nil {
		log.Fatal(err)
	}
}

func (o options) run() error {
	made, err := o.plain()
	if o.contract != "" {
		made, err = o.standIn()
	}
	if err != nil {
		return err
	}
	return made.Save(o.out)
}

func (o options) plain() (image.Image, error) {
	made := image.Image{Names: o.names, Config: image.Config{
		User: o.user, WorkingDir: o.workdir, Entrypoint: o.entrypoint, Cmd: o.cmd, Env: o.env,
	}}
	if o.busybox != "" {
		shell, err := o.shell()
		if err != nil {
			return made, err
		}
		made.Layers = append(made.Layers, shell)
	}
	for _, folder := range o.folders {
		layer, err := image.Tree(folder)
		if err != nil {
			return made, err
		}
		made.Layers = append(made.Layers, layer)
	}
	for _, pair := range o.files {
		from, to, _ := strings.Cut(pair, ":")
		layer := image.NewLayer()
		if err := copyIn(layer, from, to, 0o755); err != nil {
			return made, err
		}
		made.Layers = append(made.Layers, layer)
	}
	for _, folder := range o.open {
		layer := image.NewLayer()
		layer.Dir(folder, 0o1777)
		made.Layers = append(made.Layers, layer)
	}
	return made, nil
}

// standIn makes three layers, of which only the last differs between stand-ins.
func (o options) standIn() (image.Image, error) {
	c, err := contract.Load(o.contract)
	if err != nil {
		return image.Image{}, err
	}
	made := image.Image{Names: c.Image.Names, Config: image.Config{
		User: c.Image.User, WorkingDir: c.Image.Workdir, Entrypoint: []string{c.Image.Entrypoint}, Env: environment(c),
	}}
	if c.Image.Shell {
		shell, err := o.shell()
		if err != nil {
			return made, err
		}
		made.Layers = append(made.Layers, shell)
	}
	program := image.NewLayer()
	if err := copyIn(program, o.standin, "/standin", 0o755); err != nil {
		return made, err
	}
	top, err := contractLayer(c, o.contract)
	made.Layers = append(made.Layers, program, top)
	return made, err
}

func environment(c *contract.Contract) []string {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	for key, value := range c.Image.Env {
		env = append(env, key+"="+value)
	}
	slices.Sort(env[1:])
	return env
}

func contractLayer(c *contract.Contract, file string) (*image.Layer, error) {
	layer := image.NewLayer()
	if err := copyIn(layer, file, "/contract.yaml", 0o644); err != nil {
		return nil, err
	}
	layer.Dir("/tmp", 0o1777)
	// Without an entry Kubernetes would give the user group 0.
	if uid, gid, ok := strings.Cut(c.Image.User, ":"); ok && uid != "0" {
		layer.File("/etc/passwd", 0o644, []byte(image.Passwd+fmt.Sprintf("app:x:%s:%s:app:/:/bin/sh\n", uid, gid)))
		layer.File("/etc/group", 0o644, []byte(image.Group+fmt.Sprintf("app:x:%s:\n", gid)))
	}
	layer.Symlink(c.Image.Entrypoint, "/standin")
	for _, link := range c.Image.Links {
		layer.Symlink(link, "/standin")
	}
	for _, folder := range c.Image.Open {
		layer.Dir(folder, 0o1777)
	}
	for path, beside := range c.Image.Programs {
		if err := program(layer, path, filepath.Join(filepath.Dir(file), beside)); err != nil {
			return nil, err
		}
	}
	for _, checked := range c.Files {
		if checked.From == "" {
			continue
		}
		if err := copyIn(layer, filepath.Join(filepath.Dir(file), checked.From), "/"+checked.From, 0o644); err != nil {
			return nil, err
		}
	}
	for path, baked := range c.Image.Files {
		if err := bake(layer, filepath.Dir(file), path, baked); err != nil {
			return nil, err
		}
	}
	return layer, nil
}

// program puts a further one in, with its own contract.
func program(layer *image.Layer, path, file string) error {
	if _, err := contract.LoadProgram(file); err != nil {
		return err
	}
	layer.Symlink(path, "/standin")
	return copyIn(layer, file, contract.ProgramFile(path), 0o644)
}

func bake(layer *image.Layer, beside, path string, baked contract.Baked) error {
	mode := int64(0o644)
	if baked.Mode != "" {
		parsed, err := strconv.ParseInt(baked.Mode, 8, 32)
		if err != nil {
			return fmt.Errorf("image.files: %s: mode %q", path, baked.Mode)
		}
		mode = parsed
	}
	if baked.From != "" {
		return copyIn(layer, filepath.Join(beside, baked.From), path, mode)
	}
	layer.File(path, mode, []byte(baked.Text))
	return nil
}

func copyIn(layer *image.Layer, from, to string, mode int64) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	layer.File(to, mode, data)
	return nil
}

// shell is busybox with what replaces its weaker parts.
func (o options) shell() (*image.Layer, error) {
	programs := map[string][]byte{}
	for name, file := range map[string]string{"busybox": o.busybox, "nettools": o.nettools, "bash": o.bash} {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		programs[name] = data
	}
	list, err := exec.Command(o.busybox, "--list-full").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --list-full: %w", o.busybox, err)
	}
	return image.Busybox(programs, strings.Fields(string(list))), nil
}
