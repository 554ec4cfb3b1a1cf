package study

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
)

// An IndexCache keeps the index of the raw log in a file beside its segments. The
// file begins with the version of the program that wrote it, because another one may
// make something else of the same log. Whoever deletes it loses time.
type IndexCache struct {
	Dir     string // of the raw log
	Version string
}

const (
	indexFile      = "plan.index"
	indexUnwritten = ".plan.index-"
)

func (s *Study) indexCache() IndexCache { return IndexCache{s.RawPath(), s.Version} }

// Load implements plan.Cache.
func (c IndexCache) Load() ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(c.Dir, indexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	content, ours := bytes.CutPrefix(text, []byte(c.Version+"\n"))
	if !ours {
		return nil, nil
	}
	return content, nil
}

// Store implements plan.Cache. The file appears whole. It is not made durable: a
// power cut that spoils it costs time.
func (c IndexCache) Store(content []byte) error {
	c.sweep()
	f, err := os.CreateTemp(c.Dir, indexUnwritten+"*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append([]byte(c.Version+"\n"), content...))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.Dir, indexFile))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Drop removes the index, and what is left of others, durably.
func (c IndexCache) Drop() error {
	entries, err := os.ReadDir(c.Dir)
	for _, e := range entries {
		if e.Name() == indexFile || strings.HasPrefix(e.Name(), indexUnwritten) {
			if gone := os.Remove(filepath.Join(c.Dir, e.Name())); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}
	return errors.Join(err, durable.SyncFolder(c.Dir))
}

// sweep removes what processes left that died while they wrote, as far as it can.
func (c IndexCache) sweep() {
	entries, _ := os.ReadDir(c.Dir)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), indexUnwritten) && time.Since(info.ModTime()) > time.Hour {
			os.Remove(filepath.Join(c.Dir, e.Name()))
		}
	}
}
