package study

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/load/verify"
)

// A Verified is what was looked at, and what of it is not as it was written.
type Verified struct {
	verify.Report
	Log   raw.Verified
	Views int // that were asked; 0: none, because tables are damaged
	// TooLarge are views that need more memory than they may take: nobody knows whether they
	// would answer.
	TooLarge []string
	Damages  []Damage
	// Erasing are participants whose erasure has begun and is not done: whoever loads next
	// goes on with it. Meanwhile the log may be without them, and the tables not yet.
	Erasing []string
	// Lost are lines of the audit trail that are gone, as somebody has accepted there.
	Lost []state.Loss
	// Elsewhere is the folder that the database of latest reads, where that is not the one in
	// which it lies, because the study was moved or copied. It is no damage.
	Elsewhere string
	Deep      *Replayed // the log folded anew and compared; nil: it was not, or could not be
	Took      time.Duration
}

// A Damage is one file that is not as it was written, or that lacks something.
type Damage struct {
	Kind        DamageKind
	Path        string // below the lake, or below the state
	Err         error  // what is wrong with it
	Table       string // of a data file
	Partition   string
	Rows        int64 // that it has, or had
	First, Last int64 // snapshots that have it; 0: none in particular
	Known       bool  // a repair found it, could not mend it, and marked the snapshots
}

// A DamageKind says what a damaged file is for.
type DamageKind string

// The kinds of damage.
const (
	ManifestDamage DamageKind = "manifest" // of a snapshot
	DataDamage     DamageKind = "data"     // a data file
	RowsDamage     DamageKind = "rows"     // a data file is whole, but its rows break a rule
	FolderDamage   DamageKind = "folder"   // what shows a snapshot to others
	ViewsDamage    DamageKind = "views"    // that do not answer
	LogDamage      DamageKind = "log"      // the raw log
	StateDamage    DamageKind = "state"    // state.db and the audit trail
	FoldDamage     DamageKind = "fold"     // a table does not say what the raw log says
)

// A Verify looks at all that a study keeps, and changes nothing.
type Verify struct {
	Deep     bool          // the log is folded anew, and all columns are read
	LockWait time.Duration // for the load lock, which a fold needs

	Read func(done, all int64) // as of verify.Check
}

// Verify looks at lake, raw log and state. Its error is that it could not.
func (s *Study) Verify(ctx context.Context, v Verify) (done Verified, err error) {
	if err := s.Trusted(); err != nil {
		return done, err
	}
	began := time.Now()
	if err := s.verifyLake(ctx, v, &done); err != nil {
		return done, err
	}
	if err := s.verifyLog(ctx, &done); err != nil {
		return done, err
	}
	if err := s.verifyState(ctx, v, &done); err != nil {
		return done, err
	}
	done.Took = time.Since(began)
	return done, nil
}

// Fresh are the damages that no repair has marked.
func (v Verified) Fresh() []Damage {
	return slices.DeleteFunc(slices.Clone(v.Damages), func(d Damage) bool { return d.Known })
}

// Has reports whether there is damage of one of some kinds.
func (v Verified) Has(kinds ...DamageKind) bool {
	return slices.ContainsFunc(v.Damages, func(d Damage) bool { return slices.Contains(kinds, d.Kind) })
}

// HasFresh is Has of damage that no repair has marked.
func (v Verified) HasFresh(kinds ...DamageKind) bool {
	v.Damages = v.Fresh()
	return v.Has(kinds...)
}

func (s *Study) verifyLake(ctx context.Context, v Verify, done *Verified) error {
	if !s.hasLake() {
		if err := s.lostManifests(); err != nil {
			done.Damages = append(done.Damages, Damage{Kind: ManifestDamage, Path: "manifests", Err: fs.ErrNotExist})
		}
		return nil
	}
	l, err := lake.OpenToRead(s.LakePath())
	if harm, ok := errors.AsType[*lake.DamageError](err); ok {
		done.harmed([]*lake.DamageError{harm})
		return nil
	}
	if err != nil {
		return err
	}
	defer l.Close()
	c := verify.Check{Lake: l, Rows: v.Deep, Read: v.Read}
	if done.Report, err = c.Run(ctx); err != nil {
		return err
	}
	for _, f := range done.Findings {
		d := Damage{Kind: DataDamage, Path: f.Path, Err: f.Err, Table: f.File.Table, Partition: f.File.Partition, Rows: f.File.Rows, First: f.First, Last: f.Last}
		switch {
		case f.File.Path == "":
			d.Kind = ManifestDamage
		case f.Rule:
			d.Kind = RowsDamage
		}
		d.Known = d.Last != done.Newest.Snapshot && isMarked(l, d)
		done.Damages = append(done.Damages, d)
	}
	done.harmed(l.Misplaced())
	if err := s.verifyFolders(ctx, l, done); err != nil {
		return err
	}
	return s.verifyViews(ctx, l, v, done)
}

// harmed adds what is wrong with what shows snapshots, unless it was found already.
func (v *Verified) harmed(found []*lake.DamageError) {
	for _, harm := range found {
		if !slices.ContainsFunc(v.Damages, func(d Damage) bool { return d.Path == harm.Path }) {
			v.Damages = append(v.Damages, Damage{Kind: FolderDamage, Path: harm.Path, Err: harm.Err})
		}
	}
}

