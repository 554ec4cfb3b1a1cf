// Package lake keeps the data files of a study and says which of them count.
//
// A lake is a folder:
//
//	data/<table>/month=2026-03/0123456789abcdef.parquet   immutable, named by its content
//	data/<table>/0123456789abcdef.parquet                 tables without months
//	data/.staging/                                        files being written
//	manifests/000000000123.json                           snapshot 123: which files, up to where in the raw log
//	load.lock                                             who may commit; a flock, and who holds it
//
// A manifest is the truth. It lists every file of one snapshot, with its
// checksum, size, rows and ranges, and the position in the raw log up to which
// the answers are in it, so that there is no cursor to keep elsewhere. The
// newest manifest is the lake; a file that no manifest lists does not exist for
// anybody and is removed when the lock is next taken. Manifests and files are
// never changed after they appear.
//
// A commit therefore needs no undo. Files are written under a staging name,
// their footer is read back, they are made durable and renamed; then the
// manifest is written the same way and appears by link(2), which fails if
// another process made the same snapshot. Whoever dies at any point in between
// leaves the old snapshot or the new one, and leftovers.
//
// One process at a time commits: the one that holds the load lock. Readers need
// no lock at all.
//
// The order of rows, which rows go to which file, and what a row means are the
// caller's business: this package knows tables from [transform.Table] and
// looks only at the columns it needs for a file's ranges and its logical hash.
package lake
