package plan

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// What each beat wants, of which the pieces that were not answered since are due:
//
//	backfill   everything that dataRange shows, or that other connections to the
//	           account were answered, answered whenever through this one. So a second
//	           one asks only for what is not held and an interrupted one resumes.
//	news       what dataRange shows as uploaded since everything was held
//	           (lastSyncTime, see Shown.heldUpTo), from six hours before the newest
//	           record on, answered since this dataRange.
//	trailing   the last 7 days (Job.Trailing), for edits and deletions, answered
//	           within 23 hours, so that a daily run may start early. A window begins
//	           with what is due and is as long as one call allows. Or when wanted
//	           now (Job.TrailingNow): answered since Job.Since.
//	deep       everything, once in 30 days (Job.Deep), each participant at another
//	           time of them; after a month's pause, for which no news can be had, at
//	           once. Or when wanted now (Job.DeepNow): answered since Job.Since.
//	refresh    all that is consented of an interval, answered since Job.Since.
const (
	// overlap is read again in front of what is new: the newest records of the
	// last answer may have been incomplete.
	overlap = 6 * time.Hour

	defaultTrailing = 7 * 24 * time.Hour  // is read again
	defaultDeep     = 30 * 24 * time.Hour // everything is read again

	// What is done once a day is due after 23 hours: cron starts a daily sync some
	// seconds earlier than the day before, or asks this participant sooner, and
	// with a full day that sync would leave it to the next.
	trailingEvery = 23 * time.Hour
	devicesEvery  = 23 * time.Hour
)

// backfillDemands wants everything within bounds that is known when full is shown.
// Events and calibrations of which nothing is known are left to the deep beat.
func (s State) backfillDemands(full Shown, bounds Window) []demand {
	var demands []demand
	known := s.known(full)
	for _, r := range s.windowed() {
		if w := known[r].Intersect(bounds); !w.Empty() {
			demands = append(demands, demand{r, w, time.Time{}, BeatBackfill})
		}
	}
	return demands
}

// A syncState is what a sync plans from.
type syncState struct {
	of        State     // its job complete, its time in whole seconds: the API knows no fractions
	full      Shown     // newest dataRange answer without lastSyncTime, at most a day old
	news      *Shown    // answer of this run to lastSyncTime; nil: none was asked
	deep      bool      // the deep beat is due
	deepSince time.Time // what was answered before it reads again
	deepShift bool      // its windows are to have other borders than those a turn ago
}

// calls are those for news and, apart from them, for what is read again: of that
// most answers say nothing new, and then compaction drops them whole.
func (s syncState) calls() (calls []Call) {
	news, heads, again := s.demands()
	held := Held{Coverage: map[dexcom.Resource]Coverage{}}
	maps.Copy(held.Coverage, s.of.Held.Coverage)
	for _, demands := range [][]demand{news, heads, again} {
		apart := callsFor(demands, held)
		for _, c := range apart {
			held.Coverage[c.Resource] = slices.Clone(held.Coverage[c.Resource]).Add(c.Window, openEnd)
		}
		calls = append(calls, apart...)
	}
	return calls
}

// demands are news; the heads of a deep beat that is to be shifted; and again, in
// this order: news that reach less far than what is known, the trailing days, the
// deep beat if it is due, and what an earlier run left open.
func (s syncState) demands() (news, heads, again []demand) {
	var behind, late, deep, open []demand
	add := func(list *[]demand, r dexcom.Resource, w Window, since time.Time, beat string) {
		if w = w.Intersect(s.of.Consented); !w.Empty() {
			*list = append(*list, demand{r, w, since, beat})
		}
	}
	var fresh map[dexcom.Resource]Window
	if s.news != nil {
		fresh = s.news.windows()
	}
	lateSince := s.of.Now.Add(-trailingEvery)
	if s.of.Job.TrailingNow {
		lateSince = s.of.Job.Since
	}
	full, known := s.full.windows(), s.extents()
	records := merge(known[dexcom.EGVs], known[dexcom.Events], known[dexcom.Calibrations]).Span()
	for _, r := range s.of.windowed() {
		w, shown := known[r]
		older := openEnd // what is before it is not asked for as news
		if n, ok := fresh[r]; ok {
			if asked := s.of.Held.Coverage[r].Since(time.Time{}).Span(); !asked.Empty() {
				n.Start = earliest(n.Start, asked.End.Add(-overlap))
			}
			if shown && n.End.Before(w.End) {
				add(&behind, r, n, s.news.Asked, BeatNews)
			} else {
				add(&news, r, n, s.news.Asked, BeatNews)
				older = n.Start
			}
			w = merge(w, n).Span()
			shown = true
		}
		if shown {
			last := Window{latest(w.Start, s.of.Now.Add(-s.of.Job.Trailing)), earliest(w.End, older)}
			due := demand{r, last.Intersect(s.of.Consented), lateSince, BeatTrailing}.due(s.of.Held)
			if r == dexcom.Alerts && older == openEnd && len(due) > 0 {
				// Those since the last record come along: alone they would cost a
				// call in every sync.
				last.End = latest(last.End, s.newest().alertsWindow(records).End)
			}
			for _, again := range fewest(due, last.End) {
				add(&late, r, again, openEnd, BeatTrailing)
			}
			add(&open, r, w, time.Time{}, BeatBackfill)
		}
		if s.deep {
			if _, ranged := full[r]; !ranged { // there may be some all the same, where others are
				w = merge(w, records).Span()
			}
			add(&deep, r, w, s.deepSince, BeatDeep)
			if s.deepShift {
				w = w.Intersect(s.of.Consented)
				add(&heads, r, Window{w.Start, earliest(w.End, w.Start.Add(MaxWindow/2))}, s.deepSince, BeatDeep)
			}
		}
	}
	return news, heads, slices.Concat(behind, late, deep, open)
}

