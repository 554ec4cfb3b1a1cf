package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/plan"
)

// An urgency says whose turn it is, most urgent first.
type urgency int

const (
	needsPerson urgency = iota // the participant must do something: the call list
	needsDesk                  // the study team must: roster, configuration, a decision
	needsRun                   // a command must be run
	waits                      // time must pass
	needsNothing
)

// A need is what a participant needs next, in plain words.
type need struct {
	urgency urgency
	text    string
}

// A standing is all that is known of a participant for the question of what
// is needed.
type standing struct {
	who         cohort.Participant
	connections []consent.Connection // oldest first, those set aside too
	course      extract.Course
	now         time.Time
	historyAll  bool                // study.history
	regions     map[string]bool     // that have an app
	withdrawn   bool                // a withdrawal is on record
	disowned    *consent.OwnerError // a row of theirs that was edited
	link        consent.Progress
	appRefused  bool   // the consent is refused, and so are the others' of its app
	unknown     bool   // what the lake holds is not known: a file is damaged
	fetched     string // state of fetch_status for egvs; "": nothing was loaded; "unread": it is not known
	records     int64  // egvs held
	held        string // resource whose newest answer was held; "": none
	unread      string // resource of whose newest records every one was rejected; "": none
	unreadCount int64  // how many they were
	silentDays  int64  // between the newest reading and the last sync
	clock       clockOffset
	outcome     cohort.FetchOutcome // of the last fetch; zero: there was none; no error of before the grant of today
	maxAge      time.Duration       // how old the last complete fetch may be
}

// silentDays without a reading are worth a call.
const silentDays = 3

// need is the one answer of participants list, participants show and status.
func (s standing) need() need {
	first := s.firstNeed()
	if n, ok := s.clockNeed(); ok && (first.urgency == waits || first.urgency == needsNothing) {
		return n
	}
	return first
}

// firstNeed leaves the clock aside, which can wait for all that is urgent.
func (s standing) firstNeed() need {
	for _, ask := range []func() (need, bool){s.offTheStudy, s.owner, s.consent, s.study, s.data} {
		if n, ok := ask(); ok {
			return n
		}
	}
	return need{needsNothing, "nothing"}
}

// offTheStudy is about those of whom nothing is asked: nobody calls them.
func (s standing) offTheStudy() (need, bool) {
	id, c := s.who.ID, s.connection()
	held := c.ID != "" && c.Status != consent.Ended
	switch {
	case s.withdrawn:
		return need{needsNothing, "nothing"}, true
	case s.who.Status == "withdrawn":
		return need{needsDesk, "record the withdrawal: dexetl withdraw " + id + " --stop --reason TEXT"}, true
	case s.course.AtOnce && held:
		return need{needsRun, "tokens to be destroyed: dexetl participants close " + id}, true
	case s.course.Missing != "" && held:
		return need{needsDesk, "give " + s.course.Missing + " in the roster: tokens are kept until then"}, true
	case !s.course.Asked && held && !s.course.Closed(s.now):
		return need{waits, "nothing is asked; tokens are kept until " + s.course.Closes.Format(time.DateOnly)}, true
	case s.course.Closed(s.now) && held:
		return need{needsRun, "a last look, then its tokens are destroyed: dexetl sync " + id}, true
	case s.course.Over(s.now) && (!held || s.who.Status == "completed" && c.Status == consent.NeedsReconsent), !s.course.Asked:
		return need{needsNothing, "nothing"}, true
	case s.who.Paused:
		return need{waits, "paused: dexetl participants resume " + id}, true
	}
	return need{}, false
}

// owner is about rows of the state that were edited.
func (s standing) owner() (need, bool) {
	return need{needsDesk, "state.db was edited, nothing stored of " + s.who.ID + " is used: dexetl doctor"}, s.disowned != nil
}

