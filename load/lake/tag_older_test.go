package lake

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// issued commits a snapshot and tags it, as issues say what it is of: each stands for the one
// before, which is erased then. It returns the tag as it was on each, and is on the last.
func issued(t *testing.T, l *Lake, issues int) (tags []Tag) {
	t.Helper()
	tags = append(tags, tagged(t, l, "paper"))
	grown(t, l, 1)
	for range issues {
		was := tags[len(tags)-1]
		m, err := l.Tagged(was)
		if err == nil {
			m, err = l.Begin(m).Reissue(t.Context(), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		now := was
		now.Snapshot = m.ID().String()
		now.ManifestSHA256, _, err = l.ManifestSHA256(m.ID())
		if err == nil {
			err = l.PutTag(now, true)
		}
		if err == nil {
			_, err = l.Remove([]ID{was.ID()}, GoneErased, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		tags = append(tags, now)
	}
	return tags
}

// A tag as it was before one erasure or two is told from the one that it is, and put where it
// was; nothing takes it for one that keeps nothing.
func TestOlderTag(t *testing.T) {
	for issues := range 4 {
		l := locked(t)
		tags := issued(t, l, issues)
		last := tags[issues]
		for _, was := range tags {
			if err := l.PutTag(was, true); err != nil {
				t.Fatal(err)
			}
			_, err := l.Tagged(was)
			older, is := errors.AsType[*OlderTagError](err)
			if is != (was.ID() != last.ID()) || is && (older.Now != last.ID() || !older.Known()) {
				t.Errorf("issue %d of %d: %v", was.ID().Issue, issues, err)
			}
			if harm, _ := errors.AsType[*DamageError](err); is && harm.Path != was.Path() {
				t.Errorf("issue %d of %d is damage of %s", was.ID().Issue, issues, harm.Path)
			}
			gone, err := l.Gone()
			if err != nil || l.KeepsNothing(was, gone) {
				t.Errorf("issue %d of %d: %v; it keeps nothing", was.ID().Issue, issues, err)
			}
			now, renewed, err := l.RenewTag(was)
			if err != nil || renewed != is || now.Snapshot != last.Snapshot || now.ManifestSHA256 != last.ManifestSHA256 {
				t.Errorf("issue %d of %d: renewed %v, %+v, %v", was.ID().Issue, issues, renewed, now, err)
			}
			if put, err := l.Tag(was.Name); err != nil || put != last {
				t.Errorf("issue %d of %d: the tag is %+v, %v; want %+v", was.ID().Issue, issues, put, err, last)
			}
		}
	}
}

// What a tag is on that is older than an erasure may be damaged, or gone: then nobody puts it
// anywhere, and it keeps nothing only if no erasure took its snapshot.
func TestOlderTagLost(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(l *Lake, file string) error
		path string // of the damage; "": a damage of another kind
	}{
		"damaged": {func(l *Lake, file string) error { return os.Truncate(file, 9) }, "manifests/000000000001e1.json"},
		"gone":    {func(_ *Lake, file string) error { return os.Remove(file) }, "tags/paper.json"},
		"of another": {func(l *Lake, file string) error {
			m, err := l.ManifestOf(ID{Number: 1, Issue: 1})
			m.Replaces = "another"
			content, e := encodeManifest(m)
			return errors.Join(err, e, os.Remove(file), os.WriteFile(file, content, 0o600))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := locked(t)
			was := issued(t, l, 1)[0]
			if err := l.PutTag(was, true); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(l.Path(), ID{Number: 1, Issue: 1}.path())
			if err := errors.Join(os.Chmod(file, 0o600), c.harm(l, file)); err != nil {
				t.Fatal(err)
			}
			_, err := l.Tagged(was)
			older, is := errors.AsType[*OlderTagError](err)
			harm, _ := errors.AsType[*DamageError](err)
			if is != (c.path != "") || is && (older.Known() || harm.Path != c.path) || harm == nil {
				t.Errorf("Tagged: %v", err)
			}
			gone, err := l.Gone()
			if err != nil || l.KeepsNothing(was, gone) {
				t.Errorf("it keeps nothing, %v", err)
			}
			if _, renewed, err := l.RenewTag(was); renewed || undamaged(err) != nil {
				t.Errorf("renewed %v, %v", renewed, err)
			}
			if awaited, err := l.awaitsManifest(); !awaited || err != nil {
				t.Errorf("nothing is awaited, %v", err)
			}
		})
	}
	l := locked(t)
	was := tagged(t, l, "paper")
	grown(t, l, 1)
	if _, err := l.Remove([]ID{was.ID()}, GoneCollected, nil); err != nil {
		t.Fatal(err)
	}
	if gone, err := l.Gone(); err != nil || !l.KeepsNothing(was, gone) {
		t.Errorf("a tag of what was collected keeps something, %v", err)
	}
}
