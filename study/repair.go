package study

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
)

// A Repair mends what can be mended of a lake.
type Repair struct {
	LockWait   time.Duration
	AcceptLoss bool            // lines of the audit trail that are gone stay so; see Study.AcceptLoss
	ExitCode   func(error) int // with which the run is kept
}

// A Repaired is what a repair found, and what became of it.
type Repaired struct {
	Lost     []state.Loss // accepted now
	Unknown  int64        // lines of the audit trail that state.db had not, and goes on behind now
	Found    []Damage
	Mended   []Mended
	Left     []Damage // what nothing here brings back
	Before   int64    // the newest snapshot that could be read; 0: none
	Snapshot int64    // the newest one afterwards
	Loaded   load.Result
	NoReplay error // why the log could not be folded anew, if that would have helped
	Took     time.Duration
}

// A Mended is one damage and what was done about it.
type Mended struct {
	Damage
	By RepairKind
	// Equal says of data that the rows of its table and month add up to what they were, and
	// of a folder that it was made anew, and not removed.
	Equal bool
}

// A RepairKind says how something was mended.
type RepairKind string

// The kinds of repairs.
const (
	SetAside    RepairKind = "set aside" // the manifest: the log brings what it had
	Relinked    RepairKind = "link"      // the file is back from a snapshot's folder
	FromLog     RepairKind = "log"       // the rows are in the newest snapshot again
	FromState   RepairKind = "state"     // they were written anew
	Replaced    RepairKind = "replaced"  // no snapshot has the rows any more but older ones, which are marked
	Republished RepairKind = "folder"    // it was made anew, or removed if it showed an older snapshot without a tag
)

// Repair looks at lake and raw log, under the load lock, and mends what it finds: the log
// is folded anew if rows of the newest snapshot are lost, and what the log does not bring
// back is marked.
func (s *Study) Repair(ctx context.Context, r Repair) (done Repaired, err error) {
	var lost []state.Loss
	if r.AcceptLoss {
		if lost, err = s.AcceptLoss(ctx, r.LockWait); err != nil {
			return done, err
		}
	}
	unknown, err := s.Store.CatchUp(ctx)
	if err != nil {
		return done, err
	}
	if err := s.mayFold(ctx); err != nil {
		return done, err
	}
	run, err := s.Store.StartRun(ctx, "repair", "", s.Version)
	if err != nil {
		return done, err
	}
	done, err = s.repairAs(ctx, r, run.ID)
	done.Unknown = unknown
	if done.Lost = lost; len(lost) > 0 && is[*EmptyLakeError](err) {
		err = nil // there is nothing else to repair
	}
	code := r.ExitCode(err)
	if err == nil && len(done.Left) > 0 {
		code = r.ExitCode(&lake.DamageError{Path: done.Left[0].Path, Err: done.Left[0].Err})
	}
	return done, errors.Join(err, s.Store.EndRun(context.WithoutCancel(ctx), run.ID, code, 0, 0))
}

func (s *Study) repairAs(ctx context.Context, r Repair, runID string) (done Repaired, err error) {
	began := time.Now()
	if _, err := os.Stat(s.RawPath()); errors.Is(err, fs.ErrNotExist) {
		return done, s.NoLog()
	}
	err = s.withLoading(runID, func(l *loading) error {
		fix := &repair{loading: l, done: &done}
		if err := fix.clearWay(ctx, r.LockWait); err != nil {
			return err
		}
		if err := fix.run(ctx); err != nil {
			return err
		}
		if err := fix.showAgain(ctx); err != nil {
			return err
		}
		if err := fix.keepState(ctx); err != nil || len(done.Left) > 0 {
			return err
		}
		return fix.endErasures(ctx)
	})
	done.Took = time.Since(began)
	return done, err
}

// A repair is one under way, under the load lock.
type repair struct {
	*loading
	done   *Repaired
	before lake.Manifest // the newest that can be read
	trail  []state.AuditLine
}

func (r *repair) run(ctx context.Context) error {
	found, err := r.look(ctx)
	if err != nil {
		return err
	}
	r.done.Found = found.Damages
	begun, err := r.begun()
	if err != nil {
		return err
	}
	if len(found.Fresh()) == 0 && !begun {
		r.done.Before, r.done.Snapshot = found.Newest.Snapshot, found.Newest.Snapshot
		return nil
	}
	if found, err = r.recover(ctx, found); err != nil {
		return err
	}
	if kept, err := r.keepNewest(ctx, found); kept || err != nil {
		return err
	}
	aside, err := r.setAside(found)
	if err != nil {
		return err
	}
	aside = aside || begun
	if aside { // files of the snapshot that is the newest now
		if found, err = r.look(ctx); err != nil {
			return err
		}
	}
	if r.before, err = r.lake.Current(); err != nil {
		return err
	}
	r.done.Before = r.before.Snapshot
	for _, step := range []struct {
		done string
		do   func(context.Context, Verified, bool) error
	}{{"repair.folded", r.bringBack}, {"repair.all_marked", r.markOlder}, {"repair.published", r.renewDamaged}} {
		if err := step.do(ctx, found, aside); err != nil {
			return err
		}
		fault.Point(step.done)
	}
	r.keepRest(found)
	return nil
}

// endErasures goes on with erasures that are not done, as whoever loads does.
func (r *repair) endErasures(ctx context.Context) error {
	if err := errors.Join(r.finishErasures(ctx), r.unerased); err != nil {
		return err
	}
	now, err := r.lake.Current()
	r.done.Snapshot = now.Snapshot
	return err
}

// look verifies lake and log.
func (r *repair) look(ctx context.Context) (found Verified, err error) {
	defer r.study.Busy(Verifying)()
	if err = r.study.verifyLake(ctx, Verify{}, &found); err != nil {
		return found, err
	}
	if found.Elsewhere != "" {
		found.Damages = append(found.Damages, Damage{Kind: FolderDamage, Path: snapshot.DatabasePath(r.lake.Latest()), Err: &OtherFolderError{found.Elsewhere}})
	}
	if err := errors.Join(r.study.verifyLog(ctx, &found), r.study.heedErasures(ctx, &found)); err != nil {
		return found, err
	}
	if r.trail, err = r.study.Store.Trail(ctx); is[*state.AuditError](err) {
		return found, nil // a damaged trail says nothing of tags
	}
	if err != nil {
		return found, err
	}
	return found, r.study.verifyTags(ctx, r.trail, &found)
}

// An OtherFolderError says that a database reads a folder other than its own.
type OtherFolderError struct{ Folder string }

func (e *OtherFolderError) Error() string { return "it reads " + e.Folder }

// keepRest keeps what nobody can mend here: damage to the raw log, and views that fail
// though all that they read is whole.
func (r *repair) keepRest(found Verified) {
	for _, d := range found.Damages {
		if d.Kind == LogDamage || d.Kind == ViewsDamage && !found.Has(FolderDamage) {
			r.done.Left = append(r.done.Left, d)
		}
	}
}

// keepState keeps damage of the state and of the audit trail, which nothing here mends.
func (r *repair) keepState(ctx context.Context) error {
	var found Verified
	r.study.noteMisplaced(r.study.stateNote(&found))
	err := r.study.verifyOpen(ctx, &found)
	for _, d := range found.Damages {
		if d.Kind == StateDamage { // tags were looked at before
			r.done.Left = append(r.done.Left, d)
		}
	}
	return err
}
