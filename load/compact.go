package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// A Compactor shortens the raw log behind the lake's log position: of answers
// that changed nothing only the header stays. Which these are the fold has found
// out, and table requests remembers (column confirms); folding the compacted log
// gives the lake that folding the whole one gave.
type Compactor struct {
	Lake     *lake.Lake
	Log      *raw.Log
	Now      func() time.Time // nil: time.Now
	Segments int              // at most so many a run; 0: 8
}

// closeAfter is how long the log's last segment stays open at most.
const closeAfter = 24 * time.Hour

// Run closes the last segment if it began longer ago than closeAfter, so that a small
// study has closed ones too, and compacts the closed ones whose answers are all
// folded: the one closed now in the next run, when others follow it. The caller
// holds the lake's load lock. A segment that is damaged or cannot be compacted
// stops no other: what is wrong with it is part of the error, and of the
// Compaction are those that went well.
func (c *Compactor) Run(ctx context.Context) (done raw.Compaction, err error) {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	if err := c.Log.Seal(now().Add(-closeAfter)); err != nil {
		return done, fmt.Errorf("seal: %w", err)
	}
	manifest, err := c.Lake.Current()
	if err != nil {
		return done, fmt.Errorf("lake: %w", err)
	}
	segments, err := c.Log.Segments()
	if err != nil {
		return done, err
	}
	var failed []error
	for _, s := range segments {
		if s.Last || done.Segments+len(failed) == cmp.Or(c.Segments, 8) {
			break
		}
		if s.Compacted {
			continue
		}
		one, err := c.compact(ctx, s.Number, manifest)
		if ctx.Err() != nil {
			return done, ctx.Err()
		}
		if err != nil {
			failed = append(failed, err)
		}
		done.Add(one)
	}
	return done, errors.Join(failed...)
}

// compact compacts a segment if all of it is folded.
func (c *Compactor) compact(ctx context.Context, number uint64, m lake.Manifest) (done raw.Compaction, err error) {
	months := make(map[string]bool)
	for e, err := range c.Log.Entries(raw.Position{Segment: number}) {
		switch {
		case err != nil:
			return done, err
		case e.Position.Segment != number:
			fates, err := c.fates(ctx, m, number, months)
			if err != nil {
				return done, err
			}
			return c.Log.Compact(ctx, number, func(e raw.Entry) raw.Fate { return fates[answerKey{e.RequestID, e.Position.String()}] })
		case e.Next.Compare(m.LogPosition) > 0:
			return done, nil
		}
		months[month(instant(e.AskedAt))] = true
	}
	return done, nil // the last one, and empty
}

type answerKey struct{ request, position string }

// fates returns the fate of answers in a segment, which were received in months,
// whose bodies are not needed. Whose fate is not there keeps its body: so do those of participants who
// have withdrawn, because what an answer lacks may matter to the quarantine, and to
// the tables again when another instant is stated.
func (c *Compactor) fates(ctx context.Context, m lake.Manifest, segment uint64, months map[string]bool) (map[answerKey]raw.Fate, error) {
	fates, withdrawn := make(map[answerKey]raw.Fate), make(map[string]bool)
	here := fmt.Sprintf("%d:", segment)
	for r, err := range eachRow(ctx, c.Lake, "withdrawals", m.TableFiles("withdrawals")) {
		if err != nil {
			return nil, err
		}
		withdrawn[r.str("participant_id")] = true
	}
	for _, f := range m.TableFiles("requests") {
		if !months[f.Partition] || f.Damaged != "" {
			continue
		}
		columns := lake.ReadOptions{Columns: []string{"request_id", "participant_id", "rejected", "log_position", "confirms"}}
		for b, err := range c.Lake.Read(ctx, f, columns) {
			if err != nil {
				return nil, fmt.Errorf("table requests: %w", err)
			}
			ids, participants, positions := transform.TextOf(b.Column(0)), transform.TextOf(b.Column(1)), transform.TextOf(b.Column(3))
			rejected, confirms := b.Column(2).(*array.Int64), b.Column(4).(*array.Boolean)
			for row := range ids.Len() {
				if confirms.Value(row) && strings.HasPrefix(positions.Value(row), here) && !withdrawn[participants.Value(row)] {
					key := answerKey{strings.Clone(ids.Value(row)), strings.Clone(positions.Value(row))}
					fates[key] = raw.Fate{Drop: true, Rejected: int(rejected.Value(row))}
				}
			}
			b.Release()
		}
	}
	return fates, nil
}
