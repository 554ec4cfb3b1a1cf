package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/dexetl/dexetl/extract/state"
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
	people, err := s.store.Participants(ctx)
	if err != nil {
		return out, err
	}
	connections, err := s.newestConnections(ctx)
	if err != nil {
		return out, err
	}
	for _, who := range people {
		out.Participants[consentWords(who, connections[who.ID])]++
	}
	newest, err := s.newestReadings(ctx)
	if as[*emptyLakeError](err) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	for label := range silences() {
		out.Silent[label] = 0
	}
	for _, who := range people {
		at, held := newest[who.ID]
		if !held || who.Paused || connections[who.ID].Status == state.Ended {
			continue
		}
		if at.After(out.NewestReading) {
			out.NewestReading = at
		}
		for label, over := range silences() {
			if p.now().Sub(at) > over {
				out.Silent[label]++
			}
		}
	}
	return out, nil
}

// newestReadings is the time of each participant's newest egv.
func (s *study) newestReadings(ctx context.Context) (map[string]time.Time, error) {
	t, err := s.query(ctx, "", "", "select participant_id, newest_record from fetch_status where resource = 'egvs' and newest_record is not null")
	if err != nil {
		return nil, err
	}
	newest := make(map[string]time.Time, len(t.rows))
	for _, row := range t.rows {
		at, ok := row[1].(time.Time)
		if !ok {
			return nil, fmt.Errorf("newest record of %v is a %T", row[0], row[1])
		}
		newest[fmt.Sprint(row[0])] = at
	}
	return newest, nil
}
