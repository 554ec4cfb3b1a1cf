package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

const (
	snapshotDir  = "snapshots"
	latestName   = "latest"
	databaseName = "dexetl.duckdb"
	viewsName    = "views.sql"
	codebookName = "codebook.csv"

	dirMode       fs.FileMode = 0o750
	publishedMode fs.FileMode = 0o444
)

// Repair makes latest what the newest manifest says, if it is not. The load
// lock must be held. An empty lake has no latest. It returns what Publish does.
func Repair(ctx context.Context, l *lake.Lake) ([]*lake.DamageError, error) {
	m, err := l.Current()
	if err != nil || m.Snapshot == 0 {
		return nil, err
	}
	return Publish(ctx, l, m)
}

// Publish builds the folder of snapshot m, if it is not there or was made by a
// program with other views, and points latest to it. Then it removes the
// folders before the last one that are more than a day old, and all that were
// made before a withdrawal. The load lock must be held. In the place of a damaged data
// file stands one that says so, which nobody takes for Parquet, and the view of its
// table fails. It returns those files.
func Publish(ctx context.Context, l *lake.Lake, m lake.Manifest) ([]*lake.DamageError, error) {
	p := publisher{lake: l, root: l.Root(), manifest: m, folder: folderOf(m.Snapshot), damage: make(damage)}
	for _, step := range []func(context.Context) error{p.link, p.describe, p.point, p.prune} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("folder of snapshot %d: %w", m.Snapshot, err)
		}
	}
	return p.damage.list(), nil
}

// Folder returns the absolute path of the folder of snapshot n, which exists
// only for the newest ones.
func Folder(l *lake.Lake, n int64) (string, error) { return absolute(l, folderOf(n)) }

func folderOf(n int64) string { return fmt.Sprintf("%s/%06d", snapshotDir, n) }

// shown reports whether a table is one that is shown.
func shown(table string) bool {
	return slices.ContainsFunc(tables(), func(t transform.Table) bool { return t.Name == table })
}

// tables lists the tables that are shown.
func tables() []transform.Table {
	return slices.DeleteFunc(transform.Tables(), func(t transform.Table) bool { return t.Hidden })
}

// A publisher builds one folder.
type publisher struct {
	lake     *lake.Lake
	root     *os.Root
	manifest lake.Manifest
	folder   string
	damage   damage // found while linking
}

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
	for _, f := range files {
		name := path.Join(folder, linkName(f))
		if err := p.root.MkdirAll(path.Dir(name), dirMode); err != nil {
			return err
		}
		if err := p.linkFile(f, name); err != nil {
			return err
		}
	}
	return nil
}

// linkName is the name of the link to a data file, from the folder of a snapshot.
func linkName(f lake.File) string { return strings.TrimPrefix(f.Path, "data/") }

// linkFile makes name a link to a data file, unless it is one as far as its size
// tells. Of a file that cannot be linked it says what is wrong with it.
func (p *publisher) linkFile(f lake.File, name string) error {
	if harm := p.damage[f.Path]; harm != nil {
		return p.linkDamaged(f, name, harm)
	}
	info, err := p.root.Lstat(name)
	if err == nil && info.Size() == f.Bytes && f.Damaged == "" {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	check := p.lake.CheckSize
	if err == nil { // it was found damaged before, by its content perhaps
		check = p.lake.Check
	}
	err = check(f)
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
	name := path.Join(folder, t.Name, partition, "empty.parquet")
	if _, err := p.root.Lstat(name); err == nil {
		return nil
	}
	if err := p.root.MkdirAll(path.Dir(name), dirMode); err != nil {
		return err
	}
	return p.write(name, func(f *os.File) error { return lake.WriteRows(f, t) })
}

// write writes a file under a temporary name and renames it.
func (p *publisher) write(name string, content func(*os.File) error) error {
	temporary := path.Join(path.Dir(name), "."+path.Base(name))
	if err := p.root.RemoveAll(temporary); err != nil {
		return err
	}
	f, err := p.root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, publishedMode)
	if err != nil {
		return err
	}
	err = content(f)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return p.root.Rename(temporary, name)
}

