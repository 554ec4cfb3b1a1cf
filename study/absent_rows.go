package study

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
)

// inRows looks into all rows of the state.
func (a *absence) inRows(ctx context.Context) error {
	tables, err := a.study.Store.Tables(ctx)
	if err != nil {
		return err
	}
	for _, table := range tables {
		err := a.study.Store.EachRow(ctx, table, func(columns []string, values []any) {
			if a.onlyName(table, columns, values) {
				return
			}
			for i, v := range values {
				text := fmt.Append(nil, v)
				if b, is := v.([]byte); is {
					text = b
				}
				if a.named(text) {
					a.found(filepath.Join(a.study.StatePath(), "state.db"), "table "+table+", column "+columns[i], 1)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	a.out.Files++
	return nil
}

// onlyName reports whether a row is one that keeps the name of the participant, and
// nothing else.
func (a *absence) onlyName(table string, columns []string, values []any) bool {
	if i := slices.Index(columns, "participant_id"); i < 0 || values[i] != a.id {
		return false
	}
	empty := func(names ...string) bool {
		for i, v := range values {
			if slices.Contains(names, columns[i]) && v != "" {
				return false
			}
		}
		return true
	}
	switch table {
	case "participants":
		return empty("site", "cohort", "arm", "status_date", "consent_date", "anchor_date", "study_start", "study_end", "timezone", "region")
	case "withdrawals":
		return empty("reason", "who")
	case "erasures":
		return empty("reason")
	}
	return false
}
