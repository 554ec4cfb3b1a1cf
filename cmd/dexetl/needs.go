package main

import (
	"cmp"
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
func toDo(p study.Person, line speller) string { return needWords(p, p.Need(), line) }

// needWords say what one of a participant's needs takes.
func needWords(p study.Person, need study.Need, line speller) string {
	id, c := p.Who.ID, p.Connection()
	switch need {
	case study.TroubleOfAll:
		return "waits: nobody can be fetched now"
	case study.RecordWithdrawal:
		return "record the withdrawal: " + line("withdraw", id)
	case study.DestroyTokens:
		return "their part is over, end the access to their account: " + line("participants", "close", id)
	case study.GiveDate:
		return "give " + p.Course.Missing + " in the roster: access to their account is kept until then"
	case study.TokensWait:
		return "nothing is fetched; access to their account is kept until " + p.Course.Closes.Format(time.DateOnly)
	case study.LookOnceMore:
		return "fetch a last time, then access to their account ends: " + line("sync", id)
	case study.Resume:
		if at := p.Who.DeletedAt; p.Who.Deleted() {
			return fmt.Sprintf("deleted over the API on %s, so paused; access to their account ends on %s: %s",
				at.Format(time.DateOnly), at.Add(cohort.Undoable).Format(time.DateOnly), line("participants", "resume", id))
		}
		return "paused: " + line("participants", "resume", id)
	case study.MendState:
		return "for the data manager: state.db was edited, nothing stored of " + id + " is used: " + line("doctor")
	case study.ConfirmAnswers:
		return fmt.Sprintf("an answer of another account came on %s, make sure whose it is: %s, or sign in again: %s",
			p.Aside().StrayedAt.Format(time.DateOnly), line("connect", id, "--confirm"), line("connect", id))
	case study.ConfirmAccount:
		return fmt.Sprintf("another account signed in on %s, make sure whose: %s, or sign in again: %s",
			p.Aside().CreatedAt.Format(time.DateOnly), line("connect", id, "--confirm"), line("connect", id))
	case study.ConfigureApp:
		return fmt.Sprintf("for the data manager: configure the app of region %s: apps.%s in %s", p.Region(), p.Region(), config.File)
	case study.AnswerQuestion:
		return "waits: somebody signed in with another browser than the link was opened in, and is asked for 15 minutes whose account it is"
	case study.ConsentAnew, study.ConsentFirst:
		return invitation(p, line)
	case study.OtherMachine:
		return "nothing here: another machine fetches for them"
	case study.LinkSent:
		return "waits: " + linkStory(p) + "; remind from " + p.RemindAt().Format(time.DateOnly)
	case study.MendApp:
		return fmt.Sprintf("Dexcom refuses everybody of this app, so nobody is called; it said %q: %s", c.RefusedSaid, line("doctor"))
	case study.GrantTriedAgain:
		return "waits: Dexcom refuses the access, tried again for about 36 hours" + saidWords(c)
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
	return dataWords(p, need, line)
}

// dataWords are needWords about what was asked and what came.
func dataWords(p study.Person, need study.Need, line speller) string {
	id, c := p.Who.ID, p.Connection()
	switch need {
	case study.SignInAgain:
		return "call: they have to sign in again, what is stored of it is damaged; send a link: " + line("invite", id) + ", or sign in together: " + line("connect", id)
	case study.MendRefusal:
		return strings.Join(mapped(p.Outcome.Refused, func(r cohort.Refusal) string { return mendRefusal(r, id, line) }), "; ")
	case study.RefreshFailed:
		return fmt.Sprintf("the access could not be renewed: %s; again: %s", c.LastError, line("sync", id))
	case study.FetchFailed:
		return "the last fetch failed; again: " + line("sync", id)
	case study.AnswerHeld:
		return fmt.Sprintf("for the data manager: %s: an answer was held: %s", p.Held.HeldBack(),
			line("query", "select held_reason, count(*) from requests where participant_id = '"+id+"' group by all"))
	case study.RecordsUnread:
		resource, n := p.Held.Unread()
		return fmt.Sprintf("for the data manager: %s: %d of %d records rejected: %s", resource, n, n,
			line("query", "select reason, field, count(*) from rejects where participant_id = '"+id+"' group by all"))
	case study.FirstFetch:
		return "fetch for the first time: " + line("backfill", id)
	case study.AwaitReading:
		return "waits: no reading since the account passed on, " + c.ValidFrom.Format(time.DateOnly)
	case study.FetchAgain:
		return "Dexcom has more, fetch it: " + line("sync", id)
	case study.NoReadings:
		return fmt.Sprintf("call: connected on %s, and no reading (asked %s); does the phone upload?", date(c.CreatedAt), date(p.Held.LastAsked()))
	case study.Silent:
		return fmt.Sprintf("call: no reading since %s (asked %s); is it worn, does the phone upload?",
			date(p.Held.Of("egvs").Newest), date(p.Held.LastAsked()))
	case study.FetchIsOld:
		return fmt.Sprintf("no fetch was complete for %s; again: %s", call.Spell(p.MaxAge), line("sync", id))
	}
	return "nothing"
}

// invitation says what comes next for somebody who is not connected, or no
// longer: since when that is so, and what to send now.
func invitation(p study.Person, line speller) string {
	invite := line("invite", p.Who.ID)
	ways := invite + ", or sign in together: " + line("connect", p.Who.ID)
	switch p.Link {
	case consent.NotOpened:
		return "remind: " + linkStory(p) + "; " + sameLink(p, "send it again, it", invite)
	case consent.Opened:
		return "help: " + linkStory(p) + "; " + sameLink(p, "send it again, it", invite)
	case consent.Denied:
		return "talk: chose not to share, " + date(p.Invitation.DeniedAt) + "; " + sameLink(p, "the same link", invite)
	case consent.Doubted:
		return "talk: ask who signed in by the link on " + date(p.Invitation.DoubtedAt) + ", and did not say that the account is theirs; " + sameLink(p, "the same link", invite)
	case consent.Lapsed:
		return "send a new link, that of " + date(p.Invitation.CreatedAt) + " ran out on " + date(p.Invitation.ExpiresAt) + ": " + ways
	}
	if p.Need() == study.ConsentAnew {
		since := ""
		if at := p.Connection().RefusedSince; !at.IsZero() {
			since = " since " + date(at)
		}
		return "call: consent was withdrawn or ended at Dexcom" + since + saidWords(p.Connection()) + "; send a link: " + ways
	}
	return "send the link: " + ways
}

// linkStory is what became of the newest link.
func linkStory(p study.Person) string {
	made := "link of " + date(p.Invitation.CreatedAt)
	if at := p.Invitation.OpenedAt; !at.IsZero() {
		return made + " opened " + date(at) + ", not used"
	}
	return made + " not opened"
}

// sameLink says that the link works, or that another is to be sent with the command.
func sameLink(p study.Person, it, command string) string {
	if p.LinkWorks() {
		return it + " works until " + date(p.Invitation.ExpiresAt) + "; a new one: " + command
	}
	return "send a new one: " + command
}

func date(at time.Time) string { return at.Format(time.DateOnly) }

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

// troubleWords is what keeps several people from being fetched, other than themselves, in
// one line; "" for nothing.
func troubleWords(persons []study.Person, line speller) string {
	var who []string
	var said, all string
	var done time.Time
	refused := true
	for _, one := range persons {
		if n, ok := one.Trouble(); ok {
			who = append(who, one.Who.ID)
			refused = refused && n == study.MendApp
			said, all = cmp.Or(said, one.Outcome.Error), cmp.Or(all, one.Connection().RefusedSaid)
			if one.Outcome.DoneAt.After(done) {
				done = one.Outcome.DoneAt
			}
		}
	}
	names := fmt.Sprintf("%s (%s)", countOf(len(who), "participant"), study.ShortList(who))
	since := ""
	if !done.IsZero() {
		since = " since " + fmt.Sprint(instantOrNull(done))
	}
	const stays = "whom to call does not depend on it"
	switch {
	case len(who) < 2:
		return ""
	case refused:
		return fmt.Sprintf("Dexcom refuses everybody of this app, %s: it said %q; %s: %s", names, all, stays, line("doctor"))
	case said == "":
		return fmt.Sprintf("no fetch was complete%s for %s; %s; again: %s", since, names, stays, line("sync"))
	}
	return fmt.Sprintf("no fetch was complete%s for %s: %s; %s; again: %s", since, names, said, stays, line("sync"))
}

// tellTrouble tells a person of what befalls several people at once, and not because of
// them, on a line of its own: then it is not theirs in what follows.
func (p *program) tellTrouble(persons []study.Person) {
	words := troubleWords(persons, p.commandLine)
	if words == "" || p.flags.json {
		return
	}
	p.note("%s", words)
	for i := range persons {
		persons[i].TroubleTold = true
	}
}
