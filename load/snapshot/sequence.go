//go:build linux || darwin

package snapshot

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"iter"
	"slices"
	"sync"
)

// A SequenceReading is a value of somebody's series.
type SequenceReading struct {
	Time    int64 // UTC in µs since 1970
	Local   int64 // the wall clock, as if it were UTC
	MgdL    float64
	Cadence int32 // minutes
	Placed  bool  // Local is known
}

// A Sequence is the values of one participant that count, by time.
type Sequence struct {
	ParticipantID string
	Readings      []SequenceReading
}

// batchReadings is how many readings are asked for at once, about: enough to keep
// DuckDB busy, and few enough to hold two of.
const batchReadings = 250_000

// Sequences yields the readings of each participant who has some, in a session, in
// bounded memory. Statement is the query for some of them, as
// [github.com/dexetl/dexetl/sql.Selection.Readings] has it. Some are asked for while those
// before are yielded.
func Sequences(ctx context.Context, db *sql.DB, participants []string, statement func([]string) string) iter.Seq2[Sequence, error] {
	return func(yield func(Sequence, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		batches := make(chan sequences)
		var asking sync.WaitGroup
		asking.Go(func() {
			defer close(batches)
			inBatches(ctx, db, participants, statement, batches)
		})
		defer asking.Wait()
		defer stop()
		for batch := range batches {
			if batch.err != nil {
				yield(Sequence{}, batch.err)
				return
			}
			for i, s := range batch.found {
				batch.found[i] = Sequence{} // whoever has it may let it go
				if !yield(s, nil) {
					return
				}
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Sequence{}, err)
		}
	}
}

// sequences are those of a batch of participants, or why there are none.
type sequences struct {
	found []Sequence
	err   error
}

// inBatches hands over one batch after the other, until one fails or the context ends.
func inBatches(ctx context.Context, db *sql.DB, participants []string, statement func([]string) string, to chan<- sequences) {
	size, done, seen := min(4, len(participants)), 0, 0
	for done < len(participants) {
		batch := participants[done:min(len(participants), done+size)]
		found, err := sequencesOf(ctx, db, batch, statement(batch))
		if ctx.Err() != nil {
			return // DuckDB may have called it an interrupt
		}
		for i := range found {
			seen += len(found[i].Readings)
		}
		select {
		case to <- sequences{found, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		done += len(batch)
		size = max(1, batchReadings*done/max(1, seen))
	}
}

// sequencesOf asks for the readings of some participants. It reads from the driver
// itself: on the way through database/sql each value is copied several times.
func sequencesOf(ctx context.Context, db *sql.DB, participants []string, statement string) (found []Sequence, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	err = conn.Raw(func(raw any) (err error) {
		prepared, err := raw.(driver.ConnPrepareContext).PrepareContext(ctx, statement)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, prepared.Close()) }()
		rows, err := prepared.(driver.StmtQueryContext).QueryContext(ctx, nil)
		if err != nil {
			return err
		}
		found, err = readSequences(rows, participants)
		return errors.Join(err, rows.Close())
	})
	return found, err
}

// readSequences divides rows into sequences, those of each participant by time.
func readSequences(rows driver.Rows, participants []string) ([]Sequence, error) {
	row, found := make([]driver.Value, 5), make([]Sequence, len(participants))
	for {
		switch err := rows.Next(row); err {
		case nil:
		case io.EOF:
			return sorted(found, participants), nil
		default:
			return nil, err
		}
		local, placed := row[2].(int64)
		s := &found[row[0].(int64)]
		s.Readings = append(s.Readings, SequenceReading{row[1].(int64), local, row[3].(float64), int32(row[4].(int64)), placed})
	}
}

// sorted sorts sequences, most of which are sorted, and leaves out those without a
// reading.
func sorted(found []Sequence, participants []string) []Sequence {
	before := func(a, b SequenceReading) int { return cmp.Compare(a.Time, b.Time) }
	for i := range found {
		found[i].ParticipantID = participants[i]
		if !slices.IsSortedFunc(found[i].Readings, before) {
			slices.SortFunc(found[i].Readings, before)
		}
	}
	return slices.DeleteFunc(found, func(s Sequence) bool { return len(s.Readings) == 0 })
}
