// Package state is the file in which a study remembers what it must not lose, and by
// which its processes agree. It owns the file; packages cohort and consent own the
// rows of people and of their consents in it.
//
// It is one SQLite file, state.db, in a folder only its owner can read. Every
// write is one transaction with synchronous=FULL: when a method returns, what
// it wrote survives a power cut. One process writes at a time, the others wait
// up to ten seconds; readers never wait. Within a process one database
// connection is used, so callers queue fairly; single statements that wait at the same
// time share a transaction (see group.go).
//
// Beside it the file reserve holds a megabyte that is given up for an answer
// with tokens when the disk is full (see room.go).
//
// Beside it stands the audit trail, audit.jsonl: every change of the study
// appends a line to it before Change returns (see audit.go, and docs/audit.md).
//
// Its own tables are meta, leases (see Lease; one ends with its process, see holder),
// call_buckets (what was granted of an app's calls, see Share), runs, warned (see FirstSeen), audit_head and audit_pending. All
// tables are made by the migrations here.
//
// What is deleted is overwritten in the file; Scrub then empties the log.
//
// Instants are UTC and stored as microseconds (Micros, Instant); the zero time.Time
// is absence.
package state
