package sql

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// Days is the view whose rows a snapshot may have in files: [PackedDays] makes them,
// [DaysFrom] reads them.
const Days = "daily_metrics"

//go:embed day_hashes.sql
var dayHashes string

// DayHashes is a query over glucose_days: sum_of_hashes of each participant_id, day and
// local_date, for [DayInputs].
func DayHashes() string { return dayHashes }

//go:embed day_inputs.sql
var dayInputs string

// DayInputs is a query over the views [DayViews], span_metrics, and day_hashes, rows of
// [DayHashes] of all of glucose_days. It lists participant_id and local_date of every row of
// daily_metrics, the days of UTC from first_day to last_day whose readings it follows from
// (null: from none), and inputs_hash, of all that it follows from.
func DayInputs() string { return dayInputs }

// DayViews are daily_metrics and the views that it reads, each after those.
func DayViews() []string {
	return []string{
		"metric_preset", Internal + ".metric_settings", "study_intervals", Internal + ".linked_days", Internal + ".summed_days",
		Internal + ".value_scores", Internal + ".day_values", Internal + ".day_metrics", Internal + ".spans", Days,
	}
}

// DayTables are the tables that [DayViews] read, but for span_metrics.
func DayTables() []string {
	return []string{"glucose_days", "participants", "coverage", "withdrawals", "settings"}
}

// DayRules names the rules by which [PackedDays] computes: programs with the same ones have
// the same rows of the same tables.
func DayRules() string {
	h := sha256.New()
	for _, v := range readViews() {
		if slices.Contains(DayViews(), v.Name) {
			fmt.Fprintln(h, v.Body)
		}
	}
	fmt.Fprintln(h, dayHashes, dayInputs, PackedDays())
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// PackedDays is a query over daily_metrics with its rows as files have them: all numbers of
// a row are one column, of double, which holds whole ones to 2^53. To read many columns of
// a few rows costs what the columns are.
func PackedDays() string {
	texts, numbers := packing()
	for i, name := range numbers {
		numbers[i] = name + "::double"
	}
	return "select\n    " + strings.Join(texts, ", ") + ",\n    [" + strings.Join(numbers, ", ") + "] as numbers,\nfrom " + Days
}

// DaysFrom is the statement that has daily_metrics read rows of [PackedDays] of a relation.
func DaysFrom(relation string) string {
	_, numbers := packing()
	v := view(Days)
	columns := make([]string, len(v.Columns))
	for i, c := range v.Columns {
		columns[i] = c.Name
		if at := slices.Index(numbers, c.Name); at >= 0 {
			columns[i] = fmt.Sprintf("numbers[%d]::%s as %s", at+1, v.Types[c.Name], c.Name)
		}
	}
	return "create or replace view " + Days + " as\nselect\n    " + strings.Join(columns, ",\n    ") + ",\nfrom " + relation + ";"
}

// packing divides the columns of daily_metrics: those that are no numbers are columns of
// the files, too.
func packing() (texts, numbers []string) {
	v := view(Days)
	for _, c := range v.Columns {
		switch v.Types[c.Name] {
		case "double", "bigint", "integer", "smallint", "boolean":
			numbers = append(numbers, c.Name)
		default:
			texts = append(texts, c.Name)
		}
	}
	return texts, numbers
}
