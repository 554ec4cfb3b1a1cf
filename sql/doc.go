// Package sql holds the views of the lake: the .sql files that anybody with
// DuckDB can read, and what Go needs to create and describe them.
//
// The views stand on relations named as the tables of the lake (glucose, egvs,
// participants, …) and use nothing but DuckDB's built-ins, so a client needs no
// extension and no function of ours. They are plain queries: each metric is
// computed when it is asked for, and a filter on participant_id reaches the
// scan.
//
// The metrics exist once. spaced_readings is glucose without what metrics leave
// out; metric_scopes lists every interval of interest (the study, its days, its
// 14-day periods, the analysis windows); metric_readings puts the ones into the
// others and scope_metrics aggregates. participant_metrics, daily_metrics,
// period_metrics and window_metrics are projections of it. A [Selection]
// replaces metric_scopes by intervals of its own and reuses the rest as it
// stands.
//
//	glucose, exclusions ─► spaced_readings ──────────────────┐
//	                          │                              ├► metric_readings
//	roster, coverage ► study_intervals ─► metric_scopes ─────┘        │
//	windows ──────────────────────────────────┘   └────────► scope_metrics ─► *_metrics
//
// The successive readings of a participant are sorted once, in spaced_readings:
// that window is the dearest part of every metric. What only readings of several
// cadences need (study_intervals.is_mixed) is behind filters that nobody else
// passes, and the median gap, which the preset iglu needs, is computed for that
// preset alone: DuckDB drops what the preset, a constant, excludes. The day grid
// of the R package iglu, which interpolates between readings under rules for
// gaps, is in package metrics: in SQL it would need a row per grid point before
// the first percentile.
//
// catalogue.csv is the one description of the metrics: the view
// metric_catalogue and the column comments come from it. Other columns are
// described in the header of their view. Package metrics computes the same
// numbers in Go and is what the tests hold them against.
//
// DuckDB binds a view, and all that it stands on, when it is created and wherever
// it is named, which is why metric_scopes names study_intervals in one place.
// (metric_readings names metric_scopes twice: through a CTE the filter on one
// participant would cost half as much again.) [Create] spares a session most of
// it: each view is bound over empty ones, whose columns are in empty.sql. Whoever
// changes the columns of a view has that written anew, as its head says.
package sql
