//go:build linux || darwin

package report

import (
	"fmt"

	"github.com/dexetl/dexetl/metrics"
	"github.com/dexetl/dexetl/report/number"
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

// printed says a share as the bar of the ranges has it.
func printed(of summary, metric string) string {
	switch metric {
	case "tbr54_pct":
		return number.Together(shares(of), 0, 1)
	case "tbr70_pct":
		return number.Together(shares(of), 0, 2)
	case "tir_pct":
		return number.Together(shares(of), 2, 3)
	case "tar180_pct":
		return number.Together(shares(of), 3, 5)
	case "tar250_pct":
		return number.Together(shares(of), 4, 5)
	case "cv_pct":
		return number.Decimal(of.of(metric), 1) + " %"
	}
	return number.Percent(of.of(metric))
}
