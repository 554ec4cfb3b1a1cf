package study

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/metrics"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/table"
)

// scopesOf are those that a selection chooses.
func scopesOf(ctx context.Context, db *sql.DB, chosen views.Selection) (found []snapshot.Span, err error) {
	statement, args := chosen.Scopes()
	rows, err := db.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s snapshot.Span
		var first, last sql.NullTime
		if err := rows.Scan(&s.ParticipantID, &s.Scope, &s.Label, &first, &last, &s.TakesUnknown); err != nil {
			return nil, err
		}
		s.First, s.Last = first.Time, last.Time
		found = append(found, s)
	}
	return found, rows.Err()
}

// A spanner computes what depends on the order of readings.
type spanner struct {
	chosen views.Selection
	rules  metrics.SpanRules
	free   sync.Pool // of *metrics.Spans, one for each worker
}

func newSpanner(ctx context.Context, db *sql.DB, chosen views.Selection) (*spanner, error) {
	rules, err := spanRules(ctx, db, chosen)
	s := &spanner{chosen: chosen, rules: rules}
	s.free.New = func() any { return &metrics.Spans{Rules: s.rules} }
	return s, err
}

// spanRules are those of a selection of a session.
func spanRules(ctx context.Context, db *sql.DB, chosen views.Selection) (metrics.SpanRules, error) {
	if chosen.Preset == views.IGLU {
		return metrics.IGLUSpans(), nil
	}
	rules := metrics.DexetlSpans()
	var preset string
	if err := db.QueryRowContext(ctx, views.EpisodePreset()).Scan(&preset); err != nil {
		return rules, err
	}
	var known bool
	if rules.Episodes, known = metrics.EpisodesBy(preset); !known {
		return rules, fmt.Errorf("metrics.episodes %q: this program does not know these rules", preset)
	}
	return rules, nil
}

// each calls do for every participant who has readings, several at once, with memory
// to compute spans in.
func (s *spanner) each(ctx context.Context, db *sql.DB, participants []string, do func(participant string, days *byDay, spans *metrics.Spans) error) error {
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	var failed error
	for sequence, err := range snapshot.Sequences(ctx, db, participants, s.chosen.Readings) {
		if failed = err; err != nil {
			break
		}
		workers.Go(func() error {
			spans := s.free.Get().(*metrics.Spans)
			defer s.free.Put(spans)
			return errors.Join(do(sequence.ParticipantID, newByDay(sequence.Readings), spans), ctx.Err())
		})
	}
	return errors.Join(failed, workers.Wait())
}

// addSpans puts into metrics of a selection those that depend on the order of readings.
func addSpans(ctx context.Context, db *sql.DB, chosen views.Selection, t *table.Table) error {
	scopes, err := scopesOf(ctx, db, chosen)
	if err != nil {
		return err
	}
	of, participants := map[string]snapshot.Span{}, make([]string, 0, len(scopes))
	for _, s := range scopes {
		of[s.ParticipantID] = s
		participants = append(participants, s.ParticipantID)
	}
	rows, key := map[string]int{}, slices.Index(t.Columns, "participant_id")
	for i := range t.Rows {
		rows[t.Rows[i][key].(string)] = i
	}
	first := slices.Index(t.Columns, metrics.SpanColumns()[0])
	spanner, err := newSpanner(ctx, db, chosen)
	if err != nil {
		return err
	}
	return spanner.each(ctx, db, participants, func(participant string, days *byDay, spans *metrics.Spans) error {
		chosen := days.within(of[participant])
		if len(chosen) == 0 { // what a snapshot has computed says nothing of it, either
			return nil
		}
		span := spans.Of(chosen)
		fill(t.Rows[rows[participant]][first:], &span)
		return nil
	})
}

// fill puts the metrics of a span into the columns of a row; what does not exist is
// nil.
func fill(row []any, span *metrics.Span) {
	i := 0
	for _, value := range span.Columns() {
		if !math.IsNaN(value) {
			row[i] = value
		}
		i++
	}
}
