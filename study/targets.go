package study

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
)

// targets are the connections from which people's data may be fetched, and
// what of it. Of whom nothing is asked there are none.
func (s *Study) targets(ctx context.Context, chosen []cohort.Participant) ([]extract.Target, error) {
	people, err := s.people(ctx, chosen)
	if err != nil {
		return nil, err
	}
	var targets []extract.Target
	for _, p := range people {
		if !p.Asked() {
			continue // told by tellLeftOut
		}
		live := slices.DeleteFunc(slices.Clone(p.Connections), func(c consent.Connection) bool { return c.Status == consent.Ended || c.Aside })
		if len(live) == 0 {
			targets = append(targets, extract.Target{ParticipantID: p.Who.ID})
		}
		for _, c := range live {
			t, err := s.target(p.Who, c)
			if err != nil {
				return nil, err
			}
			t.SameAccount = consent.SameAccount(c, p.Connections)
			t.Tried = p.Outcome.EndedAt
			if !t.Tried.Before(c.GrantedAt) { // else another grant was refused
				t.Refused = mapped(p.Outcome.Refused, func(r cohort.Refusal) dexcom.Resource { return dexcom.Resource(r.Resource) })
			}
			targets = append(targets, t)
		}
	}
	return targets, nil
}

func (s *Study) target(who cohort.Participant, c consent.Connection) (extract.Target, error) {
	zone, err := s.zones.of(who)
	if err != nil {
		return extract.Target{}, err
	}
	course, err := s.course(who, c.CreatedAt)
	if err != nil {
		return extract.Target{}, err
	}
	start, end, reason := cohort.Consented(who.StudyStart, course.LastDay, zone, s.Config.Study.History, c.ValidFrom, c.ValidTo)
	return extract.Target{
		ParticipantID: who.ID, ConnectionID: c.ID, App: c.Region, Consented: plan.Window{Start: start, End: end}, Reason: reason,
	}, nil
}

// ZoneOf is the roster's time zone, UTC where it names none.
func ZoneOf(who cohort.Participant) (*time.Location, error) { return new(zones).of(who) }

// zones are time zones by name, each loaded once.
type zones struct{ loaded sync.Map }

// of is ZoneOf.
func (z *zones) of(who cohort.Participant) (*time.Location, error) {
	if zone, ok := z.loaded.Load(who.Timezone); ok {
		return zone.(*time.Location), nil
	}
	zone, err := time.LoadLocation(who.Timezone)
	if err != nil {
		return nil, fmt.Errorf("participant %s: %w", who.ID, err)
	}
	z.loaded.Store(who.Timezone, zone)
	return zone, nil
}
