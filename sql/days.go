package sql

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"slices"
)

//go:embed day_hashes.sql
var dayHashes string

// DayHashes is a query over glucose_days: sum_of_hashes of each participant_id, day and
// local_date, for [DayInputs].
func DayHashes() string { return dayHashes }

//go:embed day_inputs.sql
var dayInputs string

// DayInputs is a query over the views [DayViews] and day_hashes, rows of [DayHashes] of all
// of glucose_days. It lists participant_id and local_date of every row of day_metrics, the
// days of UTC from first_day to last_day whose readings it follows from (null: from none),
// and inputs_hash, of all that it follows from.
func DayInputs() string { return dayInputs }

// DayViews are day_metrics and the views that it reads, each after those.
func DayViews() []string {
	return []string{
		"metric_preset", Internal + ".metric_settings", "study_intervals", Internal + ".linked_days", Internal + ".summed_days",
		Internal + ".value_scores", Internal + ".day_values", Internal + ".day_metrics",
	}
}

// DayTables are the tables that [DayViews] read.
func DayTables() []string {
	return []string{"glucose_days", "participants", "coverage", "withdrawals", "settings"}
}

// DayColumns are the columns of day_metrics that [DaysFrom] shows beside participant_id and
// local_date, in their order.
func DayColumns() (names []string) {
	for _, m := range Catalogue() {
		names = append(names, m.Name)
	}
	return names
}

// DayRules names the rules by which day_metrics computes: two programs with the same ones
// have the same rows of the same tables.
func DayRules() string {
	h := sha256.New()
	for _, v := range readViews() {
		if slices.Contains(DayViews(), v.Name) {
			fmt.Fprintln(h, v.Body)
		}
	}
	fmt.Fprintln(h, dayHashes, dayInputs)
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// DaysFrom is the statement that has internal.days read rows of day_metrics from a
// relation, which names local_date so.
func DaysFrom(relation string) string {
	return "create or replace view " + Internal + ".days as\nselect\n    participant_id, local_date,\n    " +
		metricList(Catalogue()...) + ",\nfrom " + relation + ";"
}