// fewest returns the fewest windows of at most MaxWindow that cover what is due.
// Each begins with a due instant and goes as far as it may, but not beyond end. So
// what was answered later comes along, at the price of no call: hourly syncs
// would else ask for the trailing days hour by hour, as news brought them. And a
// run that was stopped goes on behind what was answered.
func fewest(due Windows, end time.Time) (windows []Window) {
	for len(due) > 0 {
		w := Window{due[0].Start, earliest(due[0].Start.Add(MaxWindow), end)}
		windows = append(windows, w)
		due = due.Subtract(Windows{w})
	}
	return windows
}

// newest returns this run's last answer of dataRange.
func (s syncState) newest() Shown {
	if s.news != nil {
		return *s.news
	}
	return s.full
}

// extents returns per resource the window in which records are known: what
// dataRange showed when it was last asked for everything, what was asked for
// since, because it showed news there, and what other connections to the account
// were answered. What it leaves out counts once an answer had records of it: else
// the deep beat alone asked for it, in vain.
func (s syncState) extents() map[dexcom.Resource]Window {
	known := s.of.known(s.full)
	for r, c := range s.of.Held.Coverage {
		w, ranged := known[r]
		if w = merge(w, c.Since(time.Time{}).Span()).Span(); !w.Empty() && (ranged || s.of.Held.Found[r]) {
			known[r] = w
		}
	}
	return known
}

// DeepSince returns the last instant at which it was this participant's turn for
// the deep beat, which comes so often: what was answered before is read again.
// Turns are spread over the time between two beats by the participant's id. If they
// were counted from the last answer, all that one backfill fetched would be read again
// in one sync, month after month; and what leaves the trailing interval day by day would
// come back day by day too, as thousands of small windows in place of 13 a year.
func DeepSince(participantID string, every time.Duration, now time.Time) time.Time {
	id := sha256.Sum256([]byte(participantID))
	turn := time.Duration(binary.BigEndian.Uint64(id[:]) % uint64(every))
	return now.Add(-turn).Truncate(every).Add(turn)
}

// deepShifted reports whether the deep beat of a turn, which comes so often, cuts off
// half a window first: it does in every other. What is missing within a minute of a
// window's ends does not count as gone (see package load), so no instant may lie there
// in every deep beat.
func deepShifted(turn time.Time, every time.Duration) bool {
	return turn.UnixNano()/int64(every)%2 != 0
}

// deepDue reports whether something was last answered before s.deepSince. What was
// never answered does not count: it is due anyway, alone.
func (s syncState) deepDue() bool {
	for r, w := range s.extents() {
		asked := s.of.Held.Coverage[r].Since(time.Time{})
		recent := s.of.Held.Coverage[r].Since(s.deepSince)
		if len(asked.Within(w.Intersect(s.of.Consented)).Subtract(recent)) > 0 {
			return true
		}
	}
	return false
}

// lastSync returns the lastSyncTime to send: all uploads before it are held. It
// is zero if of no dataRange answer, or none that is young enough, all is held.
func (s syncState) lastSync() (time.Time, error) {
	var best time.Time
	for _, shown := range slices.Backward(s.of.Held.shown()) {
		if !shown.Asked.After(best) {
			break // all can be held up to when it was asked, not beyond
		}
		if shown.err != nil {
			return time.Time{}, shown.err
		}
		if upTo, ok := shown.heldUpTo(s.of.Held, s.of.Consented, s.of.windowed()); ok {
			best = latest(best, upTo)
		}
	}
	best = best.Add(-syncMargin).Truncate(time.Second)
	if best.Before(s.of.Now.Add(-maxLastSync)) {
		return time.Time{}, nil
	}
	return best, nil
}
