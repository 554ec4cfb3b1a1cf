// Package sql holds the views of the lake: the .sql files that anybody with
// DuckDB can read, and what Go needs to create and describe them.
//
// The views stand on relations named as the tables of the lake (glucose, egvs,
// participants, …) and use nothing but DuckDB's built-ins, so a client needs no
// extension and no function of ours. They are plain queries: each metric is
// computed when it is asked for, and a filter on participant_id reaches the
// scan.
//
// The metrics exist once, over the sums of glucose_days, not over readings.
// linked_days adds what lies between two days, summed_days adds up local dates, and
// local_days says how long those are;
// metric_scopes lists every interval of interest (the study, its days, its 14-day
// periods, the analysis windows), and scope_values how often each value occurs in
// each. scope_metrics puts these together; participant_metrics,
// period_metrics and window_metrics are projections of it. A day needs less, so
// daily_metrics has day_values and day_metrics of its own, which have their formulas in
// common with those of scopes (value_scores.sql, value_sums.sql, metric_formulas.sql).
// All of these but the last are in the schema internal. A [Selection] replaces metric_scopes by intervals of
// its own and reuses the rest as it stands.
//
//	glucose_days ─► linked_days ─► summed_days ─► local_days ───┐
//	     │ └───────────────────────────────► scope_values ──────┤
//	roster, coverage ► study_intervals ─► metric_scopes ► scope_dates
//	windows ──────────────────────────────────┘                 └► scope_metrics ─► *_metrics
//
// A snapshot may have the rows of daily_metrics in files: [PackedDays] and [DaysFrom].
// Which of them are as they were, [DayInputs] says.
//
// metric_settings has the thresholds that hold for a snapshot. latest.sql narrows the
// scopes of a Selection to the latest days that have enough data. What is about
// single readings (meals, meter_pairs, day_night_metrics) stands on glucose itself;
// meals and meter values find their readings by pieces of time that are equal, as a
// join by inequality takes hours over ten million of them.
//
// glucose_days.sql is the same table as a query over glucose. It serves snapshots
// that lack it, data that never saw a lake, and rules that are not its own: the preset
// iglu, and sentinels that are left out. What is a sum of functions of values is added
// up in whole numbers, which are the same in whatever order.
//
// Where a name is both a column and an alias of one select clause, DuckDB takes the
// column: no alias here is named as a column beside it.
//
// A sensor session is no dates, and days are not divided: sensor_metrics has the same
// relations over the readings of each session, made of the same texts.
//
// catalogue.csv, catalogue_spans.csv (what depends on the order of readings) and
// catalogue_families.csv (what has a view of its own) are the one description of the
// metrics: the view metric_catalogue, docs/metrics.md and the column comments come from
// them. Other columns are described in the header of their view. Package metrics computes the same
// numbers in Go and is what the tests hold them against.
//
// DuckDB binds a view, and all that it stands on, when it is created and wherever
// it is named, which is why metric_scopes names study_intervals in one place. [Create] spares a session most of
// it: each view is bound over empty ones, whose columns are in empty.sql. Whoever
// changes the columns of a view has that written anew, as its head says.
package sql
