//go:build linux || darwin

package report

import (
	"fmt"

	"github.com/dexetl/dexetl/metrics"
	"github.com/dexetl/dexetl/report/page"
)

// targetsOf are the metrics that the consensus bounds, with what it says of them.
func targetsOf(of summary) (all []page.Target) {
	place := map[string]int{}
	for _, t := range metrics.Targets() {
		i, known := place[t.Metric]
		if !known {
			i = len(all)
			place[t.Metric] = i
			all = append(all, page.Target{Metric: t.Metric, Value: of.of(t.Metric), Printed: printed(of, t.Metric)})
		}
		v := page.Verdict{Goal: goal(t)}
		v.Met, v.Known = t.Met(of.of(t.Metric))
		for column, population := range []metrics.Population{metrics.Adults, metrics.HighRisk, metrics.Pregnancy} {
			if population == t.Population {
				all[i].Of[column] = v
			}
		}
	}
	return all
}

// goal says a target's bound.
func goal(t metrics.Target) string {
	sign := "<"
	switch {
	case t.Above:
		sign = ">"
	case t.Inclusive:
		sign = "≤"
	}
	return fmt.Sprintf("%s %g %%", sign, t.Bound)
}

// boundsOf are those of a metric, of all populations.
func boundsOf(metric string) (bounds []float64) {
	for _, t := range metrics.Targets() {
		if t.Metric == metric {
			bounds = append(bounds, t.Bound)
		}
	}
	return bounds
}

// printed says a metric so that it agrees with what is said of its targets.
func printed(of summary, metric string) string {
	decimals := 0
	if metric == "cv_pct" {
		decimals = 1
	}
	return page.Beside(of.of(metric), decimals, boundsOf(metric)...)
}