// isMarked reports whether the newest snapshot with a damaged file is marked for it.
func isMarked(l *lake.Lake, d Damage) bool {
	m, err := l.Mark(d.Last)
	return err == nil && slices.ContainsFunc(m.Files, func(f lake.DamagedFile) bool { return f.Path == d.Path })
}

// verifyFolders looks at the folders of snapshots whose manifests can be read.
func (s *Study) verifyFolders(ctx context.Context, l *lake.Lake, done *Verified) error {
	shown, err := l.Shown()
	if undamaged(err) != nil { // a file in their place was found already
		return err
	}
	slices.Sort(shown)
	var found []*lake.DamageError
	for _, n := range shown {
		m, err := l.Manifest(n)
		if IsDamage(err) {
			continue // found already, or removed meanwhile
		}
		if err != nil {
			return err
		}
		more, err := snapshot.CheckFolder(ctx, l, m)
		if IsDamage(err) {
			continue // a file stands in its place
		}
		if err != nil {
			return err
		}
		cited, err := s.citations(l, m)
		if undamaged(err) != nil {
			return err
		}
		uncited, err := snapshot.CheckCited(l, m, cited)
		if err != nil {
			return err
		}
		found = slices.Concat(found, more, uncited)
	}
	if now, err := l.Current(); err == nil && now.Snapshot == done.Newest.Snapshot && now.Snapshot > 0 {
		if harm := snapshot.CheckLatest(l, now); harm != nil {
			found = append(found, harm)
		}
	}
	done.harmed(found)
	if n := l.Latest(); n > 0 {
		done.Elsewhere, err = snapshot.ReadsElsewhere(ctx, l, n)
	}
	return err
}

// verifyViews asks the views of the newest snapshot, if its tables can be read. What is
// marked, the newest snapshot does not need.
func (s *Study) verifyViews(ctx context.Context, l *lake.Lake, v Verify, done *Verified) (err error) {
	if done.Newest.Snapshot == 0 || done.HasFresh(ManifestDamage, DataDamage) {
		return nil
	}
	forRows := v.Deep && folderOf(l, done.Newest.Snapshot) != "none" // else what is computed is not there yet
	done.Views, done.TooLarge, err = snapshot.CheckViews(ctx, l, done.Newest, snapshot.Limits{}, forRows)
	if err != nil && ctx.Err() == nil {
		done.Damages = append(done.Damages, Damage{Kind: ViewsDamage, Path: lake.ManifestPath(done.Newest.Snapshot), Err: err})
		err = nil
	}
	return err
}

// verifyLog looks at the raw log, and whether it has all that the newest snapshot was made
// from.
func (s *Study) verifyLog(ctx context.Context, done *Verified) error {
	note := func(path string, err error) {
		if below, e := filepath.Rel(s.LakePath(), path); e == nil && filepath.IsLocal(below) {
			path = below
		}
		done.Damages = append(done.Damages, Damage{Kind: LogDamage, Path: path, Err: err})
	}
	if _, err := os.Stat(s.RawPath()); errors.Is(err, fs.ErrNotExist) {
		if done.Newest.Snapshot > 0 {
			note("raw", err)
		}
		return nil
	}
	log, err := raw.Open(s.RawPath())
	if e, ok := errors.AsType[*raw.DamageError](err); ok {
		note(e.File, e)
		return nil
	}
	if err != nil {
		return err
	}
	defer log.Close()
	if done.Log, err = log.Verify(ctx, func(e *raw.DamageError) { note(e.File, e) }); err != nil {
		return err
	}
	if done.Newest.Snapshot == 0 || done.Has(LogDamage) {
		return nil
	}
	l, err := lake.OpenToRead(s.LakePath())
	if err != nil {
		return err
	}
	defer l.Close()
	loader := load.Loader{Lake: l, Log: log, Logger: s.Logger}
	err = loader.CheckLog(ctx, done.Newest)
	if is[*load.LogError](err) || is[*raw.DamageError](err) {
		note("raw", err)
		return nil
	}
	return err
}

// IsQuarantine reports whether the file keeps what withdrawals left out, or lists what does:
// a replay makes it anew from the raw log.
func (d Damage) IsQuarantine() bool {
	return d.Kind == StateDamage && strings.HasPrefix(d.Path+"/", "quarantine/") && !is[*StrayQuarantineError](d.Err)
}

// Words is Reason of what is wrong with the file.
func (d Damage) Words() string { return Reason(d.Err) }

// Reason says what is wrong with a file without its name, which a person has read.
func Reason(err error) string {
	if e, ok := errors.AsType[*lake.TaggedLossError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*durable.KindError](err); ok {
		return e.Error()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "it is gone"
	}
	switch e := err.(type) {
	case *LostStateError:
		return "it is gone, or empty"
	case *lake.DamageError:
		return Reason(e.Err)
	case *state.DamageError:
		return Reason(e.Err)
	}
	if e, ok := errors.AsType[*raw.DamageError](err); ok && e.Reason != "" {
		return fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason)
	}
	return err.Error()
}
