package main

import (
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/study"
)

// tellFact says in words what happens while a job goes on.
func (p *program) tellFact(f study.Fact) { p.say("%s", factWords(f, study.ShortList(f.Participants))) }

// factWords are a fact in words; names say whom it is about.
func factWords(f study.Fact, names string) string {
	switch f.Kind {
	case study.WaitsForCalls:
		return "waiting: the calls that the hour allows at once are used up (limits.calls_per_hour)"
	case study.WaitsForState:
		return "waiting: another process holds the state (state.db)"
	case study.WaitsForLoad:
		return fmt.Sprintf("%v; waiting up to %s to load", f.Err, call.Spell(f.Wait))
	case study.LoadedLater:
		return "another process is loading; the next sync takes this into the tables"
	case study.TokensDestroyed:
		return fmt.Sprintf("%s: access to the account ended, tokens destroyed (%s)", names, f.Because)
	case study.TracesLeft:
		return "the state's log still holds sealed tokens that were destroyed: another process is using it; the next run empties it"
	case study.LeftOutPaused:
		return fmt.Sprintf("paused, so left out: %s", names)
	case study.LeftOutOver:
		return fmt.Sprintf("over, so left out: %s", names)
	case study.LeftOutWithdrawn:
		return fmt.Sprintf("withdrawn, so left out: %s", names)
	case study.LeftOutEdited:
		return fmt.Sprintf("left out: %v", f.Err)
	case study.DatesInUTC:
		return fmt.Sprintf("no timezone in the roster, so study dates are taken as UTC: %s", names)
	case study.GoesOn:
		return fmt.Sprintf("going on with what began at %s: what was read since is not read again", f.At.Format(time.RFC3339))
	case study.ErasesFirst:
		return fmt.Sprintf("%s: erasing what is held, as was decided", names)
	case study.ErasureBegun:
		return fmt.Sprintf("%s: the erasure has begun and is not finished; the next sync, backfill, replay or repair goes on with it", names)
	case study.DueAtNextSync:
		return fmt.Sprintf("the next sync ends the access to the accounts of %s; if the roster is wrong, correct it before: else they have to sign in again", names)
	}
	return ""
}
