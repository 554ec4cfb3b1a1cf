package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/dexetl/dexetl/serve"
	"github.com/dexetl/dexetl/study"
)

// silences are how long without a reading counts, by label.
func silences() map[string]time.Duration {
	return map[string]time.Duration{"6h": 6 * time.Hour, "24h": 24 * time.Hour, "72h": 72 * time.Hour}
}

// countStudy renews the figures of the study; without them the old ones stay.
func (p *program) countStudy(ctx context.Context, s *study.Study, metrics *serve.Metrics, log *slog.Logger) {
	count, err := s.Census(ctx, silences())
	if err != nil {
		log.Warn("study not counted", "error", err)
		return
	}
	metrics.Count(serve.Study(count))
}
