// Package extract decides what is asked of the API and asks it: windows, plan,
// pace, retries. Every answer goes to the raw log as it was received; nothing is
// decoded here but dataRange.
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
//	trailing   the last 7 days (Run.Trailing), answered within 23 hours, so that
//	           a daily run may start early: edits and deletions. From the first
//	           instant of them that is due everything is, as far as one call
//	           reaches, for news bring them hour by hour. Or when wanted now
//	           (Run.TrailingNow): answered since Run.Since.
//	deep       once in 30 days (Run.Deep), each participant at another time of
//	           them: everything, answered since that time came; after a pause of a
//	           month, for which no news can be had, at once. Or when wanted now
//	           (Run.DeepNow): everything, answered since Run.Since.
//	refresh    an interval (Target.Interval), answered since Run.Since.
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
// the participant consented to (Consented; Part says what the roster's statuses
// mean). Alerts, which dataRange leaves out, are asked for from 24 hours before the
// first record of any other kind to 24 hours after the last, for some fire because
// readings are missing, or outlive theirs; but never beyond the server's time. So
// while the last record is younger than that each backfill may ask for a sliver
// more; a sync without news takes it along with the trailing days.
// Devices, which take no window, are asked for once a day.
//
// # Fetching
//
// A Fetcher works on a few participants at a time, in the order of their ids, so
// that the log holds them one after another; after runs that were stopped, others
// come first, see inOrder. Their windows run in parallel, oldest begun first; places for
// calls go to the participant that has fewest. All calls of an app keep one pace,
// shared with other processes through the Budget, of which a backfill leaves a part
// to syncs (BackfillBudget). A run that has used up its Quota or its MaxDuration
// begins no call and waits for those under way. A Forecast says what a run would
// ask, without asking. A request passes through layers of one small interface:
// retrying (5xx, timeouts, bodies that are no answer, token refreshes that the token
// source expects to work later), authorised (one renewal after a 401), and the app's
// pace. What still fails leaves its window open, which is to say: unanswered in the
// log.
//
// An error ends what it concerns, and nothing that is under way:
//
//	a window      what is left of 5xx, timeouts and bodies that are no answer; an
//	              answer that is too large even for a day; 204 where dataRange does
//	              not say that nothing is there
//	a resource    of this person in this run: a refusal, any 4xx but 408, 425 and 429.
//	              The next run asks for one window of it before the others
//	a connection  dataRange refused, no access token
//	an app        429 pauses it. An outage (5 calls in a row without an answer, of 2
//	              participants if there are as many; see outage) holds requests back,
//	              refreshes of tokens among them, and looks at the API until it
//	              answers. Both for 30 minutes at most, and not beyond MaxDuration:
//	              then the app is given up for this run, and so it is at once when the
//	              API asks to be left alone for longer
//	the run       the log, the budget or the claims cannot be used; a full disk; our
//	              clock is a day off
//
// An answer is appended even when the run is being interrupted. Two processes
// never fetch the same participant: they claim it first, and look at the log
// again once they have it.
//
// # Where a change goes
//
//	what is due        beats (the rule of each), demand, window, coverage
//	what is there      known (an answer of dataRange), index (the log)
//	what may be asked  consented, course
//	in which order     plan (of a connection), order (of participants); forecast
//	one run            fetch, participant, connection, report
//	one request        ask, retry; turns, pace, outage, share, quota (when)
//	what an error ends refusal, errors
package extract
