//go:build linux || darwin

package report

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/report/page"
)

// markName is the file by which a folder is known as a report.
const markName = "report.json"

// isReport reports whether nothing is in the folder at path but a report, pages about runs,
// and what a desktop leaves wherever it looks; else the file in the way is named, in a
// *durable.ExistsError.
func isReport(path string, info fs.FileInfo) (bool, error) {
	if !info.IsDir() {
		return false, nil
	}
	known := func(string) bool { return false }
	marked, err := hasMark(path)
	if err != nil {
		return false, err
	}
	if marked {
		known = isOfReport
	}
	err = filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || at == path {
			return err
		}
		name, err := filepath.Rel(path, at)
		if err == nil && !(known(name) || entry.Type().IsRegular() && (isRunPage(name) || isLeftByDesktop(entry.Name()))) {
			err = &durable.ExistsError{Path: path, File: name}
		}
		return err
	})
	return err == nil, err
}

// hasMark reports whether a folder has the file by which it is known as a report.
func hasMark(dir string) (bool, error) {
	content, err := os.ReadFile(filepath.Join(dir, markName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var mark struct{ Schema string }
	return err == nil && json.Unmarshal(content, &mark) == nil && strings.HasPrefix(mark.Schema, "dexetl.report_pages/"), err
}

// isOfReport reports whether a report may have a file or folder.
func isOfReport(name string) bool {
	profile := filepath.Dir(name) == profiles && filepath.Ext(name) == ".html"
	return profile || slices.Contains([]string{Index, cohortCSV, completenessPath, comparePath, runPath, dictionaryPath, profiles, markName}, name)
}

// isRunPage reports whether a file is a page about a run, which may lie beside a report.
func isRunPage(name string) bool {
	is, _ := filepath.Match("run-*.html", name)
	return is
}

// isLeftByDesktop reports whether a file is one that macOS or Windows leaves in folders that
// somebody looked into.
func isLeftByDesktop(name string) bool {
	return strings.HasPrefix(name, "._") || slices.Contains([]string{".DS_Store", "Thumbs.db", "desktop.ini"}, name)
}

// A SeenRunError says that a page about a run lies where a blinded report is to be, and
// tells more than that may.
type SeenRunError struct{ Path string }

func (e *SeenRunError) Error() string { return e.Path + " is a page about a run, and not blinded" }

// checkRunPages refuses to put a blinded report beside pages about runs that are not
// blinded: a *SeenRunError.
func (o Order) checkRunPages() error {
	if !o.hides() {
		return nil
	}
	entries, err := os.ReadDir(o.Path)
	if err != nil {
		return nil // it is not there, or no folder: whoever replaces it says so
	}
	for _, entry := range entries {
		if path := filepath.Join(o.Path, entry.Name()); isRunPage(entry.Name()) {
			html, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if !page.IsBlinded(html) {
				return &SeenRunError{path}
			}
		}
	}
	return nil
}

// keepRunPages puts the pages about runs that lie in the folder of a report into the one
// that replaces it.
func keepRunPages(from, to string) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if isRunPage(entry.Name()) {
			err = errors.Join(err, os.Link(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())))
		}
	}
	return err
}
