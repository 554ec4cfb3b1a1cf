package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/table"
)

// A Tagged is a snapshot with a name.
type Tagged struct {
	lake.Tag
	Citation string // one line, for a paper
	Replaces string // SHA-256 of the manifests in whose place this one was issued, as replaces has it; "": none
	Folder   string // "": it has none, because it was issued again, or somebody has withdrawn since
	Fresh    bool   // the tag is new
}

// Tag gives the snapshot called which ("": the newest) a name, as long as which it stays.
// Given again for the same snapshot it does what an interruption left undone.
func (s *Study) Tag(ctx context.Context, name, which, reason string, wait time.Duration) (t Tagged, err error) {
	if !lake.IsTagName(name) {
		return t, &lake.TagNameError{Name: name}
	}
	if err := s.MayHandOver(ctx); err != nil {
		return t, err
	}
	err = s.Locked(ctx, wait, func(l *lake.Lake) error {
		m, err := OpenSnapshot(l, orLatest(which))
		if err == nil && m.Snapshot == 0 {
			err = s.emptyLake()
		}
		if err != nil {
			return err
		}
		if t.Tag, t.Fresh, err = s.keepTag(ctx, l, m, name, reason); err != nil {
			return err
		}
		t.Citation, t.Replaces = citation(s.Config.Study.ID, t.Tag, m), replaces(m)
		t.Folder, err = s.vouch(ctx, l, m)
		return err
	})
	return t, err
}

// keepTag makes the tag, unless it is there. What is damaged nobody can cite, so all of it
// is read.
func (s *Study) keepTag(ctx context.Context, l *lake.Lake, m lake.Manifest, name, reason string) (t lake.Tag, fresh bool, err error) {
	t, err = l.Tag(name)
	switch fresh = is[*lake.NoTagError](err); {
	case fresh:
	case err != nil:
		return t, false, err
	case t.ID() != m.ID():
		return t, false, &lake.TagTakenError{Tag: t}
	}
	if err := s.sound(ctx, l, m); err != nil {
		return t, false, err
	}
	if !fresh {
		_, err = l.Tagged(t)
		return t, false, err
	}
	sum, _, err := l.ManifestSHA256(m.ID())
	if err != nil {
		return t, false, err
	}
	t = lake.Tag{
		Format: lake.TagFormat, Name: name, Snapshot: m.ID().String(), ManifestSHA256: sum, Reason: reason, CreatedAt: s.Now().UTC().Truncate(time.Second),
		Program: s.Version, MetricsVersion: sql.MetricsVersion(),
	}
	if err := s.Store.Audit(ctx, state.Act{Subject: tagSubject, After: tagFields(t), Reason: reason}); err != nil {
		return t, false, err
	}
	return t, true, l.PutTag(t, false)
}

// sound reads all data files of m, and its folder, and returns the first damage that it
// finds. What is written anew whenever a snapshot is tagged is none.
func (s *Study) sound(ctx context.Context, l *lake.Lake, m lake.Manifest) error {
	defer s.Busy(Verifying)()
	for _, f := range m.Files {
		if err := cmp.Or(ctx.Err(), l.Check(f)); err != nil {
			return err
		}
	}
	if m.Reissue > 0 {
		return nil // it has no folder
	}
	found, err := snapshot.CheckFolder(ctx, l, m)
	for _, harm := range found {
		if err == nil && !snapshot.IsCitation(harm.Path) {
			err = harm
		}
	}
	return err
}

// tagSubject is that of audit lines about tags.
const tagSubject = "snapshot"

// tagFields are all of a tag: what its file had can be told if it is lost.
func tagFields(t lake.Tag) state.Fields {
	return state.Fields{
		"tag": t.Name, "snapshot": t.Snapshot, "manifest_sha256": t.ManifestSHA256,
		"created_at": t.CreatedAt.UTC().Format(time.RFC3339), "program": t.Program, "metrics_version": t.MetricsVersion,
	}
}

// vouch makes the folder of a tagged snapshot, with what it is cited by.
func (s *Study) vouch(ctx context.Context, l *lake.Lake, m lake.Manifest) (folder string, err error) {
	newest, err := l.Current()
	if err != nil || m.Reissue > 0 || !snapshot.SameWithdrawals(m, newest) {
		return "", err
	}
	lines, err := s.citations(l, m)
	if err != nil {
		return "", err
	}
	if err := snapshot.Vouch(ctx, l, m, ComputeSpans, lines); err != nil {
		return "", err
	}
	return snapshot.Folder(l, m.Snapshot)
}

// vouchAll is vouch for all that are tagged.
func (s *Study) vouchAll(ctx context.Context, l *lake.Lake) error {
	tags, err := l.Tags()
	if err != nil {
		return err
	}
	for _, t := range tags {
		m, err := l.Tagged(t)
		if err == nil {
			_, err = s.vouch(ctx, l, m)
		}
		if err != nil && !IsDamage(err) { // which verify tells
			return err
		}
	}
	return nil
}

