//go:build linux || darwin

package snapshot

import (
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
	for _, t := range tables() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.linkTable(temporary, t); err != nil {
			return err
		}
		fault.Point("snapshot.table_linked")
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
		name := path.Join(p.folder, t.Name)
		there, err := p.has(name)
		if err != nil {
			return err
		}
		if there {
			if err := p.linkTable(p.folder, t); err != nil {
				return err
			}
			continue
		}
		if err := p.root.RemoveAll(p.temporary()); err != nil {
			return err
		}
		if err := p.linkTable(p.temporary(), t); err != nil {
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
func (p *publisher) linkTable(folder string, t transform.Table) error {
	files := p.manifest.TableFiles(t.Name)
	if len(files) == 0 {
		return p.writeEmpty(folder, t)
	}
	for len(files) > 0 { // partition by partition, as the manifest has them
		n := 1
		for n < len(files) && files[n].Partition == files[0].Partition {
			n++
		}
		if err := p.linkPartition(folder, files[:n]); err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}

// linkPartition links files that lie in one folder. It opens that and its own once: what
// is done for each file of the lake at each publish must be next to nothing.
func (p *publisher) linkPartition(folder string, files []lake.File) error {
	name := path.Join(folder, path.Dir(linkName(files[0])))
	if err := p.root.MkdirAll(name, dirMode); err != nil {
		return err
	}
	to, err := p.root.Open(name)
	if err != nil {
		return err
	}
	defer to.Close()
	from, err := p.root.Open(path.Dir(files[0].Path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // without it, each of its files is missed below
		return err
	}
	defer from.Close()
	for _, f := range files {
		if f.Damaged == "" && p.damage[f.Path] == nil && linked(from, to, f) {
			continue
		}
		if err := p.linkAnew(f, path.Join(folder, linkName(f))); err != nil {
			return err
		}
	}
	return nil
}

// linkName is the name of the link to a data file, from the folder of a snapshot.
func linkName(f lake.File) string { return strings.TrimPrefix(f.Path, "data/") }

// linked links a data file from one folder to another, unless the name is taken there,
// and reports whether what has the name then is the file as far as its size tells.
func linked(from, to *os.File, f lake.File) bool {
	name := path.Base(f.Path)
	err := unix.Linkat(int(from.Fd()), name, int(to.Fd()), name, 0)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return false
	}
	var info unix.Stat_t
	err = unix.Fstatat(int(to.Fd()), name, &info, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && info.Size == f.Bytes
}

// linkAnew makes name a link to a data file if that is sound, whatever had the name.
// Of a file that is not it says what is wrong with it.
func (p *publisher) linkAnew(f lake.File, name string) error {
	if harm := p.damage[f.Path]; harm != nil {
		return p.linkDamaged(f, name, harm)
	}
	err := p.lake.Check(f)
	if harm, ok := errors.AsType[*lake.DamageError](err); ok {
		return p.linkDamaged(f, name, harm)
	}
	if err != nil {
		return err
	}
	if err := p.root.RemoveAll(name); err != nil {
		return err
	}
	return p.root.Link(f.Path, name)
}

// linkDamaged makes name a file that says what is wrong with a data file. Without
// one a pattern would find the other files, and nobody would miss its rows.
func (p *publisher) linkDamaged(f lake.File, name string, harm *lake.DamageError) error {
	p.damage[f.Path] = harm
	text := complaint(harm) + "\n"
	if old, err := p.root.ReadFile(name); err == nil && string(old) == text {
		return nil
	}
	return p.writeText(name, text)
}

func (p *publisher) writeEmpty(folder string, t transform.Table) error {
	partition := ""
	if t.Time != "" {
		partition = "month=none"
	}
	name := path.Join(folder, t.Name, partition, emptyName)
	if _, err := p.root.Lstat(name); err == nil {
		return nil
	}
	if err := p.root.MkdirAll(path.Dir(name), dirMode); err != nil {
		return err
	}
	return p.write(name, func(f *os.File) error { return lake.WriteRows(f, t) })
}
