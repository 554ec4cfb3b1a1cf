package load

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
)

// A Quarantine keeps what a withdrawal left out of the tables. Keep makes tables
// all that is kept of the participant, in the place of what was; when it
// returns they survive a power cut.
type Quarantine interface {
	Keep(ctx context.Context, participantID string, tables []LeftOut) error
}

// LeftOut are the rows of a table that a withdrawal left out.
type LeftOut struct {
	Table   string
	Rows    int
	Parquet []byte // a file of them, equal for equal rows
}

// quarantine keeps what answers that are about to be committed change in what is
// left out, and what all those that follow them in the log by now do. An answer
// need not bring a record for that: it may lack one.
func (l *Loader) quarantine(ctx context.Context, answers []*answer) (err error) {
	var of []string
	for _, a := range answers {
		if !a.cut.IsZero() && a.ranges == nil && a.Position.Compare(l.sealed[a.ParticipantID]) >= 0 {
			of = append(of, a.ParticipantID)
		}
	}
	if l.Quarantine == nil || len(of) == 0 {
		return nil
	}
	stays, err := l.refold(ctx, partOf(of, raw.Position{}), l.cuts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stays.Close()) }()
	m, err := stays.Current()
	if err != nil {
		return err
	}
	return l.seal(ctx, partOf(of, m.LogPosition), stays)
}

// seal keeps, participant by participant, the rows that a part of the log makes
// and that are not among those that stay: every row that would be in the tables
// and is not, as it would be.
func (l *Loader) seal(ctx context.Context, answers part, stays *lake.Scratch) (err error) {
	if l.Quarantine == nil || len(answers.participants) == 0 {
		return nil
	}
	all, err := l.refold(ctx, answers, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, all.Close()) }()
	in, err := sideOf(all.Lake)
	if err != nil {
		return err
	}
	notIn, err := sideOf(stays.Lake)
	if err != nil {
		return err
	}
	for _, participant := range slices.Sorted(maps.Keys(answers.participants)) {
		var tables []LeftOut
		for _, of := range recordTables() {
			t, err := l.leftOut(ctx, of, participant, in, notIn)
			if err != nil {
				return err
			}
			if t.Rows > 0 {
				tables = append(tables, t)
			}
		}
		if err := l.Quarantine.Keep(ctx, participant, tables); err != nil {
			return err
		}
		l.sealed[participant] = answers.until
	}
	return nil
}

// leftOut returns the rows of a participant in one snapshot that another lacks.
func (l *Loader) leftOut(ctx context.Context, t shape, participant string, in, notIn Side) (LeftOut, error) {
	out := LeftOut{Table: t.Name}
	var batches []arrow.RecordBatch
	defer func() { releaseAll(batches) }()
	err := eachPartition(ctx, t, participant, in, notIn, func(_ string, a, b []piece) error {
		if only, _ := unequal(t, a, b); len(only) > 0 {
			batches = append(batches, batchesOf(a).gather(l.Mem, t.schema, only))
			out.Rows += len(only)
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	var file bytes.Buffer
	err = lake.WriteRows(&file, t.Table, batches...)
	out.Parquet = file.Bytes()
	return out, err
}
