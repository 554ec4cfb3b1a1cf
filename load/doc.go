// Package load folds the raw log into the lake.
//
// The raw log is a write-ahead log, and the lake is a fold over it in log
// order: a [Loader] takes every answer after the manifest's log position,
// whoever fetched it, and commits in steps. Where the steps fall, and how rows lie
// in files, makes no difference to what is in the tables: a lake replayed from the
// beginning equals the one that grew. A step has three parts.
//
// It decides. Small tables tell of which account answers are (whose.go) and which
// empty ones to believe (shown.go). Then, table by table and participant by
// participant, the rows held that may matter are read once (reach.go) and the answers
// applied in order (keyed.go): the newest one wins (newest.go, upsert.go), and a
// row that it lacks though it should have it has vanished (vanish.go). Devices have
// versions instead (devices.go); rejects, changes and requests only grow; coverage
// and its days are counted on the way (coverage.go, days.go). What comes of it is a
// change per participant and month: rows to add, and places of rows to drop.
//
// It derives. The glucose of a month is a function of the present egvs of that
// month and its neighbours, and of the roster (glucose.go, egvrows.go, package
// reading). It is made of the rows in hand when a participant's egvs are decided, and
// of those of neighbouring months; rows that differ from those held are a change
// like any other.
//
// It rewrites. The files that a change falls into are read and written again
// (layout.go, merge.go). Files hold disjoint ranges of participants: before a border
// instant of a month, after it of one UTC day each, so that what comes every hour
// touches little. A backfill comes participant by participant, and so does each of its
// commits: it adds files of its own, and files that nothing changes any more are joined
// with others of their size (units.go).
//
// The study's own tables (study.go) are written when they differ from those held
// (studychange.go). Answers lose the records of who has withdrawn before they are
// applied (withdrawal.go). What was folded before that was known is folded anew
// (anew.go), and what leaves the tables goes to a quarantine first (quarantine.go).
// Of an answer that changed nothing (answer.confirms) a [Compactor] leaves only the
// header in the log, and the fold takes the header for the answer.
//
// In memory are the rows of a step's answers, each once, and the readings made of
// them, until their partition is written; beside them the rows of one participant
// for each thread, and a batch per open file. Answers are decoded, readings made and
// partitions rewritten in parallel; the fold itself is sequential.
package load
