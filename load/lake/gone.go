package lake

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
)

// GoneFile is where a lake accounts for manifests that were removed; it is there once one
// was.
const GoneFile = "gone.json"

const goneFormat = 1

// Why a manifest is gone.
const (
	GoneCollected = "gc"     // nothing kept it
	GoneErased    = "erased" // it had rows that had to go for good
	GoneUnknown   = "lost"   // whatever said so was damaged or gone
)

// Gone accounts for the manifests that were removed: of every number up to the newest
// there is a manifest, or it is here, or it is lost. It ends with a checksum of itself,
// as manifests do.
type Gone struct {
	Format int         `json:"format"`
	Ranges []GoneRange `json:"gone"` // in order, none beside another of the same reason

	// Removing are the manifests that a removal was about to take away when it wrote this,
	// until it came to its end: whoever takes the lock next ends it, or takes back what is
	// still there of what was not erased.
	Removing []string `json:"removing,omitempty"`
}

// A GoneRange is numbers without a manifest, both ends included.
type GoneRange struct {
	First int64     `json:"first"`
	Last  int64     `json:"last"`
	Why   string    `json:"why"`
	At    time.Time `json:"at"` // when the last of them went
}

// Of returns the range that has a number.
func (g Gone) Of(n int64) (GoneRange, bool) {
	i := slices.IndexFunc(g.Ranges, func(r GoneRange) bool { return r.First <= n && n <= r.Last })
	if i < 0 {
		return GoneRange{}, false
	}
	return g.Ranges[i], true
}

// add accounts for a number.
func (g *Gone) add(n int64, why string, at time.Time) {
	if _, known := g.Of(n); known {
		return
	}
	i, _ := slices.BinarySearchFunc(g.Ranges, n, func(r GoneRange, n int64) int { return int(r.First - n) })
	g.Ranges = slices.Insert(g.Ranges, i, GoneRange{n, n, why, at})
	g.join(i)
	if i > 0 {
		g.join(i - 1)
	}
}

// join makes one of a range and the one behind it, if they are beside each other and of
// one reason.
func (g *Gone) join(i int) {
	if i+1 >= len(g.Ranges) {
		return
	}
	a, b := g.Ranges[i], g.Ranges[i+1]
	if a.Last+1 != b.First || a.Why != b.Why {
		return
	}
	at := a.At
	if b.At.After(at) {
		at = b.At
	}
	g.Ranges = slices.Replace(g.Ranges, i, i+2, GoneRange{a.First, b.Last, a.Why, at})
}

// takeBack accounts for a manifest as there. A number that was issued again stays gone.
func (g *Gone) takeBack(id ID) {
	if id.Issue == 0 {
		g.forget(id.Number)
	}
}

// erased reports whether a manifest had rows that had to go for good. Of one that was
// issued again nobody can tell: an erasure that was interrupted removes it anew.
func (g Gone) erased(id ID) bool {
	r, _ := g.Of(id.Number)
	return id.Issue == 0 && r.Why == GoneErased
}

// forget takes a number back: its manifest stays.
func (g *Gone) forget(n int64) {
	var left []GoneRange
	for _, r := range g.Ranges {
		if n < r.First || n > r.Last {
			left = append(left, r)
			continue
		}
		if r.First < n {
			left = append(left, GoneRange{r.First, n - 1, r.Why, r.At})
		}
		if n < r.Last {
			left = append(left, GoneRange{n + 1, r.Last, r.Why, r.At})
		}
	}
	g.Ranges = left
}

// HasGone reports whether the lake has that file.
func (l *Lake) HasGone() bool {
	_, err := l.dir.Lstat(GoneFile)
	return err == nil
}

// Gone tells which manifests were removed. If nobody can tell, it is a *DamageError.
func (l *Lake) Gone() (g Gone, err error) {
	g, err = l.readGone()
	if err != nil {
		return g, err
	}
	ids, err := l.IDs()
	if undamaged(err) != nil && !errors.Is(err, fs.ErrNotExist) {
		return g, err
	}
	return g, l.addReissued(&g, ids)
}

// addReissued accounts for the numbers whose manifests were issued again and are not there: an
// erasure took them away, whatever the file says, which may be older than that.
func (l *Lake) addReissued(g *Gone, ids []ID) error {
	for _, id := range ids {
		if id.Issue == 0 || l.HasManifest(id.Number) {
			continue
		}
		info, err := l.dir.Stat(id.path())
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return fmt.Errorf("removed snapshots: %w", err)
		}
		g.add(id.Number, GoneErased, info.ModTime().UTC().Truncate(time.Second))
	}
	return nil
}

// readGone reads the file alone.
func (l *Lake) readGone() (g Gone, err error) {
	content, err := l.readFile(GoneFile)
	if errors.Is(err, fs.ErrNotExist) {
		return g, nil
	}
	if err != nil {
		return g, fmt.Errorf("removed snapshots: %w", err)
	}
	if err := sealUnbroken(content); err != nil {
		return g, &DamageError{GoneFile, err}
	}
	var members map[string]any
	if err := errors.Join(jsonv2.Unmarshal(content, &members), jsonv2.Unmarshal(content, &g)); err != nil {
		return Gone{}, &DamageError{GoneFile, err}
	}
	if _, is := members["gone"]; !is { // every format has it
		return Gone{}, &DamageError{GoneFile, errors.New("it is another file")}
	}
	if g.Format > goneFormat {
		return g, &VersionError{GoneFile, "", g.Format, goneFormat, ""}
	}
	return g, nil
}

// GoneAnew writes anew which manifests were removed, where that cannot be read: every
// number below the newest that has none, for reasons that nobody knows any more. What a
// tag names was not removed: it is lost. The load lock must be held.
func (l *Lake) GoneAnew() error {
	if l.held == nil {
		return ErrNotLocked
	}
	all, err := l.IDs()
	if err != nil {
		return err
	}
	tags, err := l.Tags()
	if undamaged(err) != nil {
		return err
	}
	var g Gone
	next := int64(1)
	for _, id := range all {
		for ; next < id.Number; next++ {
			tagged := slices.ContainsFunc(tags, func(t Tag) bool { return t.ID() == ID{Number: next} })
			if !l.HasManifest(next) && !l.IsAside(next) && !tagged {
				g.add(next, GoneUnknown, l.now().Truncate(time.Second))
			}
		}
	}
	if err := l.addReissued(&g, all); err != nil {
		return err
	}
	return l.putGone(g)
}

// putGone writes it, durably.
func (l *Lake) putGone(g Gone) error {
	g.Format = goneFormat
	content, err := Sealed(g)
	if err != nil {
		return err
	}
	return l.place("gone", GoneFile, content)
}
