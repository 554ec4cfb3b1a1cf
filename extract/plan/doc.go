// Package plan decides what to ask the API for, and asks nothing itself. Questions
// says what to ask dataRange first; Calls says what to ask given the answers. Both
// follow from a State: the job, what is consented, and what the log holds.
//
// # Nothing is remembered
//
// What the log holds is the only state. An Index is built from the headers of
// the log at the start of a run: for each participant, connection and resource
// the pieces of time that were answered and when they were last asked. There is
// no cursor and no list of open windows that could disagree with it. The index may
// be kept (Cache), so that a run reads only the headers that came since; it is used
// where it fits the log, made anew where it does not, and plans the same.
//
// # One rule
//
// A plan is a list of demands: a resource, a window, and how old its answer may
// be. The pieces of the window whose last answer is older, or that have none,
// are due; due pieces are merged and cut into windows of at most 30 days. All
// beats are demands:
//
//	backfill   everything that dataRange shows, answered whenever. So a second
//	           one asks only for what is not held and an interrupted one resumes.
//	news       what dataRange shows as uploaded since everything was held
//	           (lastSyncTime), from six hours before the newest record on,
//	           answered since this dataRange.
//	trailing   the last 7 days (Job.Trailing), answered within 23 hours, so that
//	           a daily run may start early: edits and deletions. From the first
//	           instant of them that is due everything is, as far as one call
//	           reaches, for news bring them hour by hour. Or when wanted now
//	           (Job.TrailingNow): answered since Job.Since.
//	deep       once in 30 days (Job.Deep), each participant at another time of
//	           them: everything, answered since that time came; after a pause of a
//	           month, for which no news can be had, at once. Or when wanted now
//	           (Job.DeepNow): everything, answered since Job.Since.
//	refresh    all that is consented of an interval, answered since Job.Since.
//
// What reaches to the end of what is known as news is asked for apart from the
// rest, whose answers then mostly say nothing new: compaction drops such ones
// whole.
//
// A sync demands news, trailing and deep, and what earlier runs left open: never
// answered, it is due by the rule of the backfill. For the latter it asks dataRange
// once a day for everything: what was recorded after the end of a study that is
// extended now was news when nobody was to ask for it. The time sent as lastSyncTime
// is computed too: see Known.settled. Windows are always cut to what dataRange
// shows at plausible times (from 2010 to a day ahead of the server) and to what
// the participant consented to (Consented). Alerts, which dataRange leaves out, are asked for from 24 hours before the
// first record of any other kind to 24 hours after the last, for some fire because
// readings are missing, or outlive theirs; but never beyond the server's time. So
// while the last record is younger than that each backfill may ask for a sliver
// more; a sync without news takes it along with the trailing days.
// Devices, which take no window, are asked for once a day.
//
// # Where a change goes
//
//	what is due        beats (the rule of each), demand, window, coverage
//	what is there      known (an answer of dataRange), shown, index, kept (the log)
//	what may be asked  consented
//	in which order     plan (of a connection), order (of participants); forecast
package plan
