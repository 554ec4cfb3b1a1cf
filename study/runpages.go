package study

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/durable"
)

// RunPages is the folder of pages about runs; empty: none are written.
func (s *Study) RunPages() string {
	if s.Config.Report.Dir == "" {
		return ""
	}
	return s.Path(s.Config.Report.Dir)
}

// An InsideError says that a folder lies among what the study keeps, where whatever else is
// written is damage.
type InsideError struct{ Path, Tree string }

func (e *InsideError) Error() string {
	return fmt.Sprintf("%s lies in %s, whose files are the study's alone", e.Path, e.Tree)
}

// CheckOutside refuses a path in the lake or the state: an *InsideError.
func (s *Study) CheckOutside(path string) error {
	for _, tree := range []string{s.LakePath(), s.StatePath()} {
		if durable.Within(tree, path) {
			return &InsideError{path, tree}
		}
	}
	return nil
}

// runPages are the pages about runs that there are.
func (s *Study) runPages() ([]string, error) {
	if s.RunPages() == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(s.RunPages())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var paths []string
	for _, entry := range entries {
		if page, _ := filepath.Match("run-*.html", entry.Name()); page && entry.Type().IsRegular() {
			paths = append(paths, filepath.Join(s.RunPages(), entry.Name()))
		}
	}
	return paths, err
}

// pages removes the pages about runs that name the participant: what a run brought is
// known of the others, and they can be written again.
func (e *erasing) pages(ctx context.Context) error {
	paths, err := e.study.runPages()
	if err != nil || len(paths) == 0 {
		return err
	}
	look := absence{id: e.ParticipantID}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !look.inPage(content) {
			continue
		}
		note := cohort.ErasureNote{Kind: notePage, Path: path, Before: fmt.Sprintf("%x", sha256.Sum256(content)), Items: 1}
		if err := errors.Join(e.note(ctx, note), os.Remove(path)); err != nil {
			return err
		}
	}
	return durable.SyncFolder(e.study.RunPages())
}

// inPage reports whether a page about a run has the id: as a word, or alone in a cell if
// it can be taken for a number.
func (a *absence) inPage(html []byte) bool {
	if a.telling() {
		return a.named(html)
	}
	return bytes.Contains(html, []byte(">"+a.id+"<"))
}

// inRunPages looks into the pages about runs.
func (a *absence) inRunPages(ctx context.Context) error {
	paths, err := a.study.runPages()
	for _, path := range paths {
		content, wrong := os.ReadFile(path)
		if err = errors.Join(err, wrong, ctx.Err()); err != nil {
			return err
		}
		a.out.Files++
		if a.inPage(content) {
			a.found(path, "its text", 1)
		}
	}
	return err
}