func (p *publisher) writeText(name, text string) error {
	return p.write(name, func(to *os.File) error {
		_, err := to.WriteString(text)
		return err
	})
}

// describe adds the database, the codebook and views.sql. The latter comes
// last and is compared first: while it is missing or different the others may be.
func (p *publisher) describe(ctx context.Context) error {
	fault.Point("snapshot.folder_renamed")
	name := path.Join(p.folder, viewsName)
	if old, err := p.root.ReadFile(name); err == nil && string(old) == viewsScript(p.manifest, p.damage) && p.described() {
		return nil
	}
	if err := p.writeDatabase(ctx); err != nil {
		return err
	}
	fault.Point("snapshot.database_built")
	err := p.write(path.Join(p.folder, codebookName), func(f *os.File) error { return writeCodebook(f) })
	if err != nil {
		return err
	}
	return p.writeText(name, viewsScript(p.manifest, p.damage))
}

// described reports whether the database and the codebook are there.
func (p *publisher) described() bool {
	for _, name := range []string{databaseName, codebookName} {
		if info, err := p.root.Lstat(path.Join(p.folder, name)); err != nil || info.Size() == 0 {
			return false
		}
	}
	return true
}

// point makes latest a link to the folder.
func (p *publisher) point(context.Context) error {
	fault.Point("snapshot.described")
	if old, err := p.root.Readlink(latestName); err == nil && old == p.folder {
		return nil
	}
	temporary := "." + latestName
	if err := p.root.RemoveAll(temporary); err != nil {
		return err
	}
	if err := p.root.Symlink(p.folder, temporary); err != nil {
		return err
	}
	fault.Point("snapshot.latest_staged")
	return p.root.Rename(temporary, latestName)
}

// keepFor is how long a folder outlives its successor, for those who opened
// its database and go on reading. Links cost next to nothing.
const keepFor = 24 * time.Hour

// prune removes the folders that are older than keepFor, but not the one
// before this. Those that knew other withdrawals, and so may show rows that are
// not the study's, it removes at once, whoever reads there; so it does where the
// manifest is damaged and nobody can tell. A manifest that cannot be read at the
// moment is an error.
func (p *publisher) prune(context.Context) error {
	fault.Point("snapshot.latest_renamed")
	older, err := p.olderFolders()
	if err != nil {
		return err
	}
	for i, n := range older {
		m, err := p.lake.Manifest(n)
		if damage := (*lake.DamageError)(nil); err != nil && !errors.As(err, &damage) {
			return err
		}
		if err == nil && p.sameWithdrawals(m) && (i == len(older)-1 || p.manifest.CreatedAt.Sub(m.CreatedAt) < keepFor) {
			continue
		}
		if err := p.root.RemoveAll(folderOf(n)); err != nil {
			return err
		}
	}
	return nil
}

// sameWithdrawals reports whether m knew the withdrawals that this snapshot does.
func (p *publisher) sameWithdrawals(m lake.Manifest) bool {
	return slices.EqualFunc(m.TableFiles("withdrawals"), p.manifest.TableFiles("withdrawals"),
		func(a, b lake.File) bool { return a.Path == b.Path })
}

// olderFolders lists the snapshots before this one that have a folder, oldest
// first.
func (p *publisher) olderFolders() (older []int64, err error) {
	entries, err := fs.ReadDir(p.root.FS(), snapshotDir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		var n int64
		if _, err := fmt.Sscanf(e.Name(), "%d", &n); err != nil || path.Base(folderOf(n)) != e.Name() {
			continue
		}
		if n < p.manifest.Snapshot {
			older = append(older, n)
		}
	}
	slices.Sort(older)
	return older, nil
}
