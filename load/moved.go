package load

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
)

// readingsHangOn are the columns of the study's tables by which readings are told:
// their local time and study day, and whether metrics leave them out.
var readingsHangOn = map[string][]string{
	"participants": {"timezone", "anchor_date"},
	"exclusions":   {"from_local", "to_local"},
}

// moved returns the participants whose readings may be others by the new tables than
// by the lake's.
func (l *Loader) moved(ctx context.Context, m lake.Manifest, c *studyChange) (map[string]bool, error) {
	moved := make(map[string]bool)
	for table := range readingsHangOn {
		if c.tables[table] == nil {
			continue
		}
		if err := l.addMoved(ctx, moved, table, m.TableFiles(table), c); err != nil {
			return nil, fmt.Errorf("table %s: %w", table, err)
		}
	}
	return moved, nil
}

// addMoved adds those of whom one of the tables says something else. If the lake's is
// lost, and is another one, that may be anybody.
func (l *Loader) addMoved(ctx context.Context, to map[string]bool, table string, files []lake.File, c *studyChange) error {
	rows := c.tables[table]
	if firstDamaged(files) != nil {
		same, err := hadRows(files, rows)
		for id := range c.people {
			if !same {
				to[id] = true
			}
		}
		return err
	}
	held, err := readAll(ctx, l.Lake, files, lake.ReadOptions{})
	if err != nil {
		return err
	}
	defer releaseAll(held)
	addUnequal(to, rowTexts(table, held...), rowTexts(table, rows))
	return nil
}

// rowTexts returns, as text, what readings hang on in rows of a table, by participant.
func rowTexts(table string, rows ...arrow.RecordBatch) map[string]string {
	t := shapeNamed(table)
	columns, of := t.places(readingsHangOn[table]), make(map[string]string)
	for _, b := range rows {
		ids := t.text(b, "participant_id")
		for row := range ids.Len() {
			of[strings.Clone(ids.Value(row))] += string(t.appendRow(nil, b, row, columns))
		}
	}
	return of
}

// addUnequal adds those of whom two maps say something else, or only one anything.
func addUnequal(to map[string]bool, a, b map[string]string) {
	for _, of := range []map[string]string{a, b} {
		for id := range of {
			if a[id] != b[id] {
				to[id] = true
			}
		}
	}
}
