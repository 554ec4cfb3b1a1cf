package study

import "slices"

// Measured reports whether a table or view tells of glucose, events or alerts: a blinded
// study (study.blinding) shows it to those alone who are unblinded.
func Measured(name string) bool {
	return !slices.Contains([]string{
		"participants", "connections", "windows", "exclusions", "withdrawals", "settings", "runs", "audit",
		"requests", "coverage", "coverage_days", "devices", "metric_catalogue", "metric_preset",
	}, name)
}
