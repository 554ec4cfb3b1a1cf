// Package state keeps what a study must remember between runs and must not
// lose: its participants and their analysis windows, the connections to Dexcom
// accounts with their sealed tokens, and the few rows by which several
// processes agree (claims, leases, the call budget).
//
// It is one SQLite file, state.db, in a folder only its owner can read. Every
// write is one transaction with synchronous=FULL: when a method returns, what
// it wrote survives a power cut. One process writes at a time, the others wait
// up to ten seconds; readers never wait. Within a process one database
// connection is used, so callers queue fairly and context cancels the wait.
//
// Beside it the file reserve holds a megabyte that is given up for an answer
// with tokens when the disk is full (see room.go).
//
// Beside it stands the audit trail, audit.jsonl: every change of the study
// appends a line to it before the method that made it returns (see change in
// audit.go, and docs/audit.md).
//
// Three groups of tables:
//
//   - The study: participants (the roster plus a paused flag), windows,
//     exclusions. They come from CSV files that people edit, so an import
//     either takes the whole file or nothing, and names every bad line. And
//     withdrawals, after which no grant of the participant is taken any more.
//   - The grants: connections, tokens, refresh_intents, token_answers,
//     refresh_tries, oauth_states, unconfirmed, invitations, imported_tokens. Their order of writing is
//     the refresh protocol of package consent; what a row means for it stands
//     with the methods here. Tokens arrive sealed and leave sealed: nothing in
//     this package can read one. Each row that says whose data an answer becomes
//     carries a seal, made with the key's Keyed hash (owner.go).
//   - The processes: leases (claims on participants, syncs under way, refresh
//     leases on connections; one ends with its process, see holder),
//     call_buckets, runs, fetch_outcomes, fetch_refusals, warned (see FirstSeen).
//
// What the audit trail says of the study and the database does not, Forgotten tells:
// state.db is older than the trail then, or was edited.
//
// A connection belongs to nobody until Settle has seen which Dexcom account it
// leads to: that is where "one account, one participant at a time" is kept, and
// where an account changes hands at an instant (Changeover). What EndConnection
// destroys is overwritten in the file; Scrub then empties the log.
//
// Instants are UTC and stored as microseconds; dates are kept as text and
// handed out as midnight UTC of that date; the zero time.Time is absence.
package state
