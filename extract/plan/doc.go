// Package plan decides what to ask the API for, and asks nothing itself. Questions
// says what to ask dataRange first; Calls says what to ask given the answers. Both
// follow from a State: the job, what is consented, and what the log holds.
//
// The log is the only state: there is no cursor and no list of open windows that could
// disagree with it. An Index is built from the headers of the log: for each
// participant, connection and resource, which pieces of time were answered and when
// they were last asked. A Cache may keep it, so that a run reads only newer headers.
//
// # One rule
//
// A plan is a list of demands: a resource, a window, and how old its answer may
// be. Pieces of the window that have no answer, or an older one, are due. They are
// merged and cut into windows of at most 30 days. All beats are demands: the table in
// beats.go says what each wants.
//
// A sync demands news, trailing and deep, and backfills what earlier runs left open.
// Once a day it asks dataRange for everything: where a study was extended, news may
// have come while nobody was to ask for it. News up to the end of what is known are
// asked for apart from the rest, whose answers mostly say nothing new: compaction
// drops such answers whole.
//
// Windows are always cut to what dataRange shows at plausible times (from 2010 to a
// day ahead of the server) and to what the participant consented to (State.Consented).
// Where a connection to the same account was answered, that counts as shown: a record
// that is gone is in no dataRange, and stays in the tables until an answer lacks it.
// So a new connection is asked for all that the former ones were (State.Reached), and
// of another account nothing follows.
// DataRange leaves alerts out. They are asked for from 24 hours before the first record
// of any other kind to 24 hours after the last, but never beyond the server's time:
// some fire because readings are missing. So while the last record is younger than
// that, each backfill may ask for a sliver more; a sync without news takes it along
// with the trailing days. Devices, which take no window, are asked for once a day.
//
// # Where a change goes
//
//	what is due        beats (the rule of each), demand, window, coverage
//	what is there      shown (an answer of dataRange), index, kept (the log)
//	in which order     plan (of a connection), order (of participants); forecast
package plan
