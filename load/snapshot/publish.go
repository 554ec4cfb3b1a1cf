package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

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
	emptyName    = "empty.parquet"

	dirMode       fs.FileMode = 0o750
	publishedMode fs.FileMode = 0o444
)

// Publish builds the folder of the newest snapshot, m, if it is not there, lacks something
// or was made by a program with other views, and points latest to it. Then it removes the
// folders before the last one to which latest led more than a day ago, but for those of
// snapshots that are tagged or that somebody opened, and all that were made before a
// withdrawal. The load lock must be held. In the place of a damaged data
// file stands one that says so, which nobody takes for Parquet, and the view of its
// table fails. It returns those files. An empty lake, the zero Manifest, has no latest.
// With computes the tables that depend on the order of readings; nil: they are empty.
func Publish(ctx context.Context, l *lake.Lake, m lake.Manifest, with Compute) ([]*lake.DamageError, error) {
	if m.Snapshot == 0 {
		return nil, nil
	}
	p := publisher{lake: l, root: l.Root(), manifest: m, folder: folderOf(m.Snapshot), damage: make(damage), with: with}
	if latest, err := p.root.OpenRoot(latestName); err == nil {
		p.latest = latest
		defer latest.Close()
	}
	for _, step := range []func(context.Context) error{p.link, p.compute, p.describe, p.sumUp, p.point, p.prune} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("folder of snapshot %d: %w", m.Snapshot, l.InTheWay(OfDisk(l.Path(), err)))
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

// tables lists the tables that are shown, those of the study first: rows of others may
// be told by them (see older). Those that are computed come last.
func tables() []transform.Table {
	var study, others []transform.Table
	for _, t := range transform.Tables() {
		switch {
		case t.Hidden:
		case t.Kind == transform.Study:
			study = append(study, t)
		default:
			others = append(others, t)
		}
	}
	return slices.Concat(study, others, Computed())
}

// A publisher builds one folder.
type publisher struct {
	lake     *lake.Lake
	root     *os.Root
	manifest lake.Manifest
	folder   string
	latest   *os.Root // the folder that latest is; nil: there is none
	damage   damage   // found while linking
	made     bool     // something was computed or described
	with     Compute
}

// within does something in a folder of the lake, which it makes if it is not there.
func (p *publisher) within(folder string, do func(*os.Root) error) error {
	if err := p.root.MkdirAll(folder, dirMode); err != nil {
		return err
	}
	root, err := p.root.OpenRoot(folder)
	if err != nil {
		return err
	}
	return errors.Join(do(root), root.Close())
}

// describe adds the database, the codebook and views.sql. The latter comes
// last and is compared first: while it is missing or different the others may be.
func (p *publisher) describe(ctx context.Context) error {
	fault.Point("snapshot.folder_renamed")
	book := WholeCodebook()
	return p.within(p.folder, func(to *os.Root) error {
		if holds(to, viewsName, p.script()) && holds(to, codebookName, book) && p.hasDatabase() {
			return nil
		}
		if err := p.willMake(); err != nil {
			return err
		}
		if err := p.writeDatabase(ctx); err != nil {
			return err
		}
		fault.Point("snapshot.database_built")
		if err := p.put(to, codebookName, book); err != nil {
			return err
		}
		return p.put(to, viewsName, p.script())
	})
}

func (p *publisher) hasDatabase() bool {
	info, err := p.root.Lstat(path.Join(p.folder, databaseName))
	return err == nil && info.Size() > 0
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
