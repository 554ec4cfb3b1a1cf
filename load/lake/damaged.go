package lake

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// damagedDir has a mark for each snapshot that was found damaged, and the manifests that
// were set aside.
const damagedDir = "damaged"

// A Mark says what of a snapshot was found damaged. It is for people and for whoever asks
// why a number is missing: files are looked at themselves, and may be whole again.
type Mark struct {
	Format   int           `json:"format"`
	Snapshot int64         `json:"snapshot"`
	Manifest string        `json:"manifest,omitempty"` // why its manifest was set aside; empty: it was not
	Files    []DamagedFile `json:"files,omitempty"`    // by path
	FoundAt  time.Time     `json:"found_at"`
	Program  string        `json:"program"` // version of dexetl that found it
}

// A DamagedFile is a data file and what is wrong with it.
type DamagedFile struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// NumberOf is the snapshot whose manifest, as it was committed, lies at a path from the
// lake's folder.
func NumberOf(manifest string) (int64, bool) {
	id, ok := idOf(path.Base(manifest))
	return id.Number, ok && id.Issue == 0 && path.Dir(manifest) == manifestDir
}

func markPath(n int64) string { return fmt.Sprintf("%s/%012d.json", damagedDir, n) }

func asidePath(n int64) string { return fmt.Sprintf("%s/%012d.manifest", damagedDir, n) }

// Mark is what is known to be damaged of snapshot n; the zero Mark if nothing is.
func (l *Lake) Mark(n int64) (m Mark, err error) {
	content, err := l.readFile(markPath(n))
	if errors.Is(err, fs.ErrNotExist) {
		return Mark{}, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &m)
	}
	if err != nil {
		return Mark{}, fmt.Errorf("mark of damage: %w", &DamageError{markPath(n), err})
	}
	return m, nil
}

// IsAside reports whether the manifest of snapshot n was damaged and set aside.
func (l *Lake) IsAside(n int64) bool {
	m, err := l.Mark(n)
	return err == nil && m.Manifest != ""
}

// AsideAfter reports whether the manifest of a snapshot after n was set aside.
func (l *Lake) AsideAfter(n int64) (bool, error) {
	marked, err := l.inDamaged(".json")
	return slices.ContainsFunc(marked, func(m int64) bool { return m > n && l.IsAside(m) }), err
}

// Accounted reports whether it is known of all numbers from one to another why they have no
// manifest: they were removed, or set aside. It is, if the second is the smaller one.
func (l *Lake) Accounted(gone Gone, from, to int64) bool {
	for ; from <= to; from++ {
		if r, removed := gone.Of(from); removed {
			from = r.Last
		} else if !l.IsAside(from) {
			return false
		}
	}
	return true
}

// asideFiles lists the snapshots whose damaged manifests lie in damaged, in no order.
func (l *Lake) asideFiles() ([]int64, error) { return l.inDamaged(".manifest") }

