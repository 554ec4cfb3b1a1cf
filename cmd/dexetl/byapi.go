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
	assumed, err := access.Identities{Store: s.Store}.Assumed(ctx)
	if err != nil {
		return err
	}
	var starts []string
	for _, who := range people {
		if day, ok := assumed[who.ID]; ok && day == who.StudyStart.Format(time.DateOnly) {
			starts = append(starts, who.ID)
		}
	}
	if len(starts) > 0 {
		p.say("study_start of these is the day on which the API added them less %s (serve.default_history), because nobody named one; the roster may correct it: %s",
			call.Spell(time.Duration(s.Config.Serve.DefaultHistory)), study.ShortList(starts))
	}
	return nil
}
