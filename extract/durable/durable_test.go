package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestPublish(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, content := range []string{"one", "another"} {
		if err := errors.Join(Publish(path, []byte(content)), SyncFolder(dir)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if info, _ := os.Stat(path); err != nil || string(got) != content || info.Mode() != 0o600 {
			t.Errorf("published %q: %q, %v", content, got, err)
		}
	}
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Publish(taken, nil); err == nil {
		t.Error("published in the place of a folder")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var files [2]*os.File
	for i := range files {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	if err := Lock(files[0], syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	var failed *fs.PathError
	err := Lock(files[1], syscall.LOCK_EX|syscall.LOCK_NB)
	if !errors.Is(err, syscall.EWOULDBLOCK) || !errors.As(err, &failed) || failed.Op != "flock" || failed.Path != path {
		t.Errorf("a lock that somebody has: %v, want a *fs.PathError of flock", err)
	}
	if err := errors.Join(Lock(files[0], syscall.LOCK_UN), Lock(files[1], syscall.LOCK_EX)); err != nil {
		t.Errorf("a lock that was given back: %v", err)
	}
}