// citations are the lines of all tags of a snapshot.
func (s *Study) citations(l *lake.Lake, m lake.Manifest) (lines []string, err error) {
	tags, err := l.Tags()
	for _, t := range tags {
		if t.ID() == m.ID() {
			lines = append(lines, citation(s.Config.Study.ID, t, m))
		}
	}
	return lines, err
}

// citation is that of a tagged snapshot.
func citation(study string, t lake.Tag, m lake.Manifest) string {
	return Citation{study, t.Snapshot, t.Name, m.CreatedAt, t.ManifestSHA256, t.Program, t.MetricsVersion}.String()
}

// A Citation is how a paper names a snapshot: everything that its digits depend on.
type Citation struct {
	Study                      string // empty: a configuration without study.id, as beside a lake alone
	Snapshot                   string
	Tag                        string    // empty: none
	CreatedAt                  time.Time // zero: not to be told
	Manifest, Program, Metrics string
}

func (c Citation) String() string {
	study, tag, at := "", "", ""
	if c.Study != "" {
		study = c.Study + ", "
	}
	if c.Tag != "" {
		tag = " (" + c.Tag + ")"
	}
	if !c.CreatedAt.IsZero() {
		at = " of " + c.CreatedAt.UTC().Format("2006-01-02T15:04:05Z")
	}
	return fmt.Sprintf("%ssnapshot %s%s%s, manifest SHA-256 %s, dexetl %s, metrics version %s",
		study, c.Snapshot, tag, at, c.Manifest, c.Program, c.Metrics)
}

// DropTag takes a name away from a snapshot, which the next collection may remove. Of a
// damaged tag, which goes as well, nothing but the name is known. One that the audit trail alone
// knows goes from there.
func (s *Study) DropTag(ctx context.Context, name string, wait time.Duration) (t lake.Tag, err error) {
	err = s.Locked(ctx, wait, func(l *lake.Lake) error {
		if t, err = s.droppable(ctx, l, name); err != nil {
			return err
		}
		if err := s.Store.Audit(ctx, state.Act{Subject: tagSubject, Before: tagFields(t)}); err != nil {
			return err
		}
		if err := l.DropTag(t.Name); err != nil && !is[*lake.NoTagError](err) {
			return err
		}
		m, err := l.ManifestOf(t.ID())
		if err != nil || m.Reissue > 0 {
			return undamaged(err)
		}
		lines, err := s.citations(l, m)
		if err != nil {
			return undamaged(err) // of another tag: the citation stays as it is
		}
		return snapshot.Cite(l, m, lines)
	})
	return t, err
}

// undamaged is nil for damage: a tag may go without its snapshot.
func undamaged(err error) error {
	if is[*lake.DamageError](err) {
		return nil
	}
	return err
}

// Locked does something in the study's lake with the load lock held, for which it waits
// so long. Where nothing was loaded yet, the error is an *EmptyLakeError.
func (s *Study) Locked(ctx context.Context, wait time.Duration, do func(*lake.Lake) error) error {
	if !s.hasLake() {
		return s.emptyLake()
	}
	l, err := lake.Open(s.LakePath())
	if err != nil {
		return err
	}
	defer l.Close()
	l.Now = s.Now
	guard, err := l.Lock(ctx, wait, lake.Holder{PID: os.Getpid(), Command: strings.Join(os.Args, " "), Since: s.Now()})
	if err != nil {
		return err
	}
	if err = s.sameStudy(ctx, l); err == nil {
		err = do(l)
	}
	return errors.Join(err, guard.Unlock())
}

// TagTable is the table of all tags, by name.
func (s *Study) TagTable() (table.Table, error) {
	t := table.Table{Schema: schemas.Tags().Schema(), Columns: schemas.Tags().Columns()}
	l, _, err := s.Newest()
	if err != nil {
		return t, err
	}
	defer l.Close()
	tags, err := l.Tags()
	for _, tag := range tags {
		m, err := l.Tagged(tag)
		if err != nil {
			return t, err
		}
		t.Rows = append(t.Rows, []any{tag.Name, tag.Snapshot, tag.CreatedAt, tag.Reason, tag.ManifestSHA256, citation(s.Config.Study.ID, tag, m), orNull(replaces(m))})
	}
	return t, err
}

// replaces are the SHA-256 of the manifests that m stands for, oldest first, with a space
// between: a paper may have that of any of them.
func replaces(m lake.Manifest) string { return strings.Join(m.Replaced(), " ") }

// tagsByID are the names of snapshots.
func tagsByID(l *lake.Lake) (map[lake.ID][]string, error) {
	tags, err := l.Tags()
	names := make(map[lake.ID][]string)
	for _, t := range tags {
		names[t.ID()] = append(names[t.ID()], t.Name)
	}
	for _, of := range names {
		slices.Sort(of)
	}
	return names, undamaged(err)
}
