package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// A Loader folds the raw log into the lake. Its fields are set before use and
// then frozen.
type Loader struct {
	Lake        *lake.Lake
	Log         *raw.Log
	Mem         memory.Allocator // nil: Go's
	Now         func() time.Time // nil: time.Now
	Logger      *slog.Logger     // nil: silent
	Program     string           // version of dexetl, for the manifest
	CommitBytes int64            // of rows in memory per commit, about; 0: 128 MB
	Quarantine  Quarantine       // nil: what withdrawals leave out of the tables is in the log alone

	// Late, if set, is told of participants who were erased and of whom the log has got
	// another answer meanwhile, before the commit that has the answer as erased.
	Late func(context.Context, []string) error

	// Damaged are files of the newest snapshot of which somebody knows that they are
	// damaged, though their sizes are right.
	Damaged []*lake.DamageError

	// Erasing says that an erasure is on record and not finished: the log may have answers that
	// the tables say were erased.
	Erasing bool

	// ToSnapshot says that a replay folds no more answers than the newest snapshot has,
	// and the roster, exclusions, connections and withdrawals that it has.
	ToSnapshot bool

	// Committed, if set, is told of every commit.
	Committed func(context.Context, lake.Manifest)

	layout      layout               // zero: defaultLayout
	cuts        map[string]time.Time // see Study.cuts
	erased      map[string]bool      // participants, of whom answers may still have come
	connections []Connection         // of that study
	part        part                 // of the log that is folded; zero: all
	damage      *damage              // that this Load has met

	sealed map[string]raw.Position // up to where the quarantine of a participant has all
}

// A Result says what a Load did.
type Result struct {
	Snapshot int64 // the newest one afterwards
	Commits  int
	Applied  int   // answers
	Held     int   // answers that could not be applied; see requests.held_reason
	Records  int   // in the answers applied
	Rejected int   // of them, repeats included
	Bytes    int64 // of plain bodies
	Nameless int   // answers applied that do not say of which Dexcom account they are

	// OtherAccount counts, by participant, the answers held because they are of
	// another Dexcom account than their connection's.
	OtherAccount map[string]int

	// Tallies count the records of the answers applied, by participant and resource.
	Tallies map[Subject]Tally

	// Tables says what happened to the rows of every table that changed.
	Tables map[string]Counts

	// Conflicts counts, in the months derived anew, records left out of glucose
	// because another one had the same time and another value. egvs has both.
	Conflicts int

	// Outdated are the tables of the newest snapshot in which an older program
	// made rows by other rules; a replay makes them anew.
	Outdated []string

	// Damaged are the files that were found damaged, or had been before, by path.
	// What needs their rows waits for a replay.
	Damaged []*lake.DamageError

	// Recovered are files that were lost or damaged, and are back from a snapshot's folder.
	Recovered []*lake.DamageError

	// Warnings are values and fields nobody has seen before, each once. Unnamed
	// counts what came of others, of which there are too many.
	Warnings []transform.Warning
	Unnamed  int
	Took     time.Duration
}

// Counts are rows of one table.
type Counts struct {
	Added        int `json:"added"`        // never held before
	Changed      int `json:"changed"`      // their content did
	Restored     int `json:"restored"`     // had vanished and came back unchanged
	Vanished     int `json:"vanished"`     // an answer lacked them
	Withheld     int `json:"withheld"`     // lacked in such a way that a second answer must agree
	Contradicted int `json:"contradicted"` // lacked by an empty answer that dataRange contradicts: they stay
	Removed      int `json:"removed"`      // rows of glucose that no record supports any more, and what withdrawals left out
}

func (c *Counts) add(d Counts) {
	c.Added += d.Added
	c.Changed += d.Changed
	c.Restored += d.Restored
	c.Vanished += d.Vanished
	c.Withheld += d.Withheld
	c.Contradicted += d.Contradicted
	c.Removed += d.Removed
}

// Load applies every answer after the lake's log position, and study, in
// commits of about CommitBytes. What arrives during the last of them is the next
// Load's. With nothing new and the study unchanged there is no commit. The caller
// holds the lake's load lock. When ctx ends the
// commit in hand is abandoned whole; those before it stay, and Result counts
// them.
func (l *Loader) Load(ctx context.Context, study Study, runID string) (Result, error) {
	l = l.withDefaults()
	l.learn(study)
	start := l.Now()
	result := Result{Tables: make(map[string]Counts)}
	err := l.load(ctx, study, runID, &result)
	for err != nil && l.damage.discover(l.Lake, err) {
		err = l.load(ctx, study, runID, &result)
	}
	result.Damaged, result.Recovered = l.damage.list(), l.damage.recovered
	result.Took = l.Now().Sub(start)
	return result, err
}

