package study

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"
)

// inAside looks into a file that a repair has set aside. It may be anything, a table or a part
// of the raw log too: whoever is in one that nobody can read may be anybody.
func (a *absence) inAside(path string) error {
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case bytes.HasPrefix(content, []byte("PAR1")):
		if err := a.inParquet(path, ""); !IsDamage(err) {
			return err
		}
	case utf8.Valid(content) && a.telling():
		return a.inBytes(path)
	}
	a.found(path, "set aside by a repair, and nobody can tell who is in it", 1)
	return nil
}

// setAside are the files at a path in the lake, of what was set aside, if the participant is
// in one of them or may be.
func (s *Study) setAside(ctx context.Context, participant, path string) (files []string, err error) {
	a := &absence{study: s, id: participant, seen: map[string]bool{}}
	err = a.walk(ctx, filepath.Join(s.LakePath(), path), func(path string, _ fs.DirEntry) error {
		files = append(files, path)
		return a.inAside(path)
	})
	if len(a.out.Found) == 0 {
		files = nil
	}
	return files, err
}
