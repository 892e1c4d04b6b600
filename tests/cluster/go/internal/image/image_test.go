package image

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
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
