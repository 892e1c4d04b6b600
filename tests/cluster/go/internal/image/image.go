// Package image writes container images as docker archives. The same content
// gives the same bytes: no times, sorted entries.
package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Config is the part of an image's configuration that runtimes read.
type Config struct {
	User       string   `json:"User,omitempty"`
	Env        []string `json:"Env,omitempty"`
	Entrypoint []string `json:"Entrypoint,omitempty"`
	Cmd        []string `json:"Cmd,omitempty"`
	WorkingDir string   `json:"WorkingDir,omitempty"`
}

type Image struct {
	Names  []string
	Config Config
	Layers []*Layer
}

// Layer collects files by path; folders above them are made as needed.
type Layer struct {
	entries map[string]entry
}

type entry struct {
	header tar.Header
	data   []byte
}

func NewLayer() *Layer { return &Layer{entries: map[string]entry{}} }

func (l *Layer) Dir(name string, mode int64) {
	l.put(name, tar.Header{Typeflag: tar.TypeDir, Mode: mode}, nil)
}

func (l *Layer) File(name string, mode int64, data []byte) {
	l.put(name, tar.Header{Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(data))}, data)
}

func (l *Layer) Symlink(name, target string) {
	l.put(name, tar.Header{Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: target}, nil)
}

// Tree is a layer with what a folder holds: its folders, files and links.
func Tree(root string) (*Layer, error) {
	l := NewLayer()
	return l, filepath.WalkDir(root, func(file string, found fs.DirEntry, err error) error {
		if err != nil || file == root {
			return err
		}
		name := strings.TrimPrefix(file, root)
		info, err := found.Info()
		if err != nil {
			return err
		}
		return l.add(name, file, info.Mode())
	})
}

func (l *Layer) add(name, file string, mode fs.FileMode) error {
	switch mode.Type() {
	case fs.ModeDir:
		l.Dir(name, int64(mode.Perm()))
	case fs.ModeSymlink:
		target, err := os.Readlink(file)
		if err != nil {
			return err
		}
		l.Symlink(name, target)
	case 0:
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		l.File(name, int64(mode.Perm()), data)
	default:
		return fmt.Errorf("%s: no folder, file or link", file)
	}
	return nil
}

func (l *Layer) put(name string, header tar.Header, data []byte) {
	name = strings.TrimPrefix(path.Clean(name), "/")
	if dir := path.Dir(name); dir != "." {
		if _, ok := l.entries[dir+"/"]; !ok {
			l.Dir(dir, 0o755)
		}
	}
	if header.Typeflag == tar.TypeDir {
		name += "/"
	}
	header.Name = name
	l.entries[name] = entry{header, data}
}

func (l *Layer) bytes() ([]byte, error) {
	var names []string
	for name := range l.entries {
		names = append(names, name)
	}
	slices.Sort(names) // a folder sorts before what is in it
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range names {
		e := l.entries[name]
		if err := w.WriteHeader(&e.header); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}

// Users and groups of an image with a shell.
const (
	Passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"
	Group  = "root:x:0:\nnobody:x:65534:\n"
)

// Busybox is a layer with the program busybox under the names of all its applets,
// but for nc and wget, which nettools does better, and for the shell: Debian's
// busybox shell runs its own applets whatever lies on PATH, so bash takes its
// place.
func Busybox(programs map[string][]byte, applets []string) *Layer {
	l := NewLayer()
	for name, data := range programs {
		l.File("bin/"+name, 0o755, data)
	}
	for _, applet := range applets {
		if applet != "bin/busybox" && applet != "linuxrc" {
			l.Symlink(applet, "/bin/busybox")
		}
	}
	// These are expected there, wherever Debian's list has them.
	for _, name := range []string{"cat", "ls", "echo", "sleep", "true", "false", "date", "sed", "grep", "tar"} {
		l.Symlink("bin/"+name, "/bin/busybox")
	}
	for _, name := range []string{"bin/sh", "bin/ash"} {
		l.Symlink(name, "/bin/bash")
	}
	for _, name := range []string{"bin/nc", "bin/wget", "usr/bin/nc", "usr/bin/wget"} {
		l.Symlink(name, "/bin/nettools")
	}
	l.Dir("tmp", 0o1777)
	l.Dir("root", 0o700)
	l.Dir("home", 0o755)
	l.File("etc/passwd", 0o644, []byte(Passwd))
	l.File("etc/group", 0o644, []byte(Group))
	return l
}

// Save writes the archive.
func (i Image) Save(file string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := i.write(out); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

func (i Image) write(out io.Writer) error {
	files, layerNames, diffs, err := i.layerFiles()
	if err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z", "config": i.Config,
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffs},
	})
	if err != nil {
		return err
	}
	configName := digest(config) + ".json"
	manifest, err := json.Marshal([]map[string]any{{"Config": configName, "RepoTags": i.Names, "Layers": layerNames}})
	if err != nil {
		return err
	}
	archive := NewLayer()
	archive.File("manifest.json", 0o644, manifest)
	archive.File(configName, 0o644, config)
	for name, data := range files {
		archive.File(name, 0o644, data)
	}
	data, err := archive.bytes()
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	return err
}

func (i Image) layerFiles() (files map[string][]byte, names, diffs []string, err error) {
	files = map[string][]byte{}
	for _, layer := range i.Layers {
		data, err := layer.bytes()
		if err != nil {
			return nil, nil, nil, err
		}
		name := digest(data) + ".tar"
		files[name] = data
		names = append(names, name)
		diffs = append(diffs, fmt.Sprintf("sha256:%s", digest(data)))
	}
	return files, names, diffs, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
