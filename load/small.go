package load

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// Small tables fit in memory: they are read whole, and written whole when they
// have changed.

// loadSmall reads what the answers are held against: see holdSmall.
func (s *step) loadSmall(ctx context.Context) error {
	s.pending = make(map[pendingKey]time.Time)
	s.coverage = make(map[coverKey]*cover)
	s.accounts, s.shown = make(map[connectionKey]account), make(map[shownKey]shown)
	if !s.touchesSmall() {
		return nil
	}
	if s.knowsNoAccounts() {
		if err := s.recallAccounts(ctx); err != nil {
			return fmt.Errorf("table connection_accounts: %w", err)
		}
	}
	return s.holdSmall(ctx, s.loader.Lake, s.parent)
}

// touchesSmall reports whether the step may change the tables that the fold goes by.
func (s *step) touchesSmall() bool {
	return len(s.answers) > 0 || len(s.study.anew) > 0 || s.knowsNoAccounts()
}

// holdSmall takes the rows of the tables of a snapshot that the fold goes by, but
// those that are lost.
func (s *step) holdSmall(ctx context.Context, l *lake.Lake, m lake.Manifest) error {
	for table, hold := range map[string]func(row){
		"vanish_pending": s.heldPending, "coverage": s.heldCoverage, "connection_accounts": s.heldAccount, "connection_ranges": s.heldRange,
	} {
		for r, err := range eachRow(ctx, l, table, whole(m.TableFiles(table))) {
			if err != nil {
				return err
			}
			hold(r)
		}
	}
	return nil
}

// heldPending takes a row of vanish_pending.
func (s *step) heldPending(r row) {
	s.pending[pendingKey{r.str("participant_id"), r.str("resource"), r.str("record_id")}] = r.time("missing_since")
}

// forgetSmall forgets what the fold goes by of one participant.
func (s *step) forgetSmall(participant string) {
	maps.DeleteFunc(s.pending, func(k pendingKey, _ time.Time) bool { return k.participant == participant })
	maps.DeleteFunc(s.coverage, func(k coverKey, _ *cover) bool { return k.participant == participant })
	maps.DeleteFunc(s.accounts, func(k connectionKey, _ account) bool { return k.participant == participant })
	maps.DeleteFunc(s.shown, func(k shownKey, _ shown) bool { return k.participant == participant })
}

// A row is one row of a small table.
type row struct {
	shape
	batch arrow.RecordBatch
	at    int
}

// str is a text of its own; empty where there is none.
func (r row) str(column string) string {
	if texts := r.text(r.batch, column); texts.IsValid(r.at) {
		return strings.Clone(texts.Value(r.at))
	}
	return ""
}

// stamp is 0 where there is no time.
func (r row) stamp(column string) arrow.Timestamp { return timeAt(r.batch, r.place[column], r.at) }

func (r row) time(column string) time.Time { return timeOf(r.stamp(column)) }

func (r row) long(column string) int64 { return r.longs(r.batch, column).Value(r.at) }

func (r row) flag(column string) bool {
	return r.batch.Column(r.place[column]).(*array.Boolean).Value(r.at)
}

// eachRow yields the rows of files of one table; a row lives until the next one.
func eachRow(ctx context.Context, l *lake.Lake, table string, files []lake.File) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		t := shapeNamed(table)
		for _, f := range files {
			for b, err := range l.Read(ctx, f, lake.ReadOptions{}) {
				if err != nil {
					yield(row{}, fmt.Errorf("table %s: %w", table, err))
					return
				}
				for at := range int(b.NumRows()) {
					if !yield(row{t, b, at}, nil) {
						b.Release()
						return
					}
				}
				b.Release()
			}
		}
	}
}

// writeSmall writes the tables that the fold goes by, and the study's.
func (s *step) writeSmall(ctx context.Context) error {
	if s.touchesSmall() {
		for _, batch := range []struct {
			table string
			rows  *rows
		}{
			{"vanish_pending", s.pendingRows()}, {"coverage", s.coverageRows()},
			{"connection_accounts", s.accountRows()}, {"connection_ranges", s.rangeRows()},
		} {
			held := whole(s.parent.TableFiles(batch.table))
			if err := s.replaceTable(ctx, batch.table, held, batch.rows.batch()); err != nil {
				return err
			}
		}
	}
	for _, t := range shapesOf(transform.Study) {
		table := t.Name
		if rows := s.study.tables[table]; rows != nil && s.study.due(table) {
			rows.Retain()
			if err := s.replaceTable(ctx, table, s.parent.TableFiles(table), rows); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *step) pendingRows() *rows {
	b := newRows(s.loader.Mem, "vanish_pending")
	for key, since := range s.pending {
		if s.lost.of("vanish_pending", key.participant) != nil {
			continue
		}
		b.row(key.participant, key.table, key.record, since)
	}
	return b
}

// replaceTable puts rows in the place of the files old of a table without
// partitions, if they are not what these hold. It releases them.
func (s *step) replaceTable(ctx context.Context, table string, old []lake.File, rows arrow.RecordBatch) error {
	defer rows.Release()
	same, err := sameRows(ctx, s.loader, old, rows)
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

// sameRows reports whether files hold exactly rows, in their order. Damaged ones
// hold none.
func sameRows(ctx context.Context, l *Loader, files []lake.File, rows arrow.RecordBatch) (bool, error) {
	if firstDamaged(files) != nil {
		return false, nil
	}
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
