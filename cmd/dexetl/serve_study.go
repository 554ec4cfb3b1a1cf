package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/serve"
)

// silences are how long without a reading counts, by label.
func silences() map[string]time.Duration {
	return map[string]time.Duration{"6h": 6 * time.Hour, "24h": 24 * time.Hour, "72h": 72 * time.Hour}
}

// countStudy renews the figures of the study; without them the old ones stay.
func (p *program) countStudy(ctx context.Context, s *study, metrics *serve.Metrics, log *slog.Logger) {
	count, err := p.countedStudy(ctx, s)
	if err != nil {
		log.Warn("study not counted", "error", err)
		return
	}
	metrics.Count(count)
}

func (p *program) countedStudy(ctx context.Context, s *study) (serve.Study, error) {
	out := serve.Study{Participants: make(map[string]int), Silent: make(map[string]int)}
	people, err := s.cohort.Participants(ctx)
	if err != nil {
		return out, err
	}
	standings, held, err := p.standings(ctx, s, people)
	if err != nil {
		return out, err
	}
	for label := range silences() {
		out.Silent[label] = 0
	}
	for _, one := range standings {
		out.Participants[one.consentWords()]++
		if one.consentWords() != string(consent.Connected) {
			continue
		}
		at := held[one.who.ID].of("egvs").newest
		out.NewestReading = later(out.NewestReading, at)
		if at.IsZero() { // silent for as long as there could have been one
			at = later(one.connection().CreatedAt, one.who.StudyStart)
		}
		for label, over := range silences() {
			if p.now().Sub(at) > over {
				out.Silent[label]++
			}
		}
	}
	return out, nil
}
