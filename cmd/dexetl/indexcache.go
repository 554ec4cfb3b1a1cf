package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// An indexCache keeps the index of the raw log in a file beside its segments. The
// file begins with the version of the program that wrote it, because another one may
// make something else of the same log. Whoever deletes it loses time.
type indexCache struct {
	dir     string
	version string
}

const (
	indexFile      = "plan.index"
	indexUnwritten = ".plan.index-"
)

func (s *study) indexCache() indexCache { return indexCache{s.rawPath(), version()} }

// Load implements plan.Cache.
func (c indexCache) Load() ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, indexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	content, ours := bytes.CutPrefix(text, []byte(c.version+"\n"))
	if !ours {
		return nil, nil
	}
	return content, nil
}

// Store implements plan.Cache. The file appears whole. It is not made durable: a
// power cut that spoils it costs time.
func (c indexCache) Store(content []byte) error {
	c.sweep()
	f, err := os.CreateTemp(c.dir, indexUnwritten+"*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append([]byte(c.version+"\n"), content...))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.dir, indexFile))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// sweep removes what processes left that died while they wrote, as far as it can.
func (c indexCache) sweep() {
	entries, _ := os.ReadDir(c.dir)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), indexUnwritten) && time.Since(info.ModTime()) > time.Hour {
			os.Remove(filepath.Join(c.dir, e.Name()))
		}
	}
}
