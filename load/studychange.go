package load

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/reading"
	"github.com/dexetl/dexetl/transform"
)

// A studyChange is what of a Study differs from the tables the lake has.
type studyChange struct {
	people  map[string]reading.Person
	account map[string]string            // by connection; absent: nobody has seen it yet
	tables  map[string]arrow.RecordBatch // those to be written
	matters bool                         // reason enough to commit
	last    bool                         // the commit in hand is the last one, as far as the log goes now
	moved   map[string]bool              // participants whose local time or study day may differ
	anew    []string                     // participants who have withdrawn, from another instant than the lake knows
}

// sameAccount reports whether two connections lead to one Dexcom account.
func (c *studyChange) sameAccount(a, b string) bool {
	return a == b || c.account[a] != "" && c.account[a] == c.account[b]
}

// compareStudy compares study with the tables of the newest snapshot.
func (l *Loader) compareStudy(ctx context.Context, study Study, m lake.Manifest) (c *studyChange, err error) {
	who, err := study.people()
	if err != nil {
		return nil, err
	}
	c = &studyChange{people: who, account: study.accounts(), tables: make(map[string]arrow.RecordBatch)}
	defer func() {
		if err != nil {
			c.release()
		}
	}()
	for _, t := range shapesOf(transform.Study) {
		rows, files := study.table(l.Mem, t.Name), m.TableFiles(t.Name)
		c.tables[t.Name] = rows
		same, err := sameRows(ctx, l, t.Name, files, rows)
		if err != nil {
			return c, fmt.Errorf("table %s: %w", t.Name, err)
		}
		if same {
			rows.Release()
			delete(c.tables, t.Name)
			continue
		}
		c.matters = c.matters || t.Name != "runs" || study.RunsMatter || firstDamaged(files) != nil
	}
	if rows := c.tables["participants"]; rows != nil {
		if c.moved, err = l.movedPeople(ctx, m, rows); err != nil {
			return c, err
		}
	}
	if c.tables["withdrawals"] != nil && m.LogPosition != (raw.Position{}) {
		if c.anew, err = l.withdrawnAnew(ctx, study, m); err != nil {
			return c, err
		}
	}
	return c, nil
}

// movedPeople returns the participants whose time zone or anchor date differs
// between the lake's roster and the new one. If the lake's is lost, and is another
// one, that may be anybody.
func (l *Loader) movedPeople(ctx context.Context, m lake.Manifest, rows arrow.RecordBatch) (map[string]bool, error) {
	if firstDamaged(m.TableFiles("participants")) != nil {
		return everybodyUnlessSame(m.TableFiles("participants"), rows)
	}
	held, err := readAll(ctx, l.Lake, m.TableFiles("participants"), lake.ReadOptions{})
	if err != nil {
		return nil, fmt.Errorf("table participants: %w", err)
	}
	defer releaseAll(held)
	was, is := localTimes(held...), localTimes(rows)
	moved := make(map[string]bool)
	for _, of := range []map[string]string{was, is} {
		for id := range of {
			if was[id] != is[id] {
				moved[id] = true
			}
		}
	}
	return moved, nil
}

// localTimes returns, as text, what local times and study days hang on, by participant.
func localTimes(participants ...arrow.RecordBatch) map[string]string {
	t := shapeNamed("participants")
	columns, of := t.places([]string{"timezone", "anchor_date"}), make(map[string]string)
	for _, b := range participants {
		ids := t.text(b, "participant_id")
		for row := range ids.Len() {
			of[strings.Clone(ids.Value(row))] = string(t.appendRow(nil, b, row, columns))
		}
	}
	return of
}

// everybodyUnlessSame returns the participants of rows, or nobody if these are the
// rows that lost files had.
func everybodyUnlessSame(files []lake.File, rows arrow.RecordBatch) (map[string]bool, error) {
	same, err := hadRows(files, rows)
	if same || err != nil {
		return nil, err
	}
	everybody := make(map[string]bool)
	ids := shapeNamed("participants").text(rows, "participant_id")
	for row := range ids.Len() {
		everybody[strings.Clone(ids.Value(row))] = true
	}
	return everybody, nil
}

// hadRows reports whether files had exactly rows, by what the manifest says: the
// files need not be readable.
func hadRows(files []lake.File, rows arrow.RecordBatch) (bool, error) {
	had, err := lake.LogicalHash(files...)
	if err != nil {
		return false, err
	}
	hash, err := lake.LogicalHashOf(rows)
	return hash == had, err
}

// due reports whether a table is to be written now. What runs says of this run
// is true once all is folded, so it waits for the last commit.
func (c *studyChange) due(table string) bool { return table != "runs" || c.last }

// written forgets what a commit has written. If runs had to wait for more
// answers, it is reason enough for another one.
func (c *studyChange) written(more bool) {
	for table, rows := range c.tables {
		if c.due(table) {
			rows.Release()
			delete(c.tables, table)
		}
	}
	c.moved, c.anew, c.matters = nil, nil, more && len(c.tables) > 0
}

func (c *studyChange) release() {
	for _, rows := range c.tables {
		rows.Release()
	}
}
