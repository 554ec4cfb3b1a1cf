//go:build linux || darwin

package snapshot

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// link makes the folder with its hard links, unless it is there: it appears
// whole. One that is there gets what it lacks.
func (p *publisher) link(ctx context.Context) error {
	switch there, err := p.has(p.folder); {
	case err != nil:
		return err
	case there:
		return p.linkMissing()
	}
	temporary := p.temporary()
	if err := p.root.RemoveAll(temporary); err != nil {
		return err
	}
	err := p.within(temporary, func(to *os.Root) error {
		for _, t := range tables() {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := p.linkTable(to, t); err != nil {
				return err
			}
			fault.Point("snapshot.table_linked")
		}
		return nil
	})
	if err != nil {
		return err
	}
	fault.Point("snapshot.linked")
	return p.root.Rename(temporary, p.folder)
}

// has reports whether name is there. What cannot be looked at is an error: it may
// be either.
func (p *publisher) has(name string) (bool, error) {
	_, err := p.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// temporary is the folder in which links are made.
func (p *publisher) temporary() string { return path.Join(snapshotDir, "."+path.Base(p.folder)) }

// linkMissing links the tables that the folder lacks, because a program with fewer
// tables made it: each appears whole. Of those it has it links what is damaged anew.
func (p *publisher) linkMissing() error {
	for _, t := range tables() {
		if isComputed(t.Name) && p.with != nil {
			continue
		}
		name := path.Join(p.folder, t.Name)
		there, err := p.has(name)
		if err != nil {
			return err
		}
		link := func(to *os.Root) error { return p.linkTable(to, t) }
		if there {
			if err := p.within(p.folder, link); err != nil {
				return err
			}
			continue
		}
		if err := p.root.RemoveAll(p.temporary()); err != nil {
			return err
		}
		if err := p.within(p.temporary(), link); err != nil {
			return err
		}
		fault.Point("snapshot.table_linked")
		if err := p.root.Rename(path.Join(p.temporary(), t.Name), name); err != nil {
			return err
		}
	}
	return p.root.RemoveAll(p.temporary())
}

// linkTable gives a table without files an empty one, so that every pattern
// finds something and sees the columns.
func (p *publisher) linkTable(to *os.Root, t transform.Table) error {
	if isComputed(t.Name) && p.with != nil {
		return nil
	}
	files := p.manifest.TableFiles(t.Name)
	if len(files) == 0 {
		return p.linkEmpty(to, t)
	}
	for len(files) > 0 { // partition by partition, as the manifest has them
		n := 1
		for n < len(files) && files[n].Partition == files[0].Partition {
			n++
		}
		if err := p.linkPartition(to, files[:n]); err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}

// linkPartition links files that lie in one folder. It opens that and its own once: what
// is done for each file of the lake at each publish must be next to nothing.
func (p *publisher) linkPartition(to *os.Root, files []lake.File) error {
	name := path.Dir(linkName(files[0]))
	if err := to.MkdirAll(name, dirMode); err != nil {
		return err
	}
	into, err := to.Open(name)
	if err != nil {
		return err
	}
	defer into.Close()
	from, err := p.root.Open(path.Dir(files[0].Path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // without it, each of its files is missed below
		return err
	}
	defer from.Close()
	for _, f := range files {
		if f.Damaged == "" && p.damage[f.Path] == nil && linked(from, into, f) {
			continue
		}
		if err := p.linkAnew(to, into, f); err != nil {
			return err
		}
	}
	return nil
}

// linkName is the name of the link to a data file, from the folder of a snapshot.
func linkName(f lake.File) string { return strings.TrimPrefix(f.Path, "data/") }

// linked links a data file from one folder into another, unless the name is taken there,
// and reports whether what has the name then is the file as far as its size tells.
func linked(from, into *os.File, f lake.File) bool {
	name := path.Base(f.Path)
	if err := linkAt(from, into, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return false
	}
	var info unix.Stat_t
	err := unix.Fstatat(int(into.Fd()), name, &info, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && info.Size == f.Bytes
}

// linkAt links a name from one folder into another.
func linkAt(from, into *os.File, name string) error { return linkAs(from, into, name, name) }

// linkAs links a name from one folder into another, under a name of its own there.
func linkAs(from, into *os.File, name, as string) error {
	err := unix.Linkat(int(from.Fd()), name, int(into.Fd()), as, 0)
	if err != nil {
		return &os.LinkError{Op: "linkat", Old: name, New: as, Err: err}
	}
	return nil
}

// linkAnew links a data file if it is sound, whatever has its name, or if a folder, perhaps
// this one, has it still. Of a file that is not it says what is wrong with it.
func (p *publisher) linkAnew(to *os.Root, into *os.File, f lake.File) error {
	harm, name := p.damage[f.Path], linkName(f)
	if harm == nil {
		err := p.lake.Check(f)
		if errors.As(err, &harm) && f.Damaged == "" {
			var back bool
			if back, err = p.lake.Recover(f); err == nil && !back {
				err = harm
			}
		}
		if err == nil {
			return p.linkSound(to, into, f)
		}
		if !errors.As(err, &harm) {
			return err
		}
	}
	// Without a file a pattern would find the others, and nobody would miss its rows.
	p.damage[f.Path] = harm
	return p.put(to, name, []byte(complaint(harm)+"\n"))
}

// linkSound links a data file, whatever has its name: until the link is there, readers of
// the folder see what was. Its own folder may be a new one.
func (p *publisher) linkSound(to *os.Root, into *os.File, f lake.File) error {
	name := linkName(f)
	data, err := p.root.Lstat(f.Path)
	if err != nil {
		return err
	}
	old, err := to.Lstat(name)
	if err == nil && os.SameFile(old, data) {
		return nil
	}
	if err == nil && old.IsDir() {
		if err := to.RemoveAll(name); err != nil {
			return err
		}
	}
	from, err := p.root.Open(path.Dir(f.Path))
	if err != nil {
		return err
	}
	defer from.Close()
	temporary := besides(name)
	if err := to.RemoveAll(temporary); err != nil {
		return err
	}
	if err := linkAs(from, into, path.Base(name), path.Base(temporary)); err != nil {
		return err
	}
	return to.Rename(temporary, name)
}

// linkEmpty gives a table a file without rows.
func (p *publisher) linkEmpty(to *os.Root, t transform.Table) error {
	partition := ""
	if t.Time != "" {
		partition = "month=none"
	}
	var content bytes.Buffer
	if err := lake.WriteRows(&content, t); err != nil {
		return err
	}
	name := path.Join(t.Name, partition, emptyName)
	if isComputed(t.Name) {
		name = path.Join(t.Name, wholeName+".parquet")
	}
	if err := to.MkdirAll(path.Dir(name), dirMode); err != nil {
		return err
	}
	return p.put(to, name, content.Bytes())
}