// consent is about whose account is connected, and whether Dexcom lets us in.
func (s standing) consent() (need, bool) {
	id, c := s.who.ID, s.connection()
	if i := slices.IndexFunc(s.connections, func(c consent.Connection) bool { return c.Aside }); i >= 0 {
		if at := s.connections[i].StrayedAt; !at.IsZero() {
			return need{needsPerson, fmt.Sprintf("an answer of another account came on %s, make sure whose it is: dexetl connect %s --confirm --reason TEXT, or sign in again: dexetl connect %s",
				at.Format(time.DateOnly), id, id)}, true
		}
		return need{needsPerson, fmt.Sprintf("another account signed in on %s, make sure whose: dexetl connect %s --confirm --reason TEXT, or sign in again: dexetl connect %s",
			s.connections[i].CreatedAt.Format(time.DateOnly), id, id)}, true
	}
	region := cmp.Or(c.Region, s.who.Region)
	switch {
	case region != "" && !s.regions[region]:
		return need{needsDesk, fmt.Sprintf("configure the app of region %s: apps.%s in %s", region, region, configFile)}, true
	case s.link == consent.Waiting:
		return need{waits, "waits: somebody signed in with another browser than the link was opened in, and is asked for 15 minutes whose account it is"}, true
	case c.ID == "", c.Status == consent.Ended, c.Status == consent.NeedsReconsent:
		return need{needsPerson, s.invitation(c.Status == consent.NeedsReconsent)}, true
	case c.Status == consent.Exported:
		return need{waits, "nothing here: another machine has the grant"}, true
	case s.appRefused:
		return need{needsDesk, fmt.Sprintf("Dexcom refuses everybody of this app, so nobody is called; it said %q: dexetl doctor", c.RefusedSaid)}, true
	case c.Status == consent.AuthSuspect:
		return need{waits, "waits: a refused grant is tried again for about 36 hours" + saidWords(c)}, true
	}
	return need{}, false
}

