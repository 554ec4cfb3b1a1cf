package lake

import (
	"errors"
	"os"
	"path"
)

// place makes content appear under a name whole or not at all, durably, in the place of
// what was there. The point before it has its name is called area.written.
func (l *Lake) place(area, name string, content []byte) error {
	folder := path.Dir(name)
	if err := l.makeDurably(folder); err != nil {
		return err
	}
	temporary := path.Join(folder, "."+path.Base(name))
	if err := l.dir.RemoveAll(temporary); err != nil {
		return err
	}
	err := l.create(temporary, func(f *os.File) error {
		_, err := f.Write(content)
		return err
	})
	if err == nil {
		err = l.at(area + ".written")
	}
	if err == nil {
		err = l.dir.Rename(temporary, name)
	}
	if err != nil {
		return errors.Join(err, l.dir.RemoveAll(temporary))
	}
	return l.syncDir(folder)
}

// makeDurably makes a folder of the lake, and its name durable, if it is not there.
func (l *Lake) makeDurably(folder string) error {
	if _, err := l.dir.Stat(folder); err == nil {
		return nil
	}
	if err := l.dir.MkdirAll(folder, dirMode); err != nil {
		return err
	}
	return l.syncDir(path.Dir(folder))
}

// clear removes a file durably.
func (l *Lake) clear(name string) error {
	if err := l.dir.Remove(name); err != nil {
		return err
	}
	return l.syncDir(path.Dir(name))
}
