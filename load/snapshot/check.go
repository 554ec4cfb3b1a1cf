//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
)

// CheckFolder finds what in the folder of snapshot m is not what was put there: links to
// the data files of the manifest, and files by their sums. A link that is the data file
// itself is not read. A snapshot without a folder has nothing to check. Publish mends it,
// once the folder is gone.
func CheckFolder(ctx context.Context, l *lake.Lake, m lake.Manifest) (found []*lake.DamageError, err error) {
	root, err := l.Root().OpenRoot(folderOf(m.Snapshot))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("folder of snapshot %d: %w", m.Snapshot, l.Placed(folderOf(m.Snapshot), true, err))
	}
	defer root.Close()
	p := publisher{lake: l, root: l.Root(), manifest: m, folder: folderOf(m.Snapshot)}
	harm := func(name string, err error) {
		found = append(found, &lake.DamageError{Path: path.Join(p.folder, name), Err: err})
	}
	for _, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !shown(f.Table) || f.Damaged != "" {
			continue // of a damaged one the folder has a text
		}
		if err := p.checkLink(root, f); err != nil {
			harm(linkName(f), err)
		}
	}
	if there, err := p.has(path.Join(p.folder, sumsName)); err == nil && there && !holds(root, sumsName, listed(m)) {
		harm(sumsName, errors.New("its content is not what was put there"))
	}
	return found, p.checkDerived(ctx, root, harm)
}

// checkLink holds a link against the data file. Where that is damaged, a text stands in
// its place.
func (p *publisher) checkLink(root *os.Root, f lake.File) error {
	info, err := root.Lstat(linkName(f))
	if err != nil {
		return unjoined(err)
	}
	data, err := p.root.Lstat(f.Path)
	if err == nil && os.SameFile(info, data) {
		return nil
	}
	if p.lake.CheckSize(f) != nil {
		return nil // found already
	}
	return holdAgainst(root, linkName(f), f.SHA256)
}

func holdAgainst(root *os.Root, name, want string) error {
	sum, err := sumOf(root, name)
	if err != nil {
		return unjoined(err)
	}
	if sum != want {
		return errors.New("its content is not what was put there")
	}
	return nil
}

// unjoined is an error of a file without its name. A file above it is damage of its own.
func unjoined(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fs.ErrNotExist
	case errors.Is(err, syscall.EISDIR):
		return &durable.KindError{Folder: true}
	}
	return err
}

// checkDerived holds the other files against their sums. A folder of an older program has
// none; then nothing is said of them.
func (p *publisher) checkDerived(ctx context.Context, root *os.Root, harm func(string, error)) error {
	known, err := readSums(root)
	if err != nil {
		harm(derivedName, err)
		return nil
	}
	if known == nil {
		// A program that names parents' sums, or keeps days, writes them before latest leads to the folder.
		if to, _ := p.root.Readlink(latestName); to == p.folder && (p.manifest.ParentSHA256 != "" || p.manifest.KeepsDays()) {
			harm(derivedName, fs.ErrNotExist)
		}
		return nil
	}
	names, err := p.derived(root)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if known[name] == "" {
			harm(name, errors.New("nobody put it there"))
		} else if err := holdAgainst(root, name, known[name]); err != nil {
			harm(name, err)
		}
		delete(known, name)
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		harm(name, fs.ErrNotExist)
	}
	return nil
}

// CheckLatest finds out whether latest is the folder of a snapshot, at most of m, which is
// the newest. That it lags behind is no damage: a run shows its commits at its end. So there
// is none yet during a first one, and none in a copy without any folder.
func CheckLatest(l *lake.Lake, m lake.Manifest) *lake.DamageError {
	to, err := l.Root().Readlink(latestName)
	if errors.Is(err, fs.ErrNotExist) && (loadedBesides(l) || showsNone(l)) {
		return nil
	}
	if n := l.Latest(); err == nil && (n > m.Snapshot || to != folderOf(n)) {
		err = fmt.Errorf("leads to %s, the newest snapshot is %d", to, m.Snapshot)
	}
	if err == nil {
		_, err = l.Root().Stat(to)
	}
	if err != nil {
		return &lake.DamageError{Path: latestName, Err: unjoined(err)}
	}
	return nil
}

