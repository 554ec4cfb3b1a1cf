package lake

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tagged commits a snapshot and gives it a name.
func tagged(t testing.TB, l *Lake, name string) Tag {
	t.Helper()
	m := finish(t, l.Begin(current(t, l)))
	sum, _, err := l.ManifestSHA256(m.ID())
	if err != nil {
		t.Fatal(err)
	}
	tag := Tag{Format: TagFormat, Name: name, Snapshot: m.ID().String(), ManifestSHA256: sum, Reason: "paper", CreatedAt: time.Unix(1, 0).UTC(), Program: "test", MetricsVersion: "3"}
	if err := l.PutTag(tag, false); err != nil {
		t.Fatalf("PutTag(%s): %v", name, err)
	}
	return tag
}

// A tag is what it was made, and gone when it is dropped.
func TestTags(t *testing.T) {
	l := locked(t)
	if tags, err := l.Tags(); err != nil || len(tags) > 0 {
		t.Fatalf("Tags of a new lake: %v, %v", tags, err)
	}
	paper := tagged(t, l, "Paper-1")
	other := tagged(t, l, "arm.B")
	if tags, err := l.Tags(); err != nil || len(tags) != 2 || tags[0] != other || tags[1] != paper {
		t.Errorf("Tags: %v, %v, want %v and %v", tags, err, other, paper)
	}
	if got, err := l.Tag("paper-1"); err != nil || got != paper {
		t.Errorf("Tag(paper-1) = %v, %v, want %v", got, err, paper)
	}
	if m, err := l.Tagged(paper); err != nil || m.Snapshot != 1 {
		t.Errorf("Tagged: snapshot %d, %v", m.Snapshot, err)
	}
	if st, err := l.dir.Stat(tagPath("Paper-1")); err != nil || st.Mode()&0o222 != 0 {
		t.Errorf("%v, %v: want nobody to write it", st.Mode(), err)
	}
	if err := l.DropTag("PAPER-1"); err != nil {
		t.Fatalf("DropTag: %v", err)
	}
	if _, err := l.Tag("Paper-1"); !isA[*NoTagError](err) {
		t.Errorf("Tag after DropTag: %v", err)
	}
	if err := l.DropTag("Paper-1"); !isA[*NoTagError](err) {
		t.Errorf("DropTag again: %v", err)
	}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// What is no name, or is taken, makes no tag, and nobody makes one without the lock.
func TestTagRefused(t *testing.T) {
	l := locked(t)
	tag := tagged(t, l, "paper")
	for _, name := range []string{"", "1", "latest", "LAST", "a b", "a/b", "..", "-x", strings.Repeat("a", 65), "é", "a\n"} {
		bad := tag
		if bad.Name = name; !isA[*TagNameError](l.PutTag(bad, false)) {
			t.Errorf("PutTag(%q) did not refuse the name", name)
		}
	}
	again := tag
	again.Name, again.Reason = "Paper", "another"
	if err := l.PutTag(again, false); !isA[*TagTakenError](err) {
		t.Errorf("PutTag over another: %v", err)
	}
	if err := (&Guard{l}).Unlock(); err != nil {
		t.Fatal(err)
	}
	again.Name = "more"
	if err := errors.Join(l.PutTag(again, false), l.DropTag("paper")); !errors.Is(err, ErrNotLocked) {
		t.Errorf("without the lock: %v", err)
	}
	if got, err := l.Tag("paper"); err != nil || got != tag {
		t.Errorf("afterwards: %v, %v", got, err)
	}
}

// A tag that cannot be read, and one whose manifest is another, are damage.
func TestTagDamaged(t *testing.T) {
	l := locked(t)
	tag := tagged(t, l, "paper")
	wrong := tag
	wrong.Name, wrong.ManifestSHA256 = "wrong", strings.Repeat("0", 64)
	if err := l.PutTag(wrong, false); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Tagged(wrong); !isA[*DamageError](err) {
		t.Errorf("Tagged, of another manifest: %v", err)
	}
	name := filepath.Join(l.Path(), tagPath("paper"))
	content, _ := os.ReadFile(name)
	for what, text := range map[string]string{
		"cut": string(content[:len(content)/2]), "empty": "", "of another": strings.Replace(string(content), `"paper"`, `"other"`, 1),
		"of another program": strings.Replace(string(content), `"program": "test"`, `"program": "tesu"`, 1),
		"of nothing":         strings.Replace(string(content), `"snapshot": "1"`, `"snapshot": "x"`, 1),
	} {
		if err := errors.Join(os.RemoveAll(name), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		if tags, err := l.Tags(); !isA[*DamageError](err) || len(tags) != 1 || tags[0] != wrong {
			t.Errorf("Tags, with one %s: %v, %v; want the other one", what, tags, err)
		}
		if got, err := l.Tag("wrong"); err != nil || got != wrong {
			t.Errorf("Tag(wrong), beside one %s: %v, %v", what, got, err)
		}
		if err := l.DropTag("Paper"); err != nil {
			t.Errorf("DropTag of one %s: %v", what, err)
		}
		if _, err := l.Tag("paper"); !isA[*NoTagError](err) {
			t.Errorf("Tag of one %s, after DropTag: %v", what, err)
		}
	}
	other, err := Sealed(map[string]any{"format": TagFormat + 1, "program": "test"})
	if err = errors.Join(err, os.WriteFile(name, other, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Tags(); !isA[*DamageError](err) {
		t.Errorf("Tags, with another file in the place of one: %v", err)
	}
	newer, err := Sealed(Tag{Format: TagFormat + 1, Name: "paper", Snapshot: "1"})
	if err = errors.Join(err, os.WriteFile(name, newer, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Tags(); !isA[*VersionError](err) {
		t.Errorf("Tags, with one of a newer format: %v", err)
	}
	if err := l.DropTag("paper"); !isA[*VersionError](err) {
		t.Errorf("DropTag of one of a newer format: %v", err)
	}
}

// Two tags of one manifest that is lost are both named: dropping one alone helps nobody.
func TestLostManifestNamesItsTags(t *testing.T) {
	l := locked(t)
	paper, _ := tagged(t, l, "paper-1"), tagged(t, l, "other")
	second := paper
	second.Name = "paper-2"
	if err := l.PutTag(second, false); err != nil {
		t.Fatal(err)
	}
	if err := l.dir.Remove(paper.ID().path()); err != nil {
		t.Fatal(err)
	}
	_, err := l.Tagged(second)
	lost, ok := errors.AsType[*TaggedLossError](err)
	if !ok || len(lost.Tags) != 2 || lost.Tags[0].Name != "paper-1" || !strings.Contains(err.Error(), "paper-1 and paper-2") {
		t.Errorf("Tagged: %v", err)
	}
}
