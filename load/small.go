package load

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
)

// Small tables fit in memory: they are read whole, and written whole when they
// have changed.

// loadSmall reads vanish_pending and coverage.
func (s *step) loadSmall(ctx context.Context) error {
	s.pending = make(map[pendingKey]time.Time)
	s.coverage = make(map[coverKey]*cover)
	if len(s.answers) == 0 && len(s.study.anew) == 0 {
		return nil
	}
	return s.holdSmall(ctx, s.Lake, s.parent)
}

// holdSmall takes the rows of vanish_pending and coverage of a snapshot.
func (s *step) holdSmall(ctx context.Context, l *lake.Lake, m lake.Manifest) error {
	err := eachRow(ctx, l, m, "vanish_pending", func(t shape, b arrow.RecordBatch, row int) {
		value := func(column string) string { return t.text(b, column).Value(row) }
		since := t.times(b, "missing_since").Value(row)
		s.pend(value("participant_id"), value("resource"), value("record_id"), time.UnixMicro(int64(since)).UTC())
	})
	if err != nil {
		return err
	}
	return eachRow(ctx, l, m, "coverage", s.heldCoverage)
}

// eachRow calls do for the rows of a small table. Texts are valid during the call.
func eachRow(ctx context.Context, l *lake.Lake, m lake.Manifest, table string, do func(t shape, b arrow.RecordBatch, row int)) error {
	t := shapeNamed(table)
	batches, err := readAll(ctx, l, m.TableFiles(table), lake.ReadOptions{})
	if err != nil {
		return fmt.Errorf("table %s: %w", table, err)
	}
	defer releaseAll(batches)
	for _, b := range batches {
		for row := range int(b.NumRows()) {
			do(t, b, row)
		}
	}
	return nil
}

// writeSmall writes vanish_pending, coverage and the study's tables.
func (s *step) writeSmall(ctx context.Context) error {
	if len(s.answers) > 0 || len(s.study.anew) > 0 {
		for _, batch := range []struct {
			table string
			rows  *rows
		}{{"vanish_pending", s.pendingRows()}, {"coverage", s.coverageRows()}} {
			if err := s.replaceTable(ctx, batch.table, batch.rows.batch()); err != nil {
				return err
			}
		}
	}
	for _, table := range studyTables {
		if rows := s.study.tables[table]; rows != nil {
			rows.Retain()
			if err := s.replaceTable(ctx, table, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *step) pendingRows() *rows {
	b := newRows(s.mem, "vanish_pending")
	for key, since := range s.pending {
		b.row(key.participant, key.table, key.record, since)
	}
	return b
}

// replaceTable makes rows the content of a table without partitions, if they
// are not already. It releases them.
func (s *step) replaceTable(ctx context.Context, table string, rows arrow.RecordBatch) error {
	defer rows.Release()
	old := s.parent.TableFiles(table)
	same, err := sameRows(ctx, s.Loader, old, rows)
	if err != nil || same {
		return err
	}
	f, err := s.writeFile(shapeNamed(table), "", rows)
	if err != nil {
		return err
	}
	s.commit.Replace(old, f)
	return nil
}

// sameRows reports whether files hold exactly rows, in their order.
func sameRows(ctx context.Context, l *Loader, files []lake.File, rows arrow.RecordBatch) (bool, error) {
	var held int64
	for _, f := range files {
		held += f.Rows
	}
	if held != rows.NumRows() {
		return false, nil
	}
	batches, err := readAll(ctx, l.Lake, files, lake.ReadOptions{})
	if err != nil {
		return false, err
	}
	defer releaseAll(batches)
	from := int64(0)
	for _, b := range batches {
		part := rows.NewSlice(from, from+b.NumRows())
		for c, column := range b.Columns() {
			if !array.Equal(column, part.Column(c)) {
				part.Release()
				return false, nil
			}
		}
		part.Release()
		from += b.NumRows()
	}
	return true, nil
}

// A studyChange is what of a Study differs from the tables the lake has.
type studyChange struct {
	people  people
	account map[string]string            // by connection; absent: nobody has seen it yet
	tables  map[string]arrow.RecordBatch // those to be written
	matters bool                         // reason enough to commit
	moved   map[string]bool              // participants whose local time or study day may differ
	anew    []string                     // participants who have withdrawn, from another instant than the lake knows
}

// sameAccount reports whether two connections lead to one Dexcom account.
func (c *studyChange) sameAccount(a, b string) bool {
	return a == b || c.account[a] != "" && c.account[a] == c.account[b]
}

// compareStudy compares study with the tables of the newest snapshot.
func (l *Loader) compareStudy(ctx context.Context, study Study, m lake.Manifest) (*studyChange, error) {
	who, err := study.people()
	if err != nil {
		return nil, err
	}
	c := &studyChange{people: who, account: study.accounts(), tables: make(map[string]arrow.RecordBatch)}
	for _, table := range studyTables {
		rows := study.table(l.Mem, table)
		same, err := sameRows(ctx, l, m.TableFiles(table), rows)
		if err != nil {
			rows.Release()
			c.release()
			return nil, fmt.Errorf("table %s: %w", table, err)
		}
		if same {
			rows.Release()
			continue
		}
		c.tables[table] = rows
		c.matters = c.matters || table != "runs"
	}
	if rows := c.tables["participants"]; rows != nil {
		if c.moved, err = l.movedPeople(ctx, m, rows); err != nil {
			c.release()
			return nil, err
		}
	}
	if c.tables["withdrawals"] != nil && m.LogPosition != (raw.Position{}) {
		if c.anew, err = l.withdrawnAnew(ctx, study, m); err != nil {
			c.release()
			return nil, err
		}
	}
	return c, nil
}

// movedPeople returns the participants whose time zone or anchor date differs
// between the lake's roster and the new one.
func (l *Loader) movedPeople(ctx context.Context, m lake.Manifest, rows arrow.RecordBatch) (map[string]bool, error) {
	held, err := readAll(ctx, l.Lake, m.TableFiles("participants"), lake.ReadOptions{})
	if err != nil {
		return nil, fmt.Errorf("table participants: %w", err)
	}
	defer releaseAll(held)
	t := shapeNamed("participants")
	type place struct {
		zone   string
		anchor arrow.Date32
		dated  bool
	}
	read := func(batches ...arrow.RecordBatch) map[string]place {
		places := make(map[string]place)
		for _, b := range batches {
			ids, zones := t.text(b, "participant_id"), t.text(b, "timezone")
			anchors := b.Column(t.place["anchor_date"]).(*array.Date32)
			for row := range ids.Len() {
				p := place{dated: anchors.IsValid(row)}
				if zones.IsValid(row) {
					p.zone = zones.Value(row)
				}
				if p.dated {
					p.anchor = anchors.Value(row)
				}
				places[ids.Value(row)] = p
			}
		}
		return places
	}
	was, is := read(held...), read(rows)
	moved := make(map[string]bool)
	for _, places := range []map[string]place{was, is} {
		for id := range places {
			if was[id] != is[id] {
				moved[string(slices.Clone([]byte(id)))] = true
			}
		}
	}
	return moved, nil
}

// written forgets what the first commit has written.
func (c *studyChange) written() {
	c.release()
	c.tables, c.moved, c.anew, c.matters = nil, nil, nil, false
}

func (c *studyChange) release() {
	for _, rows := range c.tables {
		rows.Release()
	}
}
