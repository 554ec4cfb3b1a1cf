package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// targets are the connections from which people's data may be fetched, and
// what of it.
func (s *study) targets(ctx context.Context, people []cohort.Participant, now time.Time) ([]extract.Target, error) {
	connections, err := s.liveConnections(ctx)
	if err != nil {
		return nil, err
	}
	tried, err := s.cohort.FetchOutcomes(ctx)
	if err != nil {
		return nil, err
	}
	var targets []extract.Target
	for _, who := range people {
		live := connections[who.ID]
		leftOut, err := s.leftOut(who, len(live) > 0, now)
		if err != nil {
			return nil, err
		}
		if who.Paused || leftOut != "" {
			continue // said by sayWhoIsLeftOut
		}
		if len(live) == 0 {
			targets = append(targets, extract.Target{ParticipantID: who.ID})
		}
		for _, c := range live {
			t, err := s.target(who, c)
			if err != nil {
				return nil, err
			}
			last := tried[who.ID]
			t.Tried = last.EndedAt
			if !last.EndedAt.Before(c.GrantedAt) { // else another grant was refused
				t.Refused = mapped(last.Refused, func(r cohort.Refusal) dexcom.Resource { return dexcom.Resource(r.Resource) })
			}
			targets = append(targets, t)
		}
	}
	return targets, nil
}

func (s *study) target(who cohort.Participant, c consent.Connection) (extract.Target, error) {
	zone, err := zoneOf(who)
	if err != nil {
		return extract.Target{}, err
	}
	course, err := s.course(who, c.CreatedAt)
	if err != nil {
		return extract.Target{}, err
	}
	consented, reason := plan.Consented(who.StudyStart, course.LastDay, zone, s.config.Study.History, c.ValidFrom, c.ValidTo)
	return extract.Target{
		ParticipantID: who.ID, ConnectionID: c.ID, App: c.Region, Consented: consented, Reason: reason,
	}, nil
}

// liveConnections are those that hold a grant that is used, by participant.
func (s *study) liveConnections(ctx context.Context) (map[string][]consent.Connection, error) {
	all, err := s.consents.Connections(ctx)
	if err != nil {
		return nil, err
	}
	live := make(map[string][]consent.Connection)
	for _, c := range all {
		if c.Status != consent.Ended && !c.Aside {
			live[c.ParticipantID] = append(live[c.ParticipantID], c)
		}
	}
	return live, nil
}

// zoneOf is the roster's time zone, UTC where it names none.
func zoneOf(who cohort.Participant) (*time.Location, error) {
	zone, err := time.LoadLocation(who.Timezone)
	if err != nil {
		return nil, fmt.Errorf("participant %s: %w", who.ID, err)
	}
	return zone, nil
}

// sayWhoIsLeftOut tells of paused participants, of those whose part in the
// study is over, and that dates without a time zone are taken as UTC. To name
// somebody who is left out is an error.
func (p *program) sayWhoIsLeftOut(ctx context.Context, s *study, people []cohort.Participant, byName bool) error {
	live, err := s.liveConnections(ctx)
	if err != nil {
		return err
	}
	var paused, over, zoneless []string
	for _, who := range people {
		why, err := s.leftOut(who, len(live[who.ID]) > 0, p.now())
		switch {
		case err != nil:
			return err
		case who.Paused:
			paused = append(paused, who.ID)
		case why != "":
			over = append(over, fmt.Sprintf("%s (%s)", who.ID, why))
		case who.Timezone == "" && !(who.StudyStart.IsZero() && who.StudyEnd.IsZero()):
			zoneless = append(zoneless, who.ID)
		}
	}
	switch {
	case len(paused) > 0 && byName:
		return failure(exitUsage, "dexetl participants resume "+paused[0], "%s is paused", shortList(paused))
	case len(over) > 0 && byName:
		return failure(exitUsage, "dexetl participants list", "nothing is asked for any more: %s", shortList(over))
	}
	for _, line := range []struct {
		what string
		who  []string
	}{
		{"paused, so left out", paused},
		{"over, so left out", over},
		{"no timezone in the roster, so study dates are taken as UTC", zoneless},
	} {
		if len(line.who) > 0 {
			p.say("%s: %s", line.what, shortList(line.who))
		}
	}
	return nil
}
