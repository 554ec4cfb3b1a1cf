//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"iter"
)

// A SequenceReading is a value of somebody's series.
type SequenceReading struct {
	Time    int64 // UTC in µs since 1970
	Local   int64 // the wall clock, as if it were UTC
	Placed  bool  // Local is known
	MgdL    float64
	Cadence int // minutes
}

// A Sequence is the values of one participant that count, by time.
type Sequence struct {
	ParticipantID string
	Readings      []SequenceReading
}

// batchReadings is how many readings are asked for at once, about: enough to keep
// DuckDB busy, and few enough to sort.
const batchReadings = 250_000

// Sequences yields the readings of each participant who has some, in a session, in
// bounded memory. Statement is the query for some of them, as
// [github.com/dexetl/dexetl/sql.Selection.Readings] has it.
func Sequences(ctx context.Context, db *sql.DB, participants []string, statement func([]string) string) iter.Seq2[Sequence, error] {
	return func(yield func(Sequence, error) bool) {
		size, done, seen := min(16, len(participants)), 0, 0
		for done < len(participants) {
			batch := participants[done:min(len(participants), done+size)]
			found, err := sequencesOf(ctx, db, batch, statement(batch))
			if err != nil {
				yield(Sequence{}, err)
				return
			}
			for _, s := range found {
				seen += len(s.Readings)
				if !yield(s, nil) {
					return
				}
			}
			done += len(batch)
			size = max(1, batchReadings*done/max(1, seen))
		}
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

// readSequences divides rows, which come by participant, into sequences.
func readSequences(rows driver.Rows, participants []string) (found []Sequence, err error) {
	row, latest := make([]driver.Value, 5), int64(-1)
	for {
		switch err := rows.Next(row); err {
		case nil:
		case io.EOF:
			return found, nil
		default:
			return nil, err
		}
		if place := row[0].(int64); place != latest {
			found, latest = append(found, Sequence{ParticipantID: participants[place]}), place
		}
		local, placed := row[2].(int64)
		s := &found[len(found)-1]
		s.Readings = append(s.Readings, SequenceReading{row[1].(int64), local, placed, row[3].(float64), int(row[4].(int64))})
	}
}
