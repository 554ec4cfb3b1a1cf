package study

import (
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
)

// An Urgency says whose turn it is, most urgent first.
type Urgency int

// The urgencies.
const (
	NeedsPerson Urgency = iota // the participant must do something: the call list
	NeedsDesk                  // the study team must: roster, configuration, a decision
	NeedsRun                   // a command must be run
	Waits                      // time must pass
	NeedsNothing
)

// A Need is what a participant needs next.
type Need int

// The needs. What they are about is in the Person.
const (
	Nothing          Need = iota
	RecordWithdrawal      // the roster says withdrawn
	DestroyTokens         // their status ends the consent at once
	GiveDate              // Course.Missing
	TokensWait            // nothing is asked; they are kept until Course.Closes
	LookOnceMore          // and destroy the tokens
	Resume                // paused
	MendState             // a row was edited
	ConfirmAnswers        // an answer of another account came
	ConfirmAccount        // another account signed in
	ConfigureApp          // of the region
	AnswerQuestion        // somebody signed in with another browser, and is asked
	ConsentAnew           // refused for good; Link says how far a new one is
	ConsentFirst          // none yet; Link says how far it is
	LinkSent              // lately, and not used yet: nobody is reminded so soon
	OtherMachine          // has the grant
	MendApp               // Dexcom refuses everybody of it
	GrantTriedAgain       // a refused grant, for about 36 hours
	GiveStart             // study_start
	StudyBegins           // on Who.StudyStart
	LateUploadsWait       // until Course.Closes
	SignInAgain           // the stored tokens are damaged
	MendRefusal           // a resource is refused: Outcome.Refused
	RefreshFailed         // of the token: LastError
	FetchFailed
	AnswerHeld    // of Held.HeldBack
	RecordsUnread // of Held.Unread
	FirstFetch
	AwaitReading // none since the account passed on
	FetchAgain   // there is more
	NoReadings   // at Dexcom
	Silent       // for Held.SilentDays
	FetchIsOld   // MaxAge
	ClockIsOff   // Held.Clock
	TroubleOfAll // TroubleTold
)

// Urgency says whose turn it is.
func (n Need) Urgency() Urgency {
	switch n {
	case ConfirmAnswers, ConfirmAccount, ConsentAnew, ConsentFirst, SignInAgain, NoReadings, Silent:
		return NeedsPerson
	case RecordWithdrawal, GiveDate, MendState, ConfigureApp, MendApp, GiveStart, MendRefusal, AnswerHeld, RecordsUnread, ClockIsOff:
		return NeedsDesk
	case DestroyTokens, LookOnceMore, RefreshFailed, FetchFailed, FirstFetch, FetchAgain, FetchIsOld:
		return NeedsRun
	case TokensWait, Resume, AnswerQuestion, OtherMachine, GrantTriedAgain, LinkSent, TroubleOfAll, StudyBegins, LateUploadsWait, AwaitReading:
		return Waits
	}
	return NeedsNothing
}

// silentDays without a reading are worth a call.
const silentDays = 3

// remindAfter is how long a link may lie, or its page, before somebody is reminded.
const remindAfter = 48 * time.Hour

// RemindAt is from when on somebody to whom a link was sent is reminded.
func (p Person) RemindAt() time.Time { return p.Invitation.Touched().Add(remindAfter) }

// lastDays of a link are too few to send it again.
const lastDays = 48 * time.Hour

// LinkWorks reports whether the newest link can be sent again.
func (p Person) LinkWorks() bool { return p.now.Add(lastDays).Before(p.Invitation.ExpiresAt) }

// isTrouble reports whether n is about the machine, the network or Dexcom, and not about
// the participant: it may befall everybody at once, and nobody is called for it.
func (n Need) isTrouble() bool {
	return n == MendApp || n == RefreshFailed || n == FetchFailed || n == FetchIsOld
}

// Trouble is why nothing could be fetched of the participant lately, other than for a
// reason of theirs; ok is false if there is none.
func (p Person) Trouble() (n Need, ok bool) {
	n = p.firstNeed()
	return n, n.isTrouble()
}

// Need is the most urgent of what the participant needs. A clock can wait for all else
// that somebody has to do; a call does not wait for trouble to be mended.
func (p Person) Need() Need {
	n := p.firstNeed()
	if silence := p.silence(); n.isTrouble() && silence != Nothing {
		return silence
	}
	if n.isTrouble() && p.TroubleTold {
		return TroubleOfAll
	}
	if n.Urgency() >= Waits && p.Phase.InStudy() && p.Held.Clock().GoesOn {
		return ClockIsOff
	}
	return n
}

