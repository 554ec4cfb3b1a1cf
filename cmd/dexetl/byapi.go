package main

import (
	"context"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/study"
)

// sayByAPI tells whose first date is a guess of the API's: the study team may know better.
func (p *program) sayByAPI(ctx context.Context, s *study.Study, people []cohort.Participant) error {
	assumed, err := assumedStarts(ctx, s)
	if err != nil {
		return err
	}
	var starts []string
	for _, who := range people {
		if assumed.of(who) != nil {
			starts = append(starts, who.ID)
		}
	}
	if len(starts) > 0 {
		p.say("study_start of these is the day on which the API added them less %s (serve.default_history), because nobody named one; the roster may correct it: %s",
			call.Spell(time.Duration(s.Config.Serve.DefaultHistory)), study.ShortList(starts))
	}
	return nil
}

// An assumption is the study_start that the API assumed, by participant.
type assumption map[string]string

func assumedStarts(ctx context.Context, s *study.Study) (assumption, error) {
	all, err := access.Identities{Store: s.Store}.Assumed(ctx)
	return all, err
}

// of is the date that was assumed of a participant, and is still that of the roster, else
// nil.
func (a assumption) of(who cohort.Participant) any {
	day := who.StudyStart.Format(time.DateOnly)
	if a[who.ID] != day {
		return nil
	}
	return day
}
