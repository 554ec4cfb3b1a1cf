// Package extract asks the API for what a plan says. Every answer goes to the raw
// log as it was received; nothing is decoded here but dataRange. What is asked for is
// decided by package plan.
//
// # Fetching
//
// A Fetcher works on a few participants at a time, in the order of their ids, so
// that the log holds them one after another; after runs that were stopped, others
// come first, see plan.InOrder. Their windows run in parallel, oldest begun first; places for
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
//	who may be asked   course, participant
//	one run            fetch, participant, connection, report; forecast
//	one request        ask, retry; turns, pace, outage, share, quota (when)
//	what an error ends refusal, errors
package extract