// inDamaged lists the snapshots of which damaged has such a file.
func (l *Lake) inDamaged(ext string) (numbers []int64, err error) {
	entries, err := l.readDir(damagedDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("damaged snapshots: %w", err)
	}
	for _, e := range entries {
		stem, ok := strings.CutSuffix(e.Name(), ext)
		if n, err := strconv.ParseInt(stem, 10, 64); err == nil && ok {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// Shown lists the snapshots that have a folder, in no order.
func (l *Lake) Shown() (numbers []int64, err error) {
	entries, err := l.readDir(snapshotDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	for _, e := range entries {
		if n, err := strconv.ParseInt(e.Name(), 10, 64); err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// SetMark makes m the mark of its snapshot, durably; one that says nothing removes it. The
// load lock must be held.
func (l *Lake) SetMark(m Mark) error {
	if l.held == nil {
		return ErrNotLocked
	}
	name := markPath(m.Snapshot)
	if m.Manifest == "" && len(m.Files) == 0 {
		err := l.dir.Remove(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return cmp.Or(err, l.syncDir(damagedDir))
	}
	slices.SortFunc(m.Files, func(a, b DamagedFile) int { return cmp.Compare(a.Path, b.Path) })
	m.Format, m.FoundAt = 1, l.now().Truncate(time.Second)
	content, err := json.MarshalIndent(m, "", " ")
	if err == nil {
		err = l.dir.MkdirAll(damagedDir, dirMode)
	}
	if err == nil {
		err = l.replace(name, append(content, '\n'))
	}
	if err != nil {
		return fmt.Errorf("mark of damage: %w", err)
	}
	return l.at("repair.marked")
}

// replace makes a file with content appear whole, in the place of what was there.
func (l *Lake) replace(name string, content []byte) error {
	temporary := path.Join(path.Dir(name), "."+path.Base(name))
	if err := l.dir.RemoveAll(temporary); err != nil {
		return err
	}
	err := l.create(temporary, func(f *os.File) error {
		_, err := f.Write(content)
		return err
	})
	if err != nil {
		return err
	}
	return cmp.Or(l.dir.Rename(temporary, name), l.syncDir(path.Dir(name)), l.syncDir("."))
}

// SetAside takes the manifest of snapshot n, which cannot be read, out of the lake: the one
// before it is the newest then, and its number stays taken. The load lock must be held.
func (l *Lake) SetAside(n int64, why, program string) error {
	if err := l.SetMark(Mark{Snapshot: n, Manifest: why, Program: program}); err != nil {
		return err
	}
	err := l.dir.Rename(manifestPath(n), asidePath(n))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := cmp.Or(err, l.at("repair.renamed"), l.syncDir(damagedDir), l.syncDir(manifestDir)); err != nil {
		return fmt.Errorf("manifest %d: %w", n, err)
	}
	return l.at("repair.aside")
}

// SetIssueAside takes a manifest that was issued again, cannot be read and has no tag out of
// the lake. Its number is accounted for as that of the one that it replaced. The load lock
// must be held.
func (l *Lake) SetIssueAside(id ID) error {
	if l.held == nil {
		return ErrNotLocked
	}
	err := l.makeDurably(damagedDir)
	if err == nil {
		err = l.dir.Rename(id.path(), path.Join(damagedDir, strings.TrimSuffix(path.Base(id.path()), ".json")+".manifest"))
	}
	if err := cmp.Or(err, l.syncDir(damagedDir), l.syncDir(manifestDir)); err != nil {
		return fmt.Errorf("manifest %s: %w", id, err)
	}
	return nil
}

// IssueOf is the manifest at a path from the lake's folder, if it is one that was issued
// again.
func IssueOf(manifest string) (ID, bool) {
	id, ok := idOf(path.Base(manifest))
	return id, ok && id.Issue > 0 && path.Dir(manifest) == manifestDir
}

// Aside are the paths, from the lake's folder, of what was set aside: manifests, and files and
// folders that stood in the place of another kind.
func (l *Lake) Aside() (paths []string, err error) {
	entries, err := l.readDir(damagedDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("damaged snapshots: %w", err)
	}
	for _, e := range entries {
		if name := path.Join(damagedDir, e.Name()); IsAside(name) {
			paths = append(paths, name)
		}
	}
	return paths, nil
}

// IsAside reports whether a path, from the lake's folder, is of what was set aside, or in it.
func IsAside(file string) bool {
	name, below := strings.CutPrefix(file, damagedDir+"/")
	stem, isMark := strings.CutSuffix(name, ".json")
	_, err := strconv.ParseInt(strings.TrimPrefix(stem, "."), 10, 64)
	return below && !(isMark && err == nil)
}

// RemoveAside removes what was set aside, durably. Marks of manifests stay, which keep the
// numbers taken. The load lock must be held.
func (l *Lake) RemoveAside(paths []string) error {
	if l.held == nil {
		return ErrNotLocked
	}
	for _, name := range paths {
		if err := l.dir.RemoveAll(name); err != nil {
			return fmt.Errorf("damaged snapshots: %w", err)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	return l.syncDir(damagedDir)
}

// beyond is the first number from next on that no snapshot ever had: those of manifests that
// were set aside, removed or reserved are not given again.
func (l *Lake) beyond(next int64) (int64, error) {
	entries, err := l.readDir(damagedDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("damaged snapshots: %w", err)
	}
	for _, e := range entries {
		stem, _, _ := strings.Cut(e.Name(), ".")
		if n, err := strconv.ParseInt(stem, 10, 64); err == nil {
			next = max(next, n+1)
		}
	}
	gone, err := l.Gone()
	if _, damaged := errors.AsType[*DamageError](err); damaged && next > 1 {
		return next, nil // it is reserved there only
	}
	for _, r := range gone.Ranges {
		next = max(next, r.Last+1)
	}
	return next, err
}
