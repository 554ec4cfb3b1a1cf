package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/serve"
	"github.com/dexetl/dexetl/study"
)

// silences are how long without a reading counts, by label.
func silences() map[string]time.Duration {
	return map[string]time.Duration{"6h": 6 * time.Hour, "24h": 24 * time.Hour, "72h": 72 * time.Hour}
}

// countStudy renews the figures of the study; without them the old ones stay.
func (p *program) countStudy(ctx context.Context, s *study.Study, metrics *serve.Metrics, log *slog.Logger) {
	count, err := p.countedStudy(ctx, s)
	if err != nil {
		log.Warn("study not counted", "error", err)
		return
	}
	metrics.Count(count)
}

func (p *program) countedStudy(ctx context.Context, s *study.Study) (serve.Study, error) {
	out := serve.Study{Participants: make(map[string]int), Silent: make(map[string]int)}
	people, err := s.Cohort.Participants(ctx)
	if err != nil {
		return out, err
	}
	persons, err := s.People(ctx, people)
	if err != nil {
		return out, err
	}
	for label := range silences() {
		out.Silent[label] = 0
	}
	for _, one := range persons {
		out.Participants[one.Consent()]++
		if one.Consent() != string(consent.Connected) {
			continue
		}
		at := one.Held.Of("egvs").Newest
		if at.After(out.NewestReading) {
			out.NewestReading = at
		}
		if at.IsZero() { // silent for as long as there could have been one
			if at = one.Connection().CreatedAt; one.Who.StudyStart.After(at) {
				at = one.Who.StudyStart
			}
		}
		for label, over := range silences() {
			if p.now().Sub(at) > over {
				out.Silent[label]++
			}
		}
	}
	return out, nil
}
