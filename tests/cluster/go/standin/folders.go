package main

import (
	"io/fs"
	"net/http"
	"path/filepath"

	"seaworthy.test/cluster/internal/contract"
)

// startFolders tells of each folder how many files it holds, how many bytes, and which.
func (s *server) startFolders(spec contract.Folders, mux *http.ServeMux) error {
	dirs := map[string]string{}
	for name, dir := range spec.Dirs {
		if err := s.expandAll(&dir); err != nil {
			return err
		}
		if dir != "" {
			dirs[name] = dir
		}
	}
	mux.HandleFunc("GET "+spec.Path, func(w http.ResponseWriter, _ *http.Request) {
		told := map[string]any{}
		for name, dir := range dirs {
			inside, err := look(dir)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			told[name] = inside
		}
		writeJSON(w, told)
	})
	return nil
}

type inside struct {
	Files int      `json:"files"`
	Bytes int64    `json:"bytes"`
	Names []string `json:"names"`
}

func look(dir string) (inside, error) {
	found := inside{Names: []string{}}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		found.Files++
		found.Bytes += info.Size()
		found.Names = append(found.Names, name)
		return err
	})
	return found, err
}
