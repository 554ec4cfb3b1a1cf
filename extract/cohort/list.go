package cohort

import (
	"context"
	"database/sql"
	"io"
	"maps"
	"reflect"
	"slices"

	"github.com/dexetl/dexetl/extract/state"
)

// A list is a CSV file whose rows replace all rows of its table.
type list[T any] struct {
	layout layout
	name   string // of the table, and of a line of the trail that counts the rows
	parse  func(sh *sheet, held []Participant) []T
	all    string // query of all rows
	scan   func(row func(...any) error) (T, error)
	insert string // statement for one row, with values' arguments
	values func(T) []any

	subject string // of a line of the trail about one row
	key     func(T) string
	who     func(T) string
	fields  func(T) state.Fields
}

// A Replacement is what an import did to a list.
type Replacement[T any] struct {
	Rows, Added, Changed int
	Removed              []T      // rows that stood there, in their order
	Erased               []string // of whom lines were left out
}

// load replaces the rows by those of a file. It takes all lines or none; what is wrong is
// a *CSVError. A file without a line would take out all that is held, so mayEmpty, unless
// nil, is asked first: its error is returned and nothing is changed.
func (l list[T]) load(ctx context.Context, s *state.Store, r io.Reader, mayEmpty func(held []T) error) (done Replacement[T], err error) {
	sh, err := readSheet(r, l.layout)
	if err != nil {
		return done, err
	}
	if err := l.beforeEmptying(ctx, s, sh, mayEmpty); err != nil {
		return done, err
	}
	err = s.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		held, err := participantsIn(ctx, tx)
		if err != nil {
			return nil, err
		}
		left, err := sh.leaveOutErased(ctx, tx)
		if err != nil {
			return nil, err
		}
		rows := l.parse(sh, held)
		if err := sh.err(); err != nil {
			return nil, err
		}
		before, err := l.read(ctx, tx)
		if err != nil {
			return nil, err
		}
		acts := l.acts(before, rows)
		done = l.replacement(before, rows, acts)
		done.Erased = left
		return sh.acts(l.name, state.Fields{l.name: len(rows)}, acts), l.put(ctx, tx, rows)
	})
	if err != nil {
		return Replacement[T]{}, err
	}
	return done, nil
}

// beforeEmptying asks where nothing is left of what is held. No transaction waits for
// the answer.
func (l list[T]) beforeEmptying(ctx context.Context, s *state.Store, sh *sheet, mayEmpty func(held []T) error) error {
	if mayEmpty == nil || len(sh.rows) > 0 || len(sh.errs) > 0 {
		return nil
	}
	held, err := l.read(ctx, s)
	if err != nil || len(held) == 0 {
		return err
	}
	return mayEmpty(held)
}

// replacement is what acts did to the rows.
func (l list[T]) replacement(before, after []T, acts []state.Act) Replacement[T] {
	done := Replacement[T]{Rows: len(after)}
	for _, act := range acts {
		switch {
		case act.Before == nil:
			done.Added++
		case act.After != nil:
			done.Changed++
		}
	}
	stays := make(map[string]bool, len(after))
	for _, v := range after {
		stays[l.key(v)] = true
	}
	done.Removed = slices.DeleteFunc(slices.Clone(before), func(v T) bool { return stays[l.key(v)] })
	return done
}

func (l list[T]) read(ctx context.Context, q state.Querier) ([]T, error) {
	return state.Collect(ctx, q, l.scan, l.all)
}

func (l list[T]) put(ctx context.Context, tx *sql.Tx, rows []T) error {
	if _, err := tx.ExecContext(ctx, "delete from "+l.name); err != nil {
		return err
	}
	for _, v := range rows {
		if _, err := tx.ExecContext(ctx, l.insert, l.values(v)...); err != nil {
			return err
		}
	}
	return nil
}

// acts are the changes from one list of rows to another: one for each row that goes,
// changes or comes, in order of their keys.
func (l list[T]) acts(before, after []T) []state.Act {
	was, is := map[string]T{}, map[string]T{}
	for _, v := range before {
		was[l.key(v)] = v
	}
	for _, v := range after {
		is[l.key(v)] = v
	}
	keys := slices.Collect(maps.Keys(was))
	keys = slices.AppendSeq(keys, maps.Keys(is))
	slices.Sort(keys)
	var acts []state.Act
	for _, k := range slices.Compact(keys) {
		old, held := was[k]
		now, stays := is[k]
		act := state.Act{Subject: l.subject}
		if held {
			act.ParticipantID, act.Before = l.who(old), l.fields(old)
		}
		if stays {
			act.ParticipantID, act.After = l.who(now), l.fields(now)
		}
		if !reflect.DeepEqual(act.Before, act.After) {
			acts = append(acts, act)
		}
	}
	return acts
}
