// Package load folds the raw log into the lake.
//
// The raw log is a write-ahead log, and the lake is a fold over it in log
// order: a [Loader] takes every answer after the manifest's log position,
// whoever fetched it, and commits in steps. Where the steps fall makes no
// difference to what is in the tables, and neither does how their rows lie in
// files; a lake replayed from the beginning equals the one that grew.
//
// A step has three parts.
//
// It decides. Which answers are of the account that their connection leads to
// (whose.go), and which empty ones are to be believed (shown.go), hangs on those
// before them in the log: what of them is needed stays in small tables. Then for each table of records, participant by participant, the rows
// held of the months concerned are read once and the answers applied to them in
// order (keyed.go): the newest answer wins (newest.go, upsert.go), and a row that
// it lacks though it should have it has vanished (vanish.go). What comes of it is a
// change per participant and month: rows to add, and places of rows to drop.
// Devices (devices.go) have versions instead; rejects, changes and requests only
// grow; coverage and its days (coverage.go, days.go) are counted on the way.
//
// It rewrites. Partition by partition the files that a change falls into are
// read and written again, participant by participant (layout.go, merge.go).
// Before a border instant a month's files hold disjoint ranges of participants,
// after it one UTC day each, so that what comes every hour touches little.
//
// It derives. The glucose of a month is a function of the present egvs of that
// month and its neighbours, and of the roster (glucose.go, package reading).
// Only rows that differ from those held are a change, which is applied the same
// way.
//
// The study's own tables (study.go) are written when they differ from those held
// (studychange.go).
//
// Who has withdrawn is left out from an instant on: answers lose those records
// before they are applied (withdrawal.go). What was folded before that was known
// is folded anew for the participant (anew.go), and what leaves the tables goes to
// a quarantine first (quarantine.go).
//
// An answer that changed nothing confirms what is held (answer.confirms); of these
// a Compactor leaves only the header in the log, and the fold takes the header for
// the answer.
//
// What is in memory is the rows of a step's answers, each once: they go when they
// have become changes, and those when their partition is written. Beside them
// there are one participant's rows at a time and a batch per open file. Decoding
// runs in parallel over answers, rewriting over partitions; the fold itself is
// sequential.
package load
