// Package metrics computes the metrics of continuous glucose monitoring as
// pure arithmetic.
//
// It computes what is sequential, and SQL says badly: what depends on the order
// of readings is in [Variability], of grids that [Grids] lays through them. Of
// what the SQL views compute it is the second implementation: written from the
// papers, tested against published values, and the oracle that the views are
// held against.
//
// Metrics of values need no order: they are of a [Distribution], which [Counts] by
// value give. Counts of days add up to those of any interval, the same in any
// order. [Episodes], [Responses] to meals, [PairMeter] and the choice of days by
// a [SufficiencyRule] take readings as they are, not interpolated.
//
// Conventions. Glucose is in mg/dL, shares are percent, 0 to 100. A result
// that does not exist (the mean of nothing, the deviation of one value) is
// NaN; nothing is defaulted. Elapsed time is measured in UTC, days and times of
// day on the wall clock the person saw.
package metrics
