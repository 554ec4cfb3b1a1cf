// Package metrics computes the metrics of continuous glucose monitoring as
// pure arithmetic.
//
// It is the second implementation of what the SQL views compute: written from
// the papers, tested against published values, and the oracle that the views
// are held against. It is also the home of what SQL says badly: the day grid
// of the R package iglu, whose interpolation depends on neighbouring readings
// and on rules for gaps, is in [NewGrid].
//
// Conventions. Glucose is in mg/dL, shares are percent, 0 to 100. A result
// that does not exist (the mean of nothing, the deviation of one value) is
// NaN; nothing is defaulted. Elapsed time is measured in UTC, days and times of
// day on the wall clock the person saw.
package metrics
