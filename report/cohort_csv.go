//go:build linux || darwin

package report

import (
	"math"
	"strings"

	"github.com/dexetl/dexetl/report/page"
	"github.com/dexetl/dexetl/table"
)

// A csvColumn is one of cohort.csv.
type csvColumn struct {
	name, kind string // kind as DuckDB names types
	of         func(page.CohortRow, person) any
}

// csvColumns are those of cohort.csv, without what is hidden.
func (w *work) csvColumns() []csvColumn {
	all := []csvColumn{
		{"participant_id", "VARCHAR", func(r page.CohortRow, _ person) any { return r.ID }},
		{"site", "VARCHAR", func(r page.CohortRow, _ person) any { return orNull(r.Site) }},
		{"cohort", "VARCHAR", func(r page.CohortRow, _ person) any { return orNull(r.Cohort) }},
	}
	if w.Unblinded {
		all = append(all, csvColumn{"arm", "VARCHAR", func(r page.CohortRow, _ person) any { return orNull(r.Arm) }})
	}
	all = append(all,
		csvColumn{"status", "VARCHAR", func(_ page.CohortRow, p person) any { return orNull(p.Who.Status) }},
		csvColumn{"consent", "VARCHAR", func(r page.CohortRow, _ person) any { return r.Consent }},
		csvColumn{"needs_human", "BOOLEAN", func(r page.CohortRow, _ person) any { return r.NeedsHuman }},
		csvColumn{"to_do", "VARCHAR", func(r page.CohortRow, _ person) any { return orNull(r.ToDo) }},
		csvColumn{"newest_reading_utc", "TIMESTAMP", newestUTC},
		csvColumn{"lag_min", "DOUBLE", lagMin},
		csvColumn{"coverage_14d_pct", "DOUBLE", func(r page.CohortRow, _ person) any { return numberOrNull(r.Covered14) }},
		csvColumn{"coverage_30d_pct", "DOUBLE", func(r page.CohortRow, _ person) any { return numberOrNull(r.Covered30) }},
		metricColumn("first_date", "DATE"), metricColumn("last_date", "DATE"),
		metricColumn("active_window_pct", "DOUBLE"), metricColumn("sufficient", "BOOLEAN"),
		csvColumn{"too_little_data", "BOOLEAN", func(r page.CohortRow, _ person) any { return r.Dates.TooLittle() }})
	if w.blinded {
		return all
	}
	for _, name := range append([]string{"tir_pct", "tbr54_pct", "cv_pct", "gmi_pct", "gri", "gri_hypo", "gri_hyper"}, rangeColumns()...) {
		all = append(all, metricColumn(name, "DOUBLE"))
	}
	return append(all, metricColumn("gri_zone", "VARCHAR"))
}

// metricColumn is a metric, not rounded.
func metricColumn(name, kind string) csvColumn {
	return csvColumn{name, kind, func(_ page.CohortRow, p person) any { return p.metrics.value(name) }}
}

func newestUTC(r page.CohortRow, _ person) any {
	if r.Newest.IsZero() {
		return nil
	}
	return r.Newest.UTC()
}

func lagMin(r page.CohortRow, _ person) any {
	if r.Newest.IsZero() {
		return nil
	}
	return r.Age.Minutes()
}

// writeCohortCSV writes the rows of the page as a file.
func (w *work) writeCohortCSV(rows []page.CohortRow) error {
	columns, t := w.csvColumns(), table.Table{}
	for _, c := range columns {
		t.Columns, t.Kinds = append(t.Columns, c.name), append(t.Kinds, c.kind)
	}
	for i, p := range w.people {
		row := make([]any, len(columns))
		for k, c := range columns {
			row[k] = c.of(rows[i], p)
		}
		t.Rows = append(t.Rows, row)
	}
	var b strings.Builder
	if err := t.Write(&b, table.SafeCSV); err != nil {
		return err
	}
	return w.put(cohortCSV, []byte(b.String()))
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func numberOrNull(x float64) any {
	if math.IsNaN(x) {
		return nil
	}
	return x
}
