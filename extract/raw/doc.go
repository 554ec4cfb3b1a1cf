// Package raw is the raw log of a study: every answer of the API as it was
// received, in the order in which the answers were written. It is the
// write-ahead log of the lake: the tables are a fold over it, and the position
// up to which they have been folded is the only cursor there is.
//
// A log is a sequence of segments, numbered from 1 without a gap, at most 64 MB
// long unless a single answer is longer. docs/raw-log.md specifies them byte by
// byte. An end mark closes a segment before the next one is created. So an
// appender that knows the end of a segment learns from its length alone whether
// another process went on, and a segment that lost its tail cannot pass as a
// short one.
//
// Compact replaces a closed segment by one of another format, with the same
// entries at the same positions in far less room; bodies that the caller has no
// need of are dropped, headers never.
//
// # Appending
//
// Any number of processes append. The lock serialises them; the order of the
// groups in the log is the order of the log. Within a process the first caller
// to find nobody writing leads: it writes what has queued up, in one write and
// one fsync, and hands the lead to the next caller that waits. No goroutine is
// ever started.
//
// # Crashes and damage
//
// An append that a crash interrupted leaves a torn tail: fewer bytes than the
// last prefix announces, or zeros up to the end of the file where the file
// system had grown it but not filled it. Nothing in it was acknowledged. Readers
// stop in front of it and the next append cuts it off. All else that does not
// fit is damage, and a *DamageError says where: nothing is skipped, and nothing
// acknowledged is cut. Readers take the lock for a moment to learn the end of the
// log, so they never see an answer that is about to become durable. One of an
// appender who was killed they may see: Log.Sync makes it durable.
//
// A folder of the log that cannot be read is an error of whoever lists segments,
// readers and appenders alike: without it the log would look shorter, and numbers
// would be given out again.
package raw
