// Package call sends one request and brings its answer, as often as it takes.
//
// A request goes along a Line, through layers of one interface, Doer: retrying (5xx,
// timeouts, bodies that are no answer, token refreshes that the token source expects
// to work later), authorised (one renewal after a 401), and the Gate of its app. The
// gate gives places to the participant that has fewest. How many calls there are to make, and
// when, the Budget says, which all processes share (see state.Share); a backfill leaves a
// part of it to syncs (BackfillBudget).
//
// A 429 pauses the app, and ends calls at once for an hour. An outage (5 calls in a row
// without an answer, of 2 participants if there are as many) holds requests back,
// refreshes of tokens among them, and looks at the API until it answers. Both last for 30 minutes at most, and
// not beyond the run: then the app is given up, and so it is at once when the API asks
// to be left alone for longer.
//
// # Where a change goes
//
//	how it is sent   ask (the layers), retry, gate
//	when             hold (why not now), turns, limit, outage, share, quota
//	what came of it  entry (into the log; the clock), errors
package call
