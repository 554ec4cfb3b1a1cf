package study

import (
	"context"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
)

// A Person is all that is known of a participant.
type Person struct {
	Who         cohort.Participant
	Connections []consent.Connection // oldest first, those set aside too
	Course      cohort.Course        // with the connection that counts
	Phase       Phase
	Withdrawal  cohort.Withdrawal // zero: has not withdrawn
	Link        consent.Progress
	Invitation  consent.Invitation  // the link that counts; zero: none
	AppRefused  bool                // the consent is refused, and so are the others' of its app
	Edited      *consent.OwnerError // a row of theirs was edited; nil: none
	Outcome     cohort.FetchOutcome // of the last fetch; zero: none; no error of before the grant of today

	Held       Holdings // what the lake has
	LakeUnread bool     // what the lake has is not known: a file is damaged

	TroubleTold bool // what befalls everybody at once was told: see Trouble

	MaxAge     time.Duration // how old the last complete fetch may be
	allHistory bool          // study.history
	hasApp     map[string]bool
	now        time.Time
}

// DefaultMaxAge is how old the last complete fetch may be.
const DefaultMaxAge = 48 * time.Hour

// Connection is the one that counts: the newest that is not set aside.
func (p Person) Connection() consent.Connection { return newest(p.Connections) }

func newest(connections []consent.Connection) (c consent.Connection) {
	for _, one := range connections {
		if !one.Aside {
			c = one
		}
	}
	return c
}

// Aside is a connection that nobody has confirmed, zero for none.
func (p Person) Aside() consent.Connection {
	if i := slices.IndexFunc(p.Connections, func(c consent.Connection) bool { return c.Aside }); i >= 0 {
		return p.Connections[i]
	}
	return consent.Connection{}
}

// Strayed reports whether an answer of another account came, and nobody has made sure
// whose it is.
func (p Person) Strayed() bool {
	return slices.ContainsFunc(p.Connections, func(c consent.Connection) bool { return c.Aside && !c.StrayedAt.IsZero() })
}

// Failed reports whether the last fetch failed, or what came could not be read.
func (p Person) Failed() bool {
	unread, _ := p.Held.Unread()
	return !p.awaited() && (p.Outcome.Error != "" || p.Held.HeldBack() != "" || unread != "")
}

// SucceededAt is when last all that was due was held; zero: never, or it could not be
// read.
func (p Person) SucceededAt() time.Time {
	if p.Failed() && p.Outcome.Error == "" {
		return time.Time{}
	}
	return p.Outcome.DoneAt
}

// Late reports whether no fetch of somebody who is connected was complete for so
// long, nor were they just connected.
func (p Person) Late() bool {
	since := later(p.Outcome.DoneAt, p.Connection().GrantedAt)
	return !p.awaited() && p.Connection().Status == consent.Connected && p.now.Sub(since) > p.MaxAge
}

// awaited reports whether nothing but time is needed, by the dates of the study.
func (p Person) awaited() bool {
	n, ok := p.datesNeed()
	return ok && n.Urgency() == Waits
}

// Begun reports whether the study of the participant has begun, or does tomorrow.
func (p Person) Begun() bool {
	return p.allHistory || !p.Who.StudyStart.After(p.now.Add(24*time.Hour))
}

// Consent says in a word how it stands with the consent: withdrawn, paused, the status of
// the roster that ends their part, completed, none, or the status of the connection.
func (p Person) Consent() string {
	c := p.Connection()
	switch {
	case p.Phase == Withdrawn:
		return "withdrawn"
	case p.Who.Paused:
		return "paused"
	case !p.Course.Asked:
		return p.Who.Status
	case p.Who.Status == "completed", p.Course.Over(p.now) && (c.ID == "" || c.Status == consent.Ended):
		return "completed"
	case c.ID == "":
		return "none"
	}
	return string(c.Status)
}

// people are chosen as far as the state knows them, in their order.
func (s *Study) people(ctx context.Context, chosen []cohort.Participant) ([]Person, error) {
	all, err := s.Consents.Connections(ctx)
	if err != nil {
		return nil, err
	}
	withdrawals, err := s.Cohort.Withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	outcomes, err := s.Cohort.FetchOutcomes(ctx)
	if err != nil {
		return nil, err
	}
	of := make(map[string][]consent.Connection)
	for _, c := range all {
		of[c.ParticipantID] = append(of[c.ParticipantID], c)
	}
	withdrawn := make(map[string]cohort.Withdrawal)
	for _, w := range withdrawals {
		withdrawn[w.ParticipantID] = w
	}
	now, hasApp, out := s.Now(), s.regions(), make([]Person, len(chosen))
	for i, who := range chosen {
		p := Person{
			Who: who, Connections: of[who.ID], Withdrawal: withdrawn[who.ID], Outcome: outcomes[who.ID], MaxAge: DefaultMaxAge,
			allHistory: s.Config.Study.History == cohort.HistoryAll, hasApp: hasApp, now: now,
		}
		c := p.Connection()
		if p.Course, err = s.course(who, c.CreatedAt); err != nil {
			return nil, err
		}
		p.Phase = PhaseOf(who, p.Course, c, p.Withdrawal.ParticipantID != "", p.allHistory, now)
		p.AppRefused = consent.AppRefused(c, all)
		if p.Outcome.EndedAt.Before(c.GrantedAt) {
			p.Outcome.Error, p.Outcome.Resource, p.Outcome.Refused = "", "", nil // nothing was tried with the grant of today
		}
		out[i] = p
	}
	return out, nil
}

// Known is a participant as far as the state knows them: without what the lake has, which
// takes longer to find out.
func (s *Study) Known(ctx context.Context, who cohort.Participant) (Person, error) {
	people, err := s.people(ctx, []cohort.Participant{who})
	if err != nil {
		return Person{}, err
	}
	p := people[0]
	if c := p.Connection(); c.LastError == consent.NotOwned { // as the last fetch found it
		p.Edited = consent.NotTheirs(c)
	}
	return p, nil
}

// People are chosen with all that is known of them, in their order. A damaged data file
// that hides what the lake has is the error, and the rest is returned with it.
func (s *Study) People(ctx context.Context, chosen []cohort.Participant) ([]Person, error) {
	people, err := s.people(ctx, chosen)
	if err != nil {
		return nil, err
	}
	held, harm := s.held(ctx)
	if err := UnlessData(harm); err != nil {
		return nil, err
	}
	standings, err := s.Consents.Standings(ctx)
	if err != nil {
		return nil, err
	}
	edited, err := s.disowned(ctx)
	if err != nil {
		return nil, err
	}
	for i := range people {
		p := &people[i]
		id := p.Who.ID
		p.Link, p.Invitation = standings[id].Progress, standings[id].Link
		p.Held, p.LakeUnread, p.Edited = held[id], harm != nil, edited[id]
		if c := p.Connection(); c.LastError == consent.NotOwned && p.Edited == nil { // as the last fetch found it
			p.Edited = consent.NotTheirs(c)
		}
	}
	return people, harm
}
