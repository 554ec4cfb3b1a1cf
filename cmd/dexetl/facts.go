package main

import (
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/study"
)

// tellFact says in words what happens while a job goes on.
func (p *program) tellFact(f study.Fact) {
	names := study.ShortList(f.Participants)
	switch f.Kind {
	case study.WaitsForCalls:
		p.say("waiting: the calls that the hour allows at once are used up (limits.calls_per_hour)")
	case study.WaitsForState:
		p.say("waiting: another process holds the state (state.db)")
	case study.WaitsForLoad:
		p.say("%v; waiting up to %s to load", f.Err, call.Spell(f.Wait))
	case study.LoadedLater:
		p.say("another process is loading; the next sync takes this into the tables")
	case study.TokensDestroyed:
		p.say("%s: access to the account ended, tokens destroyed (%s)", names, f.Because)
	case study.TracesLeft:
		p.say("the state's log still holds sealed tokens that were destroyed: another process is using it; the next run empties it")
	case study.LeftOutPaused:
		p.say("paused, so left out: %s", names)
	case study.LeftOutOver:
		p.say("over, so left out: %s", names)
	case study.LeftOutWithdrawn:
		p.say("withdrawn, so left out: %s", names)
	case study.LeftOutEdited:
		p.say("left out: %v", f.Err)
	case study.DatesInUTC:
		p.say("no timezone in the roster, so study dates are taken as UTC: %s", names)
	case study.GoesOn:
		p.say("going on with what began at %s: what was read since is not read again", f.At.Format(time.RFC3339))
	case study.ErasesFirst:
		p.say("%s: erasing what is held, as was decided", names)
	case study.DueAtNextSync:
		p.say("the next sync ends the access to the accounts of %s; if the roster is wrong, correct it before: else they have to sign in again", names)
	}
}
