package study

import (
	"context"
	"database/sql"
	"slices"

	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/metrics"
	views "github.com/dexetl/dexetl/sql"
)

// wholeStudy is the scope of the dates of the study: its episodes are the table's.
const wholeStudy = "participant"

// computeSpans is a [snapshot.Compute].
func computeSpans(ctx context.Context, db *sql.DB, due []snapshot.Span) (values [][]float64, episodes []snapshot.Episode, err error) {
	values = make([][]float64, len(due))
	first := map[string]int{} // of a participant's spans, which follow each other
	var participants []string
	for i, s := range due {
		if _, known := first[s.ParticipantID]; !known {
			first[s.ParticipantID] = i
			participants = append(participants, s.ParticipantID)
		}
	}
	found := make([][]snapshot.Episode, len(due))
	spanner, err := newSpanner(ctx, db, views.Selection{})
	if err != nil {
		return nil, nil, err
	}
	err = spanner.each(ctx, db, participants, func(participant string, days *byDay, spans *metrics.Spans) {
		for i := first[participant]; i < len(due) && due[i].ParticipantID == participant; i++ {
			span := spans.Of(days.within(due[i]))
			for _, value := range span.Columns() {
				values[i] = append(values[i], value)
			}
			if due[i].Scope == wholeStudy {
				found[i] = episodesOf(participant, span.Episodes, spanner.rules.Episodes.Preset)
			}
		}
	})
	return values, slices.Concat(found...), err
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
