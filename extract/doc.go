// Package extract asks the API for what is due. Package plan says what that is, and
// package call sends each request. Every answer goes to the raw log as it was received;
// nothing is decoded here but dataRange.
//
// A Fetcher works on a few participants at a time, in the order of their ids, so
// that the log holds them one after another; after runs that were stopped, others
// come first, see plan.InOrder. Their windows run in parallel, oldest begun first. A
// run that has used up its Quota or its MaxDuration begins no call and waits for those
// under way. What fails leaves its window open: unanswered in the log.
//
// An error ends what it concerns, and nothing that is under way:
//
//	a window      what is left of 5xx, timeouts and bodies that are no answer; an
//	              answer that is too large even for a day; 204 where dataRange does
//	              not say that nothing is there
//	a resource    of this person in this run: a refusal, any 4xx but 408, 425 and 429.
//	              The next run asks for one window of it before the others
//	a connection  dataRange refused, no access token
//	an app        given up after refusals as too many, or an outage: see package call
//	the run       the log, the budget or the claims cannot be used; a full disk; our
//	              clock is a day off
//
// An answer is appended even when the run is being interrupted. Two processes
// never fetch the same participant: they claim it first, and look at the log
// again once they have it.
//
// # Where a change goes
//
//	who is asked        participant (who may be: package cohort)
//	one run             fetch (what it takes), run, bounds, participant, claim, connection,
//	                    answer, report; forecast
//	what an error ends  refusal, judge (what errors of consents mean)
package extract
