package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

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
	case errors.Is(e.Err, fs.ErrNotExist):
		folder := filepath.Dir(e.Path)
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return "there is no folder " + folder
		}
		return "there is no such file"
	case errors.Is(e.Err, syscall.EISDIR):
		return "is a folder, not a file"
	case errors.Is(e.Err, syscall.ENOTDIR):
		return "there is no such file: a part of its path is no folder"
	}
	return e.Err.Error()
}
