package load

import (
	"context"
	"fmt"

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
	moved   map[string]bool              // participants whose readings may be told otherwise
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
	if c.moved, err = l.moved(ctx, m, c); err != nil {
		return c, err
	}
	if c.tables["withdrawals"] != nil && m.LogPosition != (raw.Position{}) {
		if c.anew, err = l.withdrawnAnew(ctx, study, m); err != nil {
			return c, err
		}
	}
	return c, nil
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
