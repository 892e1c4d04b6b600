package image

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func sample() Image {
	base := Busybox(map[string][]byte{"busybox": []byte("program"), "bash": []byte("shell")}, []string{"usr/bin/nc", "bin/busybox"})
	top := NewLayer()
	top.File("/app/data/x.csv", 0o644, []byte("a,b\n"))
	return Image{Names: []string{"example/x:1"}, Config: Config{Entrypoint: []string{"/app/x"}}, Layers: []*Layer{base, top}}
}

func TestSameContentGivesSameBytes(t *testing.T) {
	var first, second bytes.Buffer
	if err := sample().write(&first); err != nil {
		t.Fatal(err)
	}
	if err := sample().write(&second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two archives of one image differ")
	}
}

func TestFoldersComeBeforeTheirFiles(t *testing.T) {
	layer := NewLayer()
	layer.File("/a/b/c", 0o600, []byte("x"))
	data, err := layer.bytes()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
	if want := "[a/ a/b/ a/b/c]"; want != "["+join(names)+"]" {
		t.Errorf("entries %v, want %s", names, want)
	}
}

func TestSaveWritesAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.tar")
	if err := sample().Save(file); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		t.Errorf("archive: %v, %v", info, err)
	}
}

func join(names []string) (out string) {
	for i, n := range names {
		if i > 0 {
			out += " "
		}
		out += n
	}
	return out
}

func TestTreeHoldsFoldersFilesAndLinks(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "sbin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "sbin/tables"), []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("tables", filepath.Join(root, "sbin/iptables")); err != nil {
		t.Fatal(err)
	}
	layer, err := Tree(root)
	if err != nil {
		t.Fatal(err)
	}
	link := layer.entries["sbin/iptables"].header
	if link.Typeflag != tar.TypeSymlink || link.Linkname != "tables" {
		t.Errorf("the link is %+v", link)
	}
	file := layer.entries["sbin/tables"]
	if string(file.data) != "program" || file.header.Mode != 0o755 {
		t.Errorf("the file is %+v", file.header)
	}
	if len(layer.entries) != 3 {
		t.Errorf("%d entries", len(layer.entries))
	}
}

func TestTreeRefusesWhatIsNoFile(t *testing.T) {
	root := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Tree(root); err == nil || !strings.Contains(err.Error(), "pipe") {
		t.Errorf("a pipe was taken: %v", err)
	}
}
