package snapshot

import (
	"bytes"
	"errors"
	"os"
	"path"
)

// put makes name a file with this content, by a link to that of latest if it has the
// same: that is on disk, and need not be waited for.
func (p *publisher) put(to *os.Root, name string, content []byte) error {
	if holds(to, name, content) {
		return nil
	}
	if p.latest != nil && holds(p.latest, name, content) && linkFrom(p.latest, to, name) == nil {
		return nil
	}
	return write(to, name, content)
}

// holds reports whether a file has this content.
func holds(root *os.Root, name string, content []byte) bool {
	old, err := root.ReadFile(name)
	return err == nil && bytes.Equal(old, content)
}

// linkFrom links a name in one root to the same in another, where it must be free.
func linkFrom(from, to *os.Root, name string) error {
	old, err := from.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer old.Close()
	into, err := to.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer into.Close()
	return linkAt(old, into, path.Base(name))
}

// write writes a file under a temporary name and renames it.
func write(to *os.Root, name string, content []byte) error {
	temporary := besides(name)
	if err := to.RemoveAll(temporary); err != nil {
		return err
	}
	f, err := to.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, publishedMode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return to.Rename(temporary, name)
}

// besides is the hidden name that a file has until it takes the name.
func besides(name string) string { return path.Join(path.Dir(name), "."+path.Base(name)) }
