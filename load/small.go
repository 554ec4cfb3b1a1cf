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
	return s.holdSmall(ctx, s.held())
}

// touchesSmall reports whether the step may change the tables that the fold goes by.
func (s *step) touchesSmall() bool {
	return len(s.answers) > 0 || len(s.study.anew) > 0 || s.knowsNoAccounts()
}

// A remembered table is one that the fold goes by: what takes a row of it, and what
// adds its rows.
type remembered struct {
	table string
	take  func(row)
	rows  func(add addRow)
}

// addRow adds a row of a participant, with the values behind the first column.
type addRow func(participant string, values ...any)

func (s *step) memories() []remembered {
	return []remembered{
		{"vanish_pending", s.heldPending, s.pendingRows}, {"coverage", s.heldCoverage, s.coverageRows},
		{"connection_accounts", s.heldAccount, s.accountRows}, {"connection_ranges", s.heldRange, s.rangeRows},
	}
}

// holdSmall takes the rows of the tables of a snapshot that the fold goes by, but
// those that are lost.
func (s *step) holdSmall(ctx context.Context, of Side) error {
	for _, m := range s.memories() {
		for r, err := range eachRow(ctx, of.Lake, m.table, whole(of.Manifest.TableFiles(m.table))) {
			if err != nil {
				return err
			}
			m.take(r)
		}
	}
	return nil
}

// writeMemory writes a table that the fold goes by, but for those of whom rows are
// lost.
func (s *step) writeMemory(ctx context.Context, m remembered) error {
	b := newRows(s.loader.Mem, m.table)
	m.rows(func(participant string, values ...any) {
		if s.lost.of(m.table, participant) == nil {
			b.row(append([]any{participant}, values...)...)
		}
	})
	return s.replaceTable(ctx, m.table, whole(s.parent.TableFiles(m.table)), b.batch())
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
	*shape
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
	return rowsBy(table, files, func(f lake.File) iter.Seq2[arrow.RecordBatch, error] { return l.Read(ctx, f, lake.ReadOptions{}) })
}

func rowsBy(table string, files []lake.File, read func(lake.File) iter.Seq2[arrow.RecordBatch, error]) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		t := shapeNamed(table)
		for _, f := range files {
			for b, err := range read(f) {
				if err != nil {
					yield(row{}, fmt.Errorf("table %s: %w", table, err))
					return
				}
				for at := range int(b.NumRows()) {
					if !yield(row{&t, b, at}, nil) {
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
		for _, m := range s.memories() {
			if err := s.writeMemory(ctx, m); err != nil {
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

func (s *step) pendingRows(add addRow) {
	for key, since := range s.pending {
		add(key.participant, key.table, key.record, since)
	}
}

// replaceTable puts rows in the place of the files old of a table without
// partitions, if they are not what these hold. It releases them.
func (s *step) replaceTable(ctx context.Context, table string, old []lake.File, rows arrow.RecordBatch) error {
	defer rows.Release()
	same, err := sameRows(ctx, s.loader, table, old, rows)
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
func sameRows(ctx context.Context, l *Loader, table string, files []lake.File, rows arrow.RecordBatch) (bool, error) {
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
	from, all := 0, shapeNamed(table).all
	for _, b := range batches {
		for row := range int(b.NumRows()) {
			if compareRows(b, row, rows, from+row, all) != 0 {
				return false, nil
			}
		}
		from += int(b.NumRows())
	}
	return true, nil
}
