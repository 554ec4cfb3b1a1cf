package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/table"
)

// toDo is what a participant needs next, in plain words with the command, as line writes
// it: the one answer of participants list, participants show and status.
func toDo(p study.Person, line speller) string {
	id, c := p.Who.ID, p.Connection()
	switch p.Need() {
	case study.RecordWithdrawal:
		return "record the withdrawal: " + line("withdraw", id)
	case study.DestroyTokens:
		return "tokens to be destroyed: " + line("participants", "close", id)
	case study.GiveDate:
		return "give " + p.Course.Missing + " in the roster: tokens are kept until then"
	case study.TokensWait:
		return "nothing is asked; tokens are kept until " + p.Course.Closes.Format(time.DateOnly)
	case study.LookOnceMore:
		return "a last look, then its tokens are destroyed: " + line("sync", id)
	case study.Resume:
		return "paused: " + line("participants", "resume", id)
	case study.MendState:
		return "state.db was edited, nothing stored of " + id + " is used: " + line("doctor")
	case study.ConfirmAnswers:
		return fmt.Sprintf("an answer of another account came on %s, make sure whose it is: %s, or sign in again: %s",
			p.Aside().StrayedAt.Format(time.DateOnly), line("connect", id, "--confirm"), line("connect", id))
	case study.ConfirmAccount:
		return fmt.Sprintf("another account signed in on %s, make sure whose: %s, or sign in again: %s",
			p.Aside().CreatedAt.Format(time.DateOnly), line("connect", id, "--confirm"), line("connect", id))
	case study.ConfigureApp:
		return fmt.Sprintf("configure the app of region %s: apps.%s in %s", p.Region(), p.Region(), config.File)
	case study.AnswerQuestion:
		return "waits: somebody signed in with another browser than the link was opened in, and is asked for 15 minutes whose account it is"
	case study.ConsentAnew, study.ConsentFirst:
		return invitation(p, line)
	case study.OtherMachine:
		return "nothing here: another machine has the grant"
	case study.MendApp:
		return fmt.Sprintf("Dexcom refuses everybody of this app, so nobody is called; it said %q: %s", c.RefusedSaid, line("doctor"))
	case study.GrantTriedAgain:
		return "waits: a refused grant is tried again for about 36 hours" + saidWords(c)
	case study.GiveStart:
		return "give study_start in the roster"
	case study.StudyBegins:
		return "waits: the study begins on " + p.Who.StudyStart.Format(time.DateOnly)
	case study.LateUploadsWait:
		return "waits: late uploads until " + p.Course.Closes.Format(time.DateOnly)
	case study.ClockIsOff:
		return clockNeed(p.Held.Clock())
	case study.Nothing:
		return "nothing"
	}
	return dataToDo(p, line)
}

// dataToDo is toDo about what was asked and what came.
func dataToDo(p study.Person, line speller) string {
	id, c := p.Who.ID, p.Connection()
	switch p.Need() {
	case study.SignInAgain:
		return "sign in again, the stored tokens are damaged: " + line("invite", id) + ", or together: " + line("connect", id)
	case study.MendRefusal:
		return strings.Join(mapped(p.Outcome.Refused, func(r cohort.Refusal) string { return mendRefusal(r, id, line) }), "; ")
	case study.RefreshFailed:
		return fmt.Sprintf("the last token refresh failed: %s; again: %s", c.LastError, line("sync", id))
	case study.FetchFailed:
		return "the last fetch failed; again: " + line("sync", id)
	case study.AnswerHeld:
		return fmt.Sprintf("%s: an answer was held: %s", p.Held.HeldBack(),
			line("query", "select held_reason, count(*) from requests where participant_id = '"+id+"' group by all"))
	case study.RecordsUnread:
		resource, n := p.Held.Unread()
		return fmt.Sprintf("%s: %d of %d records rejected: %s", resource, n, n,
			line("query", "select reason, field, count(*) from rejects where participant_id = '"+id+"' group by all"))
	case study.FirstFetch:
		return line("backfill", id)
	case study.AwaitReading:
		return "waits: no reading since the account passed on, " + c.ValidFrom.Format(time.DateOnly)
	case study.FetchAgain:
		return line("sync", id)
	case study.NoReadings:
		return "call: no readings at Dexcom; does the app upload?"
	case study.Silent:
		return fmt.Sprintf("call: no reading for %d days before the last sync", p.Held.SilentDays())
	case study.FetchIsOld:
		return fmt.Sprintf("no fetch was complete for %s; again: %s", call.Spell(p.MaxAge), line("sync", id))
	}
	return "nothing"
}

// invitation says what comes next for somebody who is not connected, or no
// longer.
func invitation(p study.Person, line speller) string {
	ways := line("invite", p.Who.ID) + ", or sign in together: " + line("connect", p.Who.ID)
	switch p.Link {
	case consent.NotOpened:
		return "remind: the link was sent and not opened yet"
	case consent.Opened:
		return "remind, or help: the link was opened, and not used yet"
	case consent.Denied:
		return "talk: chose not to share on Dexcom's page; the same link still works"
	case consent.Doubted:
		return "talk: somebody signed in by the link and did not say that the account is theirs; ask who it was; the same link still works"
	case consent.Lapsed:
		return "send a new link, the last one expired: " + ways
	}
	if p.Need() == study.ConsentAnew {
		return "call: consent was withdrawn or ended at Dexcom" + saidWords(p.Connection()) + "; " + ways
	}
	return "send the link: " + ways
}

// saidWords are the words in which Dexcom refuses a consent.
func saidWords(c consent.Connection) string {
	if c.RefusedSaid == "" {
		return ""
	}
	return fmt.Sprintf("; Dexcom said %q", c.RefusedSaid)
}

// toDoOrNull is null for nothing, so that what is to be done stands out.
func toDoOrNull(p study.Person, line speller) any {
	if p.Need() == study.Nothing {
		return nil
	}
	return table.Prose(toDo(p, line))
}
