package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dexetl/dexetl/extract/cohort"
)

// otherFile is err, with the command that the file at path is for where it is another
// than was wanted.
func otherFile(path string, err error) error {
	e, ok := errors.AsType[*cohort.OtherFileError](err)
	if !ok {
		return err
	}
	if path == "-" {
		return err
	}
	return failure(exitUsage, takenBy(e.Kind, path), "%w", err)
}

// takenBy is the command that takes the file at path, which is of this kind.
func takenBy(kind cohort.Kind, path string) step {
	switch kind {
	case cohort.Tokens:
		return dexetl("connect", "--import", path)
	case cohort.Readings:
		return dexetl("metrics", "--input", path)
	case cohort.Windows:
		return dexetl("windows", "import", path)
	case cohort.Exclusions:
		return dexetl("exclusions", "import", path)
	}
	return dexetl("participants", "import", path)
}

// A reworded error says in plain words what the operating system said of a file.
type reworded struct {
	error
	text string
}

func (e *reworded) Error() string { return e.text }
func (e *reworded) Unwrap() error { return e.error }

// aboutFile is err without the names of system calls, where it is about a file.
func aboutFile(err error) error {
	of, ok := errors.AsType[*fs.PathError](err)
	if !ok {
		return err
	}
	text := strings.ReplaceAll(err.Error(), of.Error(), of.Path+": "+fileWords(of))
	return &reworded{err, strings.ReplaceAll(text, of.Path+": "+of.Path+": ", of.Path+": ")}
}

func fileWords(e *fs.PathError) string {
	switch {
	case e.Op == "mkdir" && errors.Is(e.Err, syscall.ENOTDIR):
		return "is a file, not a folder"
	case e.Op == "mkdir" && errors.Is(e.Err, fs.ErrNotExist):
		return "the folder cannot be made there"
	case errors.Is(e.Err, fs.ErrNotExist):
		folder := filepath.Dir(e.Path)
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return "there is no folder " + folder
		}
		return "there is no such file"
	case errors.Is(e.Err, syscall.EISDIR):
		return "is a folder, not a file"
	case errors.Is(e.Err, syscall.ENOTDIR):
		return "there is no such file: a file stands where its path has a folder"
	}
	return e.Err.Error()
}
