package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/transform"
)

// An answer is an entry of the log as rows.
type answer struct {
	raw.Entry
	batch  transform.Batch
	ranges *dexcom.Ranges // of a dataRange answer
	plain  int            // bytes of the body
	held   error          // why it cannot be applied
	failed error          // why the log cannot give it back
	counts map[string]*Counts

	account string    // hash of the Dexcom account that it says it is of; empty: it does not say
	cut     time.Time // the participant withdrew from then on; zero: did not

	trust       trust // where it lacks records
	manyMissing bool  // lacks so many records that a second answer must agree

	late    string // of this participant, who was erased before it came; empty: as a rule
	dropped bool   // compaction dropped its body: it confirms what is held
	effect  bool   // it changed something beside when it was asked
}

func (a *answer) hasWindow() bool { return !a.WindowStart.IsZero() && !a.WindowEnd.IsZero() }

// confirms reports whether the answer, once applied, turned out to change
// nothing: folding its header alone gives the same lake. What dataRange said is
// read again by whoever plans, so its answers always count.
func (a *answer) confirms() bool {
	return a.held == nil && !a.effect && a.ranges == nil
}

// count returns what the answer did to a table, to be added to.
func (a *answer) count(table string) *Counts {
	a.effect = true
	if a.counts[table] == nil {
		a.counts[table] = new(Counts)
	}
	return a.counts[table]
}

// mentions reports whether a record of the answer that could not be read may be
// the one with the id.
func (a *answer) mentions(id string) bool { return a.batch.Unread.Has(id) }

// done releases the rows of tables, which the step has taken into its own.
func (a *answer) done(tables ...string) {
	for _, t := range tables {
		if rows := a.batch.Tables[t]; rows != nil {
			rows.Release()
			delete(a.batch.Tables, t)
		}
	}
}

// hold says why the answer cannot be applied, whose rows go.
func (a *answer) hold(why error) {
	a.held = why
	a.release()
}

func (a *answer) release() {
	a.batch.Release()
	a.batch = transform.Batch{}
}

func releaseAnswers(answers []*answer) {
	for _, a := range answers {
		a.release()
	}
}

// maxReaders is how many answers are decoded at a time at most: each takes as much
// memory as its body, packed and plain.
const maxReaders = 8

// next decodes answers from position on, in parallel, until their rows
// take CommitBytes or the log ends. Which ones these are is no matter of time: what
// was decoded ahead of that is decoded again for the next commit. The caller
// releases them.
func (l *Loader) next(ctx context.Context, from raw.Position) ([]*answer, error) {
	var answers []*answer
	var bytes atomic.Int64
	var failed atomic.Bool
	var g errgroup.Group
	g.SetLimit(min(runtime.GOMAXPROCS(0), maxReaders))
	for e, err := range l.Log.Entries(from) {
		if err != nil {
			answers = append(answers, &answer{failed: fmt.Errorf("raw log: %w", err)})
			break
		}
		if l.part.ends(e) || bytes.Load() >= l.CommitBytes || failed.Load() || ctx.Err() != nil {
			break
		}
		if !l.part.has(e) {
			continue
		}
		a := &answer{Entry: e, counts: make(map[string]*Counts)}
		answers = append(answers, a)
		g.Go(func() error {
			if a.failed = l.read(ctx, a); a.failed != nil {
				failed.Store(true)
			}
			bytes.Add(a.weight())
			return nil
		})
	}
	g.Wait() //nolint:errcheck // each answer has its own
	n, err := l.fit(answers)
	if err = cmp.Or(ctx.Err(), err); err != nil {
		n = 0
	}
	releaseAnswers(answers[n:])
	return answers[:n], err
}

// fit is how many of answers go into one commit; an error is that of the first one
// in it that the log cannot give back.
func (l *Loader) fit(answers []*answer) (int, error) {
	var bytes int64
	for n, a := range answers {
		if a.failed != nil {
			return n, a.failed
		}
		if bytes += a.weight(); bytes >= l.CommitBytes {
			return n + 1, nil
		}
	}
	return len(answers), nil
}

// weight is what answers count for in a commit.
func weight(answers []*answer) (bytes int64) {
	for _, a := range answers {
		bytes += a.weight()
	}
	return bytes
}

// rowBytes is what a row takes in memory until it is written, about, with the reading
// that is made of it.
const rowBytes = 300

// weight is what an answer counts for in a commit: its rows, and texts longer than
// these have as a rule. One without rows counts, too: it has a row of requests and takes
// room until that is written.
func (a *answer) weight() int64 {
	rows := int64(a.batch.Records) * int64(1-bit(a.dropped))
	return max(rows*rowBytes, int64(a.plain)/2, 4<<10)
}

// read reads and transforms the body of a. Only a body that the log cannot
// give back is an error; one that makes no rows is held, and one that compaction
// dropped is not needed. A longer body than any is taken is held unread.
func (l *Loader) read(ctx context.Context, a *answer) error {
	if l.erased[a.ParticipantID] {
		a.late = a.ParticipantID
	}
	if a.Erased || a.late != "" {
		a.Entry, a.held = a.AsErased(), &raw.ErasedError{Position: a.Position}
		return nil
	}
	a.cut = l.cuts[a.ParticipantID]
	body, err := a.PlainWithin(dexcom.DefaultMaxBody)
	if long, ok := errors.AsType[*raw.TooLongError](err); ok {
		a.held = &dexcom.SizeError{Limit: long.Limit}
		return nil
	}
	if dropped, ok := errors.AsType[*raw.DroppedError](err); ok {
		a.dropped = true
		a.batch = transform.Batch{Records: a.Records, Rejected: dropped.Rejected}
		return nil
	}
	if err != nil {
		return fmt.Errorf("raw log at %s: %w", a.Position, err)
	}
	a.plain = len(body)
	if a.Status == http.StatusNoContent { // it has no body, and no records
		return nil
	}
	if dexcom.Resource(a.Resource) == dexcom.DataRange {
		ranges, err := dexcom.ParseRanges(body)
		a.ranges, a.held = &ranges, err
		a.account = accountHash(a.ConnectionID, ranges.UserID)
		return nil
	}
	a.batch, a.held = transform.Apply(ctx, l.Mem, transform.Answer{
		RequestID: a.RequestID, ParticipantID: a.ParticipantID, ConnectionID: a.ConnectionID,
		Resource: dexcom.Resource(a.Resource), AskedAt: a.AskedAt, ServerDate: a.ServerDate, Body: body,
	})
	if err := ctx.Err(); err != nil {
		a.release()
		return err
	}
	if a.held != nil {
		a.batch = transform.Batch{}
	}
	a.account, a.batch.UserID = accountHash(a.ConnectionID, a.batch.UserID), ""
	if !a.cut.IsZero() {
		a.leaveOut(l.Mem)
	}
	return nil
}
