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
// by the lake's. If one of the lake's is lost, and is another one, that may be anybody.
func (l *Loader) moved(ctx context.Context, m lake.Manifest, c *studyChange) (map[string]bool, error) {
	moved := make(map[string]bool)
	for table, columns := range readingsHangOn {
		rows, files := c.tables[table], m.TableFiles(table)
		if rows == nil {
			continue
		}
		if firstDamaged(files) != nil {
			same, err := hadRows(files, rows)
			if err != nil {
				return nil, fmt.Errorf("table %s: %w", table, err)
			}
			for id := range c.people {
				if !same {
					moved[id] = true
				}
			}
			continue
		}
		held, err := readAll(ctx, l.Lake, files, lake.ReadOptions{})
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", table, err)
		}
		addUnequal(moved, rowTexts(table, columns, held...), rowTexts(table, columns, rows))
		releaseAll(held)
	}
	return moved, nil
}

// rowTexts returns what rows say in some columns, as text, by participant.
func rowTexts(table string, columns []string, rows ...arrow.RecordBatch) map[string]string {
	t := shapeNamed(table)
	places, of := t.places(columns), make(map[string]string)
	for _, b := range rows {
		ids := t.text(b, "participant_id")
		for row := range ids.Len() {
			of[strings.Clone(ids.Value(row))] += string(t.appendRow(nil, b, row, places))
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
