package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"runtime"
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
	counts map[string]*Counts

	account string          // hash of the Dexcom account that it says it is of; empty: it does not say
	cut     time.Time       // the participant withdrew from then on; zero: did not
	unread  map[string]bool // see mentions

	trust       trust // where it lacks records
	manyMissing bool  // lacks so many records that a second answer must agree

	dropped bool // compaction dropped its body: it confirms what is held
	effect  bool // it changed something beside when it was asked
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
func (a *answer) mentions(id string) bool {
	if a.unread == nil {
		a.unread = make(map[string]bool, len(a.batch.Unread))
		for _, text := range a.batch.Unread {
			a.unread[text] = true
		}
	}
	return a.unread[id]
}

// done releases the rows of tables, which the step has taken into its own.
func (a *answer) done(tables ...string) {
	for _, t := range tables {
		if rows := a.batch.Tables[t]; rows != nil {
			rows.Release()
			delete(a.batch.Tables, t)
		}
	}
}

func releaseAnswers(answers []*answer) {
	for _, a := range answers {
		a.batch.Release()
		a.batch = transform.Batch{}
	}
}

// next decodes answers from position on, in parallel, until their plain bodies
// reach CommitBytes or the log ends. The caller releases them.
func (l *Loader) next(ctx context.Context, from raw.Position) (answers []*answer, err error) {
	defer func() {
		if err != nil {
			releaseAnswers(answers)
		}
	}()
	entry, stop := iter.Pull2(l.Log.Entries(from))
	defer stop()
	for bytes := int64(0); bytes < l.CommitBytes; {
		group, err := l.decode(ctx, entry, l.CommitBytes-bytes)
		answers = append(answers, group...)
		if err != nil {
			return answers, err
		}
		if len(group) == 0 {
			break
		}
		bytes += weight(group)
	}
	return answers, nil
}

// weight is what answers count for in a commit. One without a body counts, too:
// it has a row of requests and takes room until that is written.
func weight(answers []*answer) (bytes int64) {
	for _, a := range answers {
		bytes += max(int64(a.plain), 4<<10)
	}
	return bytes
}

// plainBytes estimates the plain body of an entry; next counts them.
func plainBytes(e raw.Entry) int64 {
	if e.Encoding == "gzip" { // 9 to 12 times for a month of readings
		return 10 * e.Length
	}
	return e.Length
}

// decode decodes a few entries at once: as many as keep every core busy for a
// while, and about no more than the budget of bytes allows.
func (l *Loader) decode(parent context.Context, entry func() (raw.Entry, error, bool), budget int64) ([]*answer, error) {
	var answers []*answer
	g, ctx := errgroup.WithContext(parent)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for len(answers) < 4*runtime.GOMAXPROCS(0) && budget > 0 {
		e, err, ok := entry()
		if err != nil {
			g.Go(func() error { return fmt.Errorf("raw log: %w", err) })
			break
		}
		if !ok || ctx.Err() != nil || l.part.ends(e) {
			break
		}
		if !l.part.has(e) {
			continue
		}
		budget -= plainBytes(e)
		a := &answer{Entry: e, counts: make(map[string]*Counts)}
		answers = append(answers, a)
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return l.read(a)
		})
	}
	return answers, cmp.Or(g.Wait(), parent.Err())
}

// read reads and transforms the body of a. Only a body that the log cannot
// give back is an error; one that makes no rows is held, and one that compaction
// dropped is not needed.
func (l *Loader) read(a *answer) error {
	a.cut = l.cuts[a.ParticipantID]
	body, err := a.Plain()
	if dropped := (*raw.DroppedError)(nil); errors.As(err, &dropped) {
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
	a.batch, a.held = transform.Apply(l.Mem, transform.Answer{
		RequestID: a.RequestID, ParticipantID: a.ParticipantID, ConnectionID: a.ConnectionID,
		Resource: dexcom.Resource(a.Resource), AskedAt: a.AskedAt, ServerDate: a.ServerDate, Body: body,
	})
	if a.held != nil {
		a.batch = transform.Batch{}
	}
	a.account, a.batch.UserID = accountHash(a.ConnectionID, a.batch.UserID), ""
	if !a.cut.IsZero() {
		a.leaveOut(l.Mem)
	}
	return nil
}