func (p Person) firstNeed() Need {
	if !p.Phase.InStudy() {
		return p.Phase.need()
	}
	if p.Edited != nil {
		return MendState
	}
	for _, ask := range []func() (Need, bool){p.ConsentNeed, p.datesNeed} {
		if n, ok := ask(); ok {
			return n
		}
	}
	return p.dataNeed()
}

// need is that of those of whom nothing is asked: nobody calls them.
func (p Phase) need() Need {
	return map[Phase]Need{
		Unrecorded: RecordWithdrawal, TokensDue: DestroyTokens, Undated: GiveDate, TokensKept: TokensWait,
		LastLook: LookOnceMore, Paused: Resume,
	}[p]
}

// ConsentNeed is about whose account is connected, and whether Dexcom lets us in; ok is
// false if nothing is.
func (p Person) ConsentNeed() (n Need, ok bool) {
	c, aside := p.Connection(), p.Aside()
	region := p.Region()
	switch {
	case !aside.StrayedAt.IsZero():
		return ConfirmAnswers, true
	case aside.ID != "":
		return ConfirmAccount, true
	case region != "" && !p.hasApp[region]:
		return ConfigureApp, true
	case p.Link == consent.Waiting:
		return AnswerQuestion, true
	case c.Status == consent.NeedsReconsent, c.ID == "", c.Status == consent.Ended:
		return p.invitationNeed(), true
	case c.Status == consent.Exported:
		return OtherMachine, true
	case p.AppRefused:
		return MendApp, true
	case c.Status == consent.AuthSuspect:
		return GrantTriedAgain, true
	}
	return Nothing, false
}

// invitationNeed is that of somebody who is not connected, or no longer.
func (p Person) invitationNeed() Need {
	lately := p.now.Before(p.RemindAt())
	switch {
	case lately && (p.Link == consent.NotOpened || p.Link == consent.Opened):
		return LinkSent
	case p.Connection().Status == consent.NeedsReconsent:
		return ConsentAnew
	}
	return ConsentFirst
}

// datesNeed is about the dates of the study.
func (p Person) datesNeed() (n Need, ok bool) {
	egvs := p.Held.Of("egvs").State
	switch p.Phase {
	case Unscheduled:
		return GiveStart, true
	case Upcoming:
		return StudyBegins, true
	case LateUploads:
		return LateUploadsWait, !p.LakeUnread && (egvs == "ended" || egvs == "current")
	}
	return Nothing, false
}

// dataNeed is about what was asked and what came.
func (p Person) dataNeed() Need {
	c, egvs := p.Connection(), p.Held.Of("egvs")
	unread, _ := p.Held.Unread()
	switch {
	case c.LastError == consent.TokensDamaged:
		return SignInAgain
	case len(p.Outcome.Refused) > 0:
		return MendRefusal
	case p.Outcome.Error != "" && c.LastError != "":
		return RefreshFailed
	case p.Outcome.Error != "":
		return FetchFailed
	case p.Held.HeldBack() != "":
		return AnswerHeld
	case unread != "":
		return RecordsUnread
	case !p.LakeUnread && (egvs.State == "" || egvs.State == "never_asked"):
		return FirstFetch
	case egvs.State == "behind" && egvs.Records == 0 && !c.ValidFrom.IsZero():
		return AwaitReading
	case egvs.State == "behind":
		return FetchAgain
	case p.silence() != Nothing:
		return p.silence()
	case p.Late():
		return FetchIsOld
	}
	return Nothing
}

// silence is what the missing readings of somebody call for who should have some, as far
// as Dexcom was asked.
func (p Person) silence() Need {
	egvs := p.Held.Of("egvs")
	_, awaited := p.datesNeed()
	switch {
	case awaited:
		return Nothing
	case egvs.State == "no_data":
		return NoReadings
	case p.Held.SilentDays() >= silentDays && !slices.Contains([]string{"behind", "ended", "not_started"}, egvs.State):
		return Silent
	}
	return Nothing
}

// Region is the one of the participant's app; "" for the study's.
func (p Person) Region() string {
	if region := p.Connection().Region; region != "" {
		return region
	}
	return p.Who.Region
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
