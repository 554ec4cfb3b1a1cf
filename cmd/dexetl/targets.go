package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/state"
)

// targets are the connections from which people's data may be fetched, and
// what of it.
func (s *study) targets(ctx context.Context, people []state.Participant) ([]extract.Target, error) {
	all, err := s.store.Connections(ctx)
	if err != nil {
		return nil, err
	}
	connections := make(map[string][]state.Connection)
	for _, c := range all {
		if c.Status != state.Ended && !c.Aside {
			connections[c.ParticipantID] = append(connections[c.ParticipantID], c)
		}
	}
	var targets []extract.Target
	for _, who := range people {
		if who.Paused {
			continue // said by skipPaused
		}
		if len(connections[who.ID]) == 0 {
			targets = append(targets, extract.Target{ParticipantID: who.ID})
		}
		for _, c := range connections[who.ID] {
			t, err := s.target(who, c)
			if err != nil {
				return nil, err
			}
			targets = append(targets, t)
		}
	}
	return targets, nil
}

func (s *study) target(who state.Participant, c state.Connection) (extract.Target, error) {
	zone, err := time.LoadLocation(who.Timezone) // "" is UTC
	if err != nil {
		return extract.Target{}, fmt.Errorf("participant %s: %w", who.ID, err)
	}
	consented, reason := extract.Consented(who.StudyStart, who.StudyEnd, zone, s.config.Study.History, c.ValidFrom, c.ValidTo)
	return extract.Target{
		ParticipantID: who.ID, ConnectionID: c.ID, App: c.Region, Consented: consented, Reason: reason,
	}, nil
}

// sayWhoIsLeftOut tells of paused participants, and that dates without a time
// zone are taken as UTC. To name a paused participant is an error.
func (p *program) sayWhoIsLeftOut(people []state.Participant, byName bool) error {
	var paused, zoneless []string
	for _, who := range people {
		switch {
		case who.Paused:
			paused = append(paused, who.ID)
		case who.Timezone == "" && !(who.StudyStart.IsZero() && who.StudyEnd.IsZero()):
			zoneless = append(zoneless, who.ID)
		}
	}
	if len(paused) > 0 && byName {
		return failure(exitUsage, "dexetl participants resume "+paused[0], "%s is paused", shortList(paused))
	}
	if len(paused) > 0 {
		p.say("paused, so left out: %s", shortList(paused))
	}
	if len(zoneless) > 0 {
		p.say("no timezone in the roster, so study dates are taken as UTC: %s", shortList(zoneless))
	}
	return nil
}