// learn takes what the fold of answers needs to know of the study.
func (l *Loader) learn(study Study) {
	l.cuts, l.connections, l.sealed, l.damage = study.cuts(), study.Connections, make(map[string]raw.Position), newDamage()
	l.erased = make(map[string]bool, len(study.Erased))
	for _, id := range study.Erased {
		l.erased[id] = true
	}
	l.damage.content = damageByPath(l.Damaged)
}

func (l *Loader) load(ctx context.Context, study Study, runID string, result *Result) error {
	manifest, err := l.Lake.Current()
	if err != nil {
		return fmt.Errorf("lake: %w", err)
	}
	if err := manifest.Writable(); err != nil {
		return fmt.Errorf("lake: %w", err)
	}
	if manifest, err = l.damage.mark(l.Lake, manifest); err != nil {
		return fmt.Errorf("lake: %w", err)
	}
	result.Snapshot, result.Outdated = manifest.Snapshot, manifest.Outdated()
	changed, err := l.compareStudy(ctx, study, manifest)
	if err != nil {
		return err
	}
	defer changed.release()
	changed.matters = changed.matters || sumsDue(manifest)
	for {
		var answers []*answer
		if len(changed.anew) == 0 { // else what is held comes first, alone
			if answers, err = l.next(ctx, manifest.LogPosition); err != nil {
				return err
			}
		}
		if len(answers) == 0 && !changed.matters {
			return nil
		}
		changed.last = len(changed.anew) == 0 && weight(answers) < l.CommitBytes
		manifest, err = l.commit(ctx, manifest, changed, answers, runID, result)
		releaseAnswers(answers)
		if err != nil {
			return errors.Join(err, l.Lake.Sweep())
		}
		if changed.last {
			return nil
		}
		changed.written(len(answers) > 0)
	}
}

// commit makes one snapshot of answers and what changed in the study.
func (l *Loader) commit(ctx context.Context, parent lake.Manifest, study *studyChange, answers []*answer, runID string,
	result *Result) (lake.Manifest, error) {
	s := newStep(l, parent, study, answers)
	defer s.release()
	if err := s.fold(ctx); err != nil {
		return parent, err
	}
	if err := l.quarantine(ctx, answers); err != nil {
		return parent, err
	}
	if late := lateIn(answers); l.Late != nil && len(late) > 0 {
		if err := l.Late(ctx, late); err != nil {
			return parent, err
		}
	}
	if err := l.Log.Sync(); err != nil {
		return parent, err
	}
	manifest, err := s.commit.Finish(ctx, s.manifest(runID))
	if err != nil {
		return parent, fmt.Errorf("commit: %w", err)
	}
	did := s.report()
	did.Snapshot, did.Outdated = manifest.Snapshot, manifest.Outdated()
	result.Add(did)
	if l.Committed != nil {
		l.Committed(ctx, manifest)
	}
	l.Logger.Info("committed", "snapshot", manifest.Snapshot, "answers", len(answers), "files", len(manifest.Files))
	return manifest, nil
}

// withDefaults returns a copy of l in which nothing is missing.
func (l *Loader) withDefaults() *Loader {
	full := *l
	if full.Mem == nil {
		full.Mem = memory.DefaultAllocator
	}
	if full.Now == nil {
		full.Now = time.Now
	}
	if full.Logger == nil {
		full.Logger = slog.New(slog.DiscardHandler)
	}
	if full.CommitBytes == 0 {
		full.CommitBytes = 128 << 20
	}
	if full.layout == (layout{}) {
		full.layout = defaultLayout
	}
	return &full
}

// report is what the step did.
func (s *step) report() Result {
	r := Result{Commits: 1, Conflicts: s.conflicts, Tables: s.counts}
	var warnings []transform.Warning
	unnamed := 0
	for _, a := range s.answers {
		r.Bytes += int64(a.plain)
		if a.Erased {
			continue
		}
		if a.held != nil {
			r.Held++
			if _, other := errors.AsType[*OtherAccountError](a.held); other {
				r.ofOther(a.ParticipantID, 1)
			}
			continue
		}
		r.Applied++
		r.Nameless += bit(a.account == "" && !a.dropped)
		r.Records += a.batch.Records
		r.Rejected += a.batch.Rejected
		r.tally(Subject{a.ParticipantID, a.Resource}, Tally{a.batch.Records, a.batch.Rejected})
		for table, counts := range a.counts {
			s.counted(table, *counts)
		}
		warnings = append(warnings, a.batch.Warnings...)
		unnamed += a.batch.Unnamed
	}
	r.warn(warnings, unnamed)
	return r
}
