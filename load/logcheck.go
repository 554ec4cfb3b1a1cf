package load

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
)

// A LogError says that the raw log is not the one that a snapshot was made
// from: to fold it anew would lose rows.
type LogError struct {
	Snapshot int64
	Reason   string
	Unerased bool // nothing is lacking, but an answer is not erased that was

	Segment uint64 // the one that was cut, or is gone with all that follow; 0: none in particular
}

func (e *LogError) Error() string {
	return fmt.Sprintf("the raw log is not what snapshot %d was made from: %s", e.Snapshot, e.Reason)
}

// CheckLog is what a replay checks of the log before it folds it.
func (l *Loader) CheckLog(ctx context.Context, m lake.Manifest) error {
	_, err := l.withDefaults().checkLog(ctx, m)
	return err
}

// checkLog makes sure that the log holds every answer that snapshot m was made
// from: a *LogError names what is missing, a *raw.DamageError where the log
// cannot be read. It reads no bodies. What the snapshot's table requests cannot
// tell, because a file of it is damaged, is not checked. What was erased must be so in the log,
// unless l.Erasing. It returns how many
// answers came after the snapshot.
func (l *Loader) checkLog(ctx context.Context, m lake.Manifest) (later int, err error) {
	seed := maphash.MakeSeed()
	answered, later, err := l.answered(ctx, m, seed)
	if err != nil {
		return 0, err
	}
	unerased := "" // was erased by the snapshot, and is not by the log
	has := func(id, sha256 string) error {
		for _, what := range []string{sha256, erasedOutcome} {
			if _, found := slices.BinarySearch(answered, maphash.String(seed, id+" "+what)); found {
				return nil
			}
		}
		if sha256 == "" {
			unerased = id
			return nil
		}
		return &LogError{Snapshot: m.Snapshot, Reason: fmt.Sprintf("it lacks the answer to request %s with SHA-256 %s", id, sha256)}
	}
	for _, f := range m.TableFiles("requests") {
		err := l.eachRequest(ctx, f, has)
		if damage, ok := errors.AsType[*lake.DamageError](err); ok {
			l.Logger.Warn("requests cannot be compared with the raw log", "file", damage.Path)
		} else if err != nil {
			return 0, err
		}
	}
	if unerased != "" && !l.Erasing {
		return 0, &LogError{Snapshot: m.Snapshot, Reason: fmt.Sprintf("the answer to request %s was erased, and this log does not say so", unerased), Unerased: true}
	}
	return later, nil
}

// answered returns the hashes of the answers in the log, sorted, and how many
// of them came after snapshot m. It takes 8 bytes of memory for each. The log
// must have an answer that ends where the snapshot's answers end.
func (l *Loader) answered(ctx context.Context, m lake.Manifest, seed maphash.Seed) (all []uint64, later int, err error) {
	var end raw.Position
	met := m.LogPosition == end
	for e, err := range l.Log.Entries(raw.Position{}) {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, 0, fmt.Errorf("raw log: %w", err)
		}
		later += bit(e.Position.Compare(m.LogPosition) >= 0)
		what := e.SHA256
		if e.Erased { // the snapshot may be of before
			what = erasedOutcome
		}
		all = append(all, maphash.String(seed, e.RequestID+" "+what))
		end = e.Next
		met = met || end == m.LogPosition
	}
	switch {
	case end.Compare(m.LogPosition) < 0:
		e := &LogError{Snapshot: m.Snapshot, Reason: fmt.Sprintf("it ends at %s, the snapshot goes up to %s", end, m.LogPosition), Segment: end.Segment}
		if end.Segment < m.LogPosition.Segment {
			e.Segment++
			e.Reason += fmt.Sprintf(": segment %010d.seg is gone", e.Segment)
		}
		return nil, 0, e
	case !met:
		return nil, 0, &LogError{Snapshot: m.Snapshot, Reason: fmt.Sprintf("no answer in it ends at %s, where those of the snapshot end", m.LogPosition)}
	}
	slices.Sort(all)
	return all, later, nil
}

// eachRequest calls do with the requests of one file until it returns an error.
func (l *Loader) eachRequest(ctx context.Context, f lake.File, do func(id, sha256 string) error) error {
	for r, err := range eachRow(ctx, l.Lake, "requests", []lake.File{f}) {
		if err == nil {
			err = do(r.str("request_id"), r.str("sha256"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