// invitation says what comes next for somebody who is not connected, or no
// longer.
func (s standing) invitation(again bool) string {
	ways := "dexetl invite " + s.who.ID + ", or sign in together: dexetl connect " + s.who.ID
	switch s.link {
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
	if again {
		return "call: consent was withdrawn or ended at Dexcom" + saidWords(s.connection()) + "; " + ways
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

// strayed reports whether an answer of another account came, and nobody has made
// sure whose it is.
func (s standing) strayed() bool {
	return slices.ContainsFunc(s.connections, func(c consent.Connection) bool { return c.Aside && !c.StrayedAt.IsZero() })
}

// begun reports whether the study of the participant has begun, or does tomorrow.
func (s standing) begun() bool {
	return s.historyAll || !s.who.StudyStart.After(s.now.Add(24*time.Hour))
}

// study is about the dates of the study.
func (s standing) study() (need, bool) {
	switch {
	case s.who.StudyStart.IsZero() && !s.historyAll:
		return need{needsDesk, "give study_start in the roster"}, true
	case !s.begun():
		return need{waits, "waits: the study begins on " + s.who.StudyStart.Format(time.DateOnly)}, true
	case s.course.Over(s.now):
		return need{waits, "waits: late uploads until " + s.course.Closes.Format(time.DateOnly)}, s.fetched == "ended" || s.fetched == "current"
	}
	return need{}, false
}

// data is about what was asked and what came.
func (s standing) data() (need, bool) {
	if s.connection().LastError == consent.TokensDamaged {
		return need{needsPerson, "sign in again, the stored tokens are damaged: dexetl invite " + s.who.ID + ", or together: dexetl connect " + s.who.ID}, true
	}
	if len(s.outcome.Refused) > 0 {
		return need{needsDesk, refusedNeed(s.who.ID, s.outcome.Refused)}, true
	}
	if failed := s.connection().LastError; s.outcome.Error != "" && failed != "" {
		return need{needsRun, fmt.Sprintf("the last token refresh failed: %s; again: dexetl sync %s", failed, s.who.ID)}, true
	}
	if s.outcome.Error != "" {
		return need{needsRun, "the last fetch failed; again: dexetl sync " + s.who.ID}, true
	}
	if s.held != "" {
		return need{needsDesk, fmt.Sprintf("%s: an answer was held: dexetl query \"select held_reason, count(*) from requests where participant_id = '%s' group by all\"",
			s.held, s.who.ID)}, true
	}
	if s.unread != "" {
		return need{needsDesk, fmt.Sprintf("%s: %d of %d records rejected: dexetl query \"select reason, field, count(*) from rejects where participant_id = '%s' group by all\"",
			s.unread, s.unreadCount, s.unreadCount, s.who.ID)}, true
	}
	switch s.fetched {
	case "", "never_asked":
		return need{needsRun, "dexetl backfill " + s.who.ID}, true
	case "behind":
		if from := s.connection().ValidFrom; s.records == 0 && !from.IsZero() {
			return need{waits, "waits: no reading since the account passed on, " + from.Format(time.DateOnly)}, true
		}
		return need{needsRun, "dexetl sync " + s.who.ID}, true
	case "no_data":
		return need{needsPerson, "call: no readings at Dexcom; does the app upload?"}, true
	}
	if s.silentDays >= silentDays && s.fetched != "ended" && s.fetched != "not_started" {
		return need{needsPerson, fmt.Sprintf("call: no reading for %d days before the last sync", s.silentDays)}, true
	}
	return need{needsRun, fmt.Sprintf("no fetch was complete for %s; again: dexetl sync %s", call.Spell(s.maxAge), s.who.ID)}, s.late()
}

// connection is the one that counts: the newest that is not set aside.
func (s standing) connection() consent.Connection {
	var newest consent.Connection
	for _, c := range s.connections {
		if !c.Aside {
			newest = c
		}
	}
	return newest
}

// consentWords say in a word or two how it stands with the consent.
func (s standing) consentWords() string {
	c := s.connection()
	switch {
	case s.withdrawn:
		return "withdrawn"
	case s.who.Paused:
		return "paused"
	case !s.course.Asked:
		return s.who.Status
	case s.who.Status == "completed", s.course.Over(s.now) && (c.ID == "" || c.Status == consent.Ended):
		return "completed"
	case c.ID == "":
		return "none"
	}
	return string(c.Status)
}

// standings are those of people, in their order, with what the lake holds. A damaged
// data file that hides this is the error, and the rest is returned with it.
func (p *program) standings(ctx context.Context, s *study, people []cohort.Participant) ([]standing, map[string]lakeRow, error) {
	all, err := s.consents.Connections(ctx)
	if err != nil {
		return nil, nil, err
	}
	held, harm := s.held(ctx)
	if err := unlessData(harm); err != nil {
		return nil, nil, err
	}
	withdrawals, err := s.cohort.Withdrawals(ctx)
	if err != nil {
		return nil, nil, err
	}
	links, err := s.consents.Progress(ctx)
	if err != nil {
		return nil, nil, err
	}
	outcomes, err := s.cohort.FetchOutcomes(ctx)
	if err != nil {
		return nil, nil, err
	}
	disowned, err := p.disowned(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	byPerson := make(map[string][]consent.Connection)
	for _, c := range all {
		byPerson[c.ParticipantID] = append(byPerson[c.ParticipantID], c)
	}
	out := make([]standing, len(people))
	for i, who := range people {
		egvs := held[who.ID].of("egvs")
		one := standing{
			who: who, connections: byPerson[who.ID], link: links[who.ID], now: p.now(),
			withdrawn:  slices.ContainsFunc(withdrawals, func(w cohort.Withdrawal) bool { return w.ParticipantID == who.ID }),
			historyAll: s.config.Study.History == plan.HistoryAll,
			regions:    s.regions(), fetched: egvs.state, records: egvs.records, silentDays: held[who.ID].silentDays(), clock: egvs.clock, outcome: outcomes[who.ID], maxAge: defaultMaxAge,
		}
		one.disowned = disowned[who.ID]
		if c := one.connection(); c.LastError == consent.NotOwned && one.disowned == nil { // as the last fetch found it
			one.disowned = consent.NotTheirs(c)
		}
		one.held = held[who.ID].held()
		one.unread, one.unreadCount = held[who.ID].unread()
		if one.outcome.EndedAt.Before(one.connection().GrantedAt) {
			one.outcome.Error, one.outcome.Resource, one.outcome.Refused = "", "", nil // nothing was tried with the grant of today
		}
		one.appRefused = consent.AppRefused(one.connection(), all)
		if one.course, err = s.course(who, one.connection().CreatedAt); err != nil {
			return nil, nil, err
		}
		if one.unknown = harm != nil; one.unknown {
			one.fetched = "unread"
		}
		out[i] = one
	}
	return out, held, harm
}

// regions are those for which an app is configured.
func (s *study) regions() map[string]bool {
	known := map[string]bool{s.defaultRegion(): true}
	for region := range hosts() {
		_, own := s.config.Apps[region]
		known[region] = known[region] || own || s.config.API.BaseURL != ""
	}
	return known
}