// showsNone reports whether no snapshot has a folder.
func showsNone(l *lake.Lake) bool {
	shown, err := l.Shown()
	return err == nil && len(shown) == 0
}

// loadedBesides reports whether another process loads.
func loadedBesides(l *lake.Lake) bool {
	who, held, err := l.Holder()
	return err == nil && held && who.PID != os.Getpid()
}

// A latestSums says of what latest computed whether it is as it was made, so that rows can be
// taken from there. It reads no more than what is asked for: what is linked whole keeps the
// sum that it had, and is told by that.
type latestSums struct {
	folder *os.Root
	known  derivedSums // nil: nobody summed it up
}

// sumsOfLatest reads the sums of latest; an error: nobody can tell of any file.
func (p *publisher) sumsOfLatest() (s latestSums, err error) {
	if p.latest == nil {
		return s, nil
	}
	s.folder = p.latest
	s.known, err = readSums(p.latest)
	return s, err
}

// sound reports whether a file is as it was made. Where nobody summed it up it is.
func (s latestSums) sound(name string) bool {
	sum := s.known[name]
	return sum == "" || holdAgainst(s.folder, name, sum) == nil
}

// CheckViews asks each table and view of snapshot m in a session within the limits, and
// returns how many there are: for its columns, which takes no more than the heads of files,
// or for a row, which views compute of all. Too large are those that need more memory for a
// row than there may be: that says nothing of their files. The error names those that do
// not answer.
func CheckViews(ctx context.Context, l *lake.Lake, m lake.Manifest, within Limits, forRows bool) (asked int, tooLarge []string, err error) {
	if !forRows && filesAsTold(ctx, l, m, within) {
		return len(toldRelations()), nil, nil
	}
	db, err := Open(ctx, l, m, nil, within)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var failed []error
	for _, r := range toldRelations() {
		err := askOne(ctx, db, r.name, forRows)
		if said, ok := errors.AsType[*duckdb.Error](err); ok && said.Type == duckdb.ErrorTypeOutOfMemory {
			tooLarge = append(tooLarge, r.name)
		} else if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", r.name, err))
		}
		asked++
	}
	return asked, tooLarge, errors.Join(failed...)
}

// filesAsTold reports whether all that reads files has the columns that this program knows of
// it. Whether a view answers for its columns depends on nothing else: its text is this
// program's. To bind them all takes most of a verify.
func filesAsTold(ctx context.Context, l *lake.Lake, m lake.Manifest, within Limits) bool {
	all := slices.DeleteFunc(toldRelations(), func(r told) bool {
		return r.kind == "view" && r.name != views.Days && r.name != sensorSessions.name
	})
	reads := func(name string) bool { return slices.ContainsFunc(all, func(r told) bool { return r.name == name }) }
	db, err := open(ctx, l, m, nil, within, reads)
	if err != nil {
		return false // whoever asks each tells why
	}
	defer db.Close()
	return !slices.ContainsFunc(all, func(r told) bool { return !r.asTold(ctx, db) })
}

// asTold reports whether a relation has those columns, of those types.
func (r told) asTold(ctx context.Context, db *sql.DB) bool {
	rows, err := db.QueryContext(ctx, "select * from "+qualified(r.name)+" limit 0")
	if err != nil {
		return false
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	return err == nil && rows.Err() == nil && slices.EqualFunc(types, r.columns, func(is *sql.ColumnType, told toldColumn) bool {
		return is.Name() == told.name && strings.EqualFold(is.DatabaseTypeName(), told.kind)
	})
}

func askOne(ctx context.Context, db *sql.DB, name string, forRows bool) error {
	rows, err := db.QueryContext(ctx, fmt.Sprintf("select * from %s limit %d", qualified(name), map[bool]int{true: 1}[forRows]))
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}
