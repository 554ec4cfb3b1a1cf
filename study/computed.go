package study

import (
	"context"
	"database/sql"

	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/metrics"
	views "github.com/dexetl/dexetl/sql"
)

// wholeStudy is the scope of the dates of the study: its episodes are the table's.
const wholeStudy = "participant"

// ComputeSpans is the [snapshot.Compute] of the program.
func ComputeSpans(ctx context.Context, db *sql.DB, due []snapshot.Span, put func(snapshot.Span, []float64, []snapshot.Episode) error) error {
	of := map[string][]snapshot.Span{}
	var participants []string
	for first, i := 0, 1; i <= len(due); i++ {
		if participant := due[first].ParticipantID; i == len(due) || due[i].ParticipantID != participant {
			of[participant] = due[first:i]
			participants = append(participants, participant)
			first = i
		}
	}
	spanner, err := newSpanner(ctx, db, views.Selection{})
	if err != nil {
		return err
	}
	return spanner.each(ctx, db, participants, func(participant string, days *byDay, spans *metrics.Spans) error {
		var values []float64
		for _, s := range of[participant] {
			span := spans.Of(days.within(s))
			values = values[:0]
			for _, value := range span.Columns() {
				values = append(values, value)
			}
			var found []snapshot.Episode
			if s.Scope == wholeStudy {
				found = episodesOf(participant, span.Episodes, spanner.rules.Episodes.Preset)
			}
			if err := put(s, values, found); err != nil {
				return err
			}
		}
		return nil
	})
}

// episodesOf are rows of somebody's episodes.
func episodesOf(participant string, found []metrics.Episode, preset string) []snapshot.Episode {
	rows := make([]snapshot.Episode, len(found))
	for i, e := range found {
		rows[i] = snapshot.Episode{
			ParticipantID: participant, Kind: string(e.Kind), Preset: preset,
			Start: e.Start, End: e.End, LocalStart: e.LocalStart, LocalEnd: e.LocalEnd,
			DurationMin: e.DurationMin, Values: e.Readings, ExtremeMgdL: e.ExtremeMgdL, MeanMgdL: e.MeanMgdL, Level: levelOf(e),
			TruncatedStart: e.TruncatedStart, TruncatedEnd: e.TruncatedEnd,
		}
	}
	return rows
}

// levelOf is the level that an episode reaches.
func levelOf(e metrics.Episode) int {
	switch e.Kind {
	case metrics.Hypo1, metrics.HypoExtended, metrics.Hyper1:
		if !e.Level2 {
			return 1
		}
	}
	return 2
}
