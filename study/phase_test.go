package study

import (
	"fmt"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
)

// Where a participant is in the study, what they need next and whose turn it is, and
// whether anything is asked of Dexcom for them.
func TestPhaseAndNeed(t *testing.T) {
	s := open(t, nil)
	day := func(n int) time.Time { return time.Date(now.Year(), now.Month(), now.Day()+n, 0, 0, 0, 0, time.UTC) }
	const late = 30 // days, study.late_window
	going := cohort.Participant{ID: "P001", Status: "enrolled", StudyStart: day(-90), StudyEnd: day(90)}
	with := func(change func(*cohort.Participant)) cohort.Participant {
		who := going
		change(&who)
		return who
	}
	ended := func(status string, end int) cohort.Participant {
		return with(func(p *cohort.Participant) { p.Status, p.StudyEnd = status, day(end) })
	}
	connected := consent.Connection{ID: "C1", ParticipantID: "P001", Region: "us", Status: consent.Connected, CreatedAt: day(-80), GrantedAt: day(-80)}
	as := func(status consent.Status) consent.Connection {
		c := connected
		c.Status = status
		return c
	}
	has := func(change func(*consent.Connection)) consent.Connection {
		c := connected
		change(&c)
		return c
	}
	egvs := func(state string) Holdings {
		return Holdings{"egvs": {State: state, Records: 100, Newest: now, Asked: now}}
	}
	done := cohort.FetchOutcome{DoneAt: now.Add(-time.Hour), EndedAt: now.Add(-time.Hour)}
	failed := cohort.FetchOutcome{Error: "502 Bad Gateway", EndedAt: now.Add(-time.Hour)}
	held := egvs("current")
	held["events"] = &Holding{State: "held"}
	unread := egvs("current")
	unread["events"] = &Holding{State: "current", rejected: 7}
	off := egvs("current")
	off["egvs"].clock = ClockOffset{AheadMin: 60, From: day(-3), To: day(0), GoesOn: true}
	silent := Holdings{"egvs": {State: "current", Records: 9, Newest: day(-4), Asked: now}}
	none := consent.Connection{}
	for _, tt := range []struct {
		name       string
		who        cohort.Participant
		connection consent.Connection // zero: none
		change     func(*Person)      // nil: a fetch was complete an hour ago, the lake is current
		phase      Phase
		need       Need
		urgency    Urgency
		asked      bool
	}{
		{"withdrawn", going, connected, nil, Withdrawn, Nothing, NeedsNothing, false},
		{"withdrawn in the roster alone", ended("withdrawn", 90), connected, nil, Unrecorded, RecordWithdrawal, NeedsDesk, false},
		{"screening failed", ended("screen_failed", 90), connected, nil, TokensDue, DestroyTokens, NeedsRun, false},
		{"screening failed, no consent", ended("screen_failed", 90), none, nil, Over, Nothing, NeedsNothing, false},
		{"lost, nobody knows when", with(func(p *cohort.Participant) { p.Status, p.StudyEnd = "lost", time.Time{} }), connected, nil, Undated, GiveDate, NeedsDesk, false},
		{"lost", ended("lost", -5), connected, nil, TokensKept, TokensWait, Waits, false},
		{"lost, the late window is over", ended("lost", -late-2), connected, nil, LastLook, LookOnceMore, NeedsRun, false},
		{"completed, the late window is over", ended("completed", -late-2), connected, nil, LastLook, LookOnceMore, NeedsRun, true},
		{"completed, and the consent is gone", ended("completed", -5), as(consent.NeedsReconsent), nil, Over, Nothing, NeedsNothing, false},
		{"enrolled, over, no consent any more", ended("enrolled", -5), as(consent.Ended), nil, Over, Nothing, NeedsNothing, false},
		{"paused", with(func(p *cohort.Participant) { p.Paused = true }), connected, nil, Paused, Resume, Waits, false},
		{"paused, and the tokens are due", with(func(p *cohort.Participant) { p.Paused, p.Status = true, "screen_failed" }), connected, nil, TokensDue, DestroyTokens, NeedsRun, false},
		{"no first day", with(func(p *cohort.Participant) { p.StudyStart = time.Time{} }), connected, nil, Unscheduled, GiveStart, NeedsDesk, true},
		{"no first day, no consent either", with(func(p *cohort.Participant) { p.StudyStart = time.Time{} }), none, nil, Unscheduled, ConsentFirst, NeedsPerson, true},
		{"begins in three days", with(func(p *cohort.Participant) { p.StudyStart = day(3) }), connected, nil, Upcoming, StudyBegins, Waits, true},
		{"begins tomorrow", with(func(p *cohort.Participant) { p.StudyStart = now.Add(24 * time.Hour) }), connected, nil, Active, Nothing, NeedsNothing, true},
		{"late uploads", ended("completed", -5), connected, nil, LateUploads, LateUploadsWait, Waits, true},
		{"late uploads, behind", ended("completed", -5), connected, func(p *Person) { p.Held = egvs("behind") }, LateUploads, FetchAgain, NeedsRun, true},
		{"active", going, connected, nil, Active, Nothing, NeedsNothing, true},
		{"never fetched", going, connected, func(p *Person) { p.Held = nil }, Active, FirstFetch, NeedsRun, true},
		{"the lake is damaged", going, connected, func(p *Person) { p.Held, p.LakeUnread = nil, true }, Active, Nothing, NeedsNothing, true},
		{"a row was edited", going, connected, func(p *Person) { p.Edited = &consent.OwnerError{} }, Active, MendState, NeedsDesk, true},
		{"an account is set aside", going, connected, func(p *Person) {
			p.Connections = append(p.Connections, consent.Connection{ID: "C2", Aside: true})
		}, Active, ConfirmAccount, NeedsPerson, true},
		{"another account answered", going, connected, func(p *Person) {
			p.Connections = append(p.Connections, consent.Connection{ID: "C2", Aside: true, StrayedAt: now})
		}, Active, ConfirmAnswers, NeedsPerson, true},
		{"no app of the region", going, has(func(c *consent.Connection) { c.Region = "eu" }), nil, Active, ConfigureApp, NeedsDesk, true},
		{"asked whose account it is", going, none, func(p *Person) { p.Link = consent.Waiting }, Active, AnswerQuestion, Waits, true},
		{"no consent", going, none, nil, Active, ConsentFirst, NeedsPerson, true},
		{"consent lost", going, as(consent.NeedsReconsent), nil, Active, ConsentAnew, NeedsPerson, true},
		{"another machine has it", going, as(consent.Exported), nil, Active, OtherMachine, Waits, true},
		{"everybody of the app is refused", going, as(consent.AuthSuspect), func(p *Person) { p.AppRefused = true }, Active, MendApp, NeedsDesk, true},
		{"refused, tried again", going, as(consent.AuthSuspect), nil, Active, GrantTriedAgain, Waits, true},
		{"tokens damaged", going, has(func(c *consent.Connection) { c.LastError = consent.TokensDamaged }), nil, Active, SignInAgain, NeedsPerson, true},
		{"a resource is refused", going, connected, func(p *Person) { p.Outcome.Refused = []cohort.Refusal{{Resource: "events", Status: 404}} }, Active, MendRefusal, NeedsDesk, true},
		{"a refresh failed", going, has(func(c *consent.Connection) { c.LastError = "timeout" }), func(p *Person) { p.Outcome = failed }, Active, RefreshFailed, NeedsRun, true},
		{"a fetch failed", going, connected, func(p *Person) { p.Outcome = failed }, Active, FetchFailed, NeedsRun, true},
		{"an answer was held", going, connected, func(p *Person) { p.Held = held }, Active, AnswerHeld, NeedsDesk, true},
		{"nothing of it could be read", going, connected, func(p *Person) { p.Held = unread }, Active, RecordsUnread, NeedsDesk, true},
		{"behind", going, connected, func(p *Person) { p.Held = egvs("behind") }, Active, FetchAgain, NeedsRun, true},
		{"the account has just passed on", going, has(func(c *consent.Connection) { c.ValidFrom = day(-1) }), func(p *Person) { p.Held = Holdings{"egvs": {State: "behind"}} }, Active, AwaitReading, Waits, true},
		{"no readings at Dexcom", going, connected, func(p *Person) { p.Held = egvs("no_data") }, Active, NoReadings, NeedsPerson, true},
		{"silent for four days", going, connected, func(p *Person) { p.Held = silent }, Active, Silent, NeedsPerson, true},
		{"silent for four days, and a fetch failed", going, connected, func(p *Person) { p.Held, p.Outcome = silent, failed }, Active, Silent, NeedsPerson, true},
		{"silent for four days, and everybody of the app is refused", going, as(consent.AuthSuspect), func(p *Person) { p.Held, p.AppRefused = silent, true }, Active, Silent, NeedsPerson, true},
		{"silent for four days, and not asked since", going, connected, func(p *Person) { p.Held, p.Outcome.DoneAt = silent, day(-4) }, Active, Silent, NeedsPerson, true},
		{"silent, but Dexcom has more, and a fetch failed", going, connected, func(p *Person) {
			p.Held, p.Outcome = Holdings{"egvs": {State: "behind", Records: 9, Newest: day(-4), Asked: now}}, failed
		}, Active, FetchFailed, NeedsRun, true},
		{"silent, but the study is over, and a fetch failed", ended("completed", -5), connected, func(p *Person) { p.Held, p.Outcome = egvs("behind"), failed }, LateUploads, FetchFailed, NeedsRun, true},
		{"a link was sent yesterday", going, none, func(p *Person) { p.Link, p.Invitation.CreatedAt = consent.NotOpened, day(-1) }, Active, LinkSent, Waits, true},
		{"a link was sent three days ago", going, none, func(p *Person) { p.Link, p.Invitation.CreatedAt = consent.NotOpened, day(-3) }, Active, ConsentFirst, NeedsPerson, true},
		{"a link was sent three days ago and opened yesterday", going, as(consent.NeedsReconsent), func(p *Person) {
			p.Link, p.Invitation.CreatedAt, p.Invitation.OpenedAt = consent.Opened, day(-3), day(-1)
		}, Active, LinkSent, Waits, true},
		{"they said no yesterday", going, none, func(p *Person) { p.Link, p.Invitation.DeniedAt = consent.Denied, day(-1) }, Active, ConsentFirst, NeedsPerson, true},
		{"no complete fetch for too long", going, connected, func(p *Person) { p.Outcome.DoneAt = day(-4) }, Active, FetchIsOld, NeedsRun, true},
		{"the clock is off", going, connected, func(p *Person) { p.Held = off }, Active, ClockIsOff, NeedsDesk, true},
		{"the clock is off, and more is wrong", going, connected, func(p *Person) { p.Held, p.Outcome = off, failed }, Active, FetchFailed, NeedsRun, true},
	} {
		course, err := s.course(tt.who, tt.connection.CreatedAt)
		check(t, err)
		p := Person{Who: tt.who, Course: course, Outcome: done, Held: egvs("current"), MaxAge: DefaultMaxAge, hasApp: map[string]bool{"us": true}, now: now}
		if tt.connection.ID != "" {
			p.Connections = []consent.Connection{tt.connection}
		}
		p.Phase = PhaseOf(tt.who, course, tt.connection, tt.phase == Withdrawn, false, now)
		if tt.change != nil {
			tt.change(&p)
		}
		got := fmt.Sprint(p.Phase, p.Need(), p.Need().Urgency(), p.Asked())
		if want := fmt.Sprint(tt.phase, tt.need, tt.urgency, tt.asked); got != want {
			t.Errorf("%s: phase, need, urgency, asked = %s, want %s", tt.name, got, want)
		}
	}
}
