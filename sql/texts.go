package sql

import (
	_ "embed"
	"strings"
)

// Texts that several views have in common, so that each metric is defined once.

//go:embed value_scores.sql
var valueScores string

//go:embed value_sums.sql
var valueSums string

//go:embed metric_formulas.sql
var metricFormulas string

// riskRange is the highest risk of a low plus that of a high, in 1e-15.
const riskRange = "round(1e15 * scale * (if(lowest_risk < 0, lowest_risk ** 2, 0) + if(highest_risk > 0, highest_risk ** 2, 0)))::hugeint"

// columns are those of a text, without the comment above them and the last comma.
func columns(text string) string {
	for strings.HasPrefix(text, "--") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.TrimRight(text, ",\n")
}

// scopeFormulas are those of scope_metrics.
func scopeFormulas() string {
	return formulas("part, adrr, ", "s.adrr", "internal.scope_values d\n        on d.participant_id = s.participant_id\n        and d.scope = s.scope\n        and d.part = s.part")
}

// dayFormulas are those of day_metrics.
func dayFormulas() string {
	return formulas("", "d.risk_range / 1e15", "internal.day_values d\n        on d.participant_id = s.participant_id\n        and d.local_date = s.first_date")
}

// formulas are those of a view that has columns of its own, ADRR and the values of its
// intervals.
func formulas(own, adrr, values string) string {
	return columns(strings.NewReplacer("{own}", own, "{adrr}", adrr, "{values}", values).Replace(metricFormulas))
}
