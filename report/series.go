//go:build linux || darwin

package report

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/metrics"
	"github.com/dexetl/dexetl/report/page"
	views "github.com/dexetl/dexetl/sql"
)

// settings are the thresholds of the snapshot.
type settings struct {
	needPct float64 // active_window_pct from which on data are sufficient
	night   metrics.Night
}

func (w *work) settings(ctx context.Context) (by settings, err error) {
	err = w.db.QueryRowContext(ctx, "select min_active_pct, night_from_min, night_to_min from internal.metric_settings").
		Scan(&by.needPct, &by.night.FromMin, &by.night.ToMin)
	return by, err
}

// A series is somebody's readings of the dates chosen, those that count, by time.
type series struct {
	person   person
	readings []metrics.Reading
}

// series yields those of some who have readings.
func (w *work) series(ctx context.Context, some []person) iter.Seq2[series, error] {
	of, ids := map[string]person{}, []string(nil)
	for _, p := range some {
		if !p.metrics.date("first_date").IsZero() && !p.metrics.date("last_date").IsZero() {
			of[p.Who.ID] = p
			ids = append(ids, p.Who.ID)
		}
	}
	statement := func(ids []string) string {
		var first, end strings.Builder // bounds of each, in the order of ids
		for _, id := range ids {
			fmt.Fprintf(&first, "%d, ", of[id].metrics.date("first_date").UnixMicro())
			fmt.Fprintf(&end, "%d, ", of[id].metrics.date("last_date").AddDate(0, 0, 1).UnixMicro())
		}
		return fmt.Sprintf("select place, time_us, local_us, value_mgdl, kept_min from (%s) where local_us >= ([%s])[place + 1] and local_us < ([%s])[place + 1]",
			w.Chosen.Readings(ids), first.String(), end.String())
	}
	return func(yield func(series, error) bool) {
		for found, err := range snapshot.Sequences(ctx, w.db, ids, statement) {
			if !yield(series{of[found.ParticipantID], readingsOf(found.Readings)}, err) || err != nil {
				return
			}
		}
	}
}

// readingsOf are the readings of a sequence, all of which have local time.
func readingsOf(sequence []snapshot.SequenceReading) []metrics.Reading {
	readings := make([]metrics.Reading, len(sequence))
	for i, r := range sequence {
		readings[i] = metrics.Reading{
			Time: time.UnixMicro(r.Time).UTC(), Local: time.UnixMicro(r.Local).UTC(), GlucoseMgdL: r.MgdL, HasValue: true, CadenceMin: int(r.Cadence),
		}
	}
	return readings
}

// entries are the carbohydrates and insulin of some in the dates chosen, by participant and
// time. Those without a time by the display are left out: nobody knows their day.
func (w *work) entries(ctx context.Context, some []person) (map[string][]page.Entry, error) {
	of := map[string]person{}
	var from, end time.Time
	for _, p := range some {
		of[p.Who.ID] = p
		if first := p.metrics.date("first_date"); !first.IsZero() && (from.IsZero() || first.Before(from)) {
			from = first
		}
		if last := p.metrics.date("last_date"); !last.IsZero() && !last.AddDate(0, 0, 1).Before(end) {
			end = last.AddDate(0, 0, 1)
		}
	}
	rows, err := w.db.QueryContext(ctx, `select participant_id, display_time, event_type, event_subtype, value, value_text, unit
from current_events
where event_type in ('carbs', 'insulin') and display_time >= $1 and display_time < $2 and `+views.Among("participant_id", idsOf(some))+`
order by participant_id, display_time, event_type desc, value`, from, end)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string][]page.Entry{}
	for rows.Next() {
		var id string
		var e page.Entry
		var subtype, sent, unit sql.NullString
		var amount sql.NullFloat64
		if err := rows.Scan(&id, &e.At, &e.Type, &subtype, &amount, &sent, &unit); err != nil {
			return nil, err
		}
		e.Subtype, e.Sent, e.Unit, e.Amount = subtype.String, sent.String, unit.String, amount.Float64
		if !amount.Valid {
			e.Amount = math.NaN()
		}
		if s := of[id].metrics; !e.At.Before(s.date("first_date")) && e.At.Before(s.date("last_date").AddDate(0, 0, 1)) {
			found[id] = append(found[id], e)
		}
	}
	return found, rows.Err()
}

// lastSeen are the local dates of the last readings of some, wherever they lie.
func (w *work) lastSeen(ctx context.Context, some []person) (map[string]time.Time, error) {
	all := map[string]time.Time{}
	t, err := w.ask(ctx, "select participant_id, last_seen from study_intervals where last_seen is not null and "+views.Among("participant_id", idsOf(some)))
	for _, row := range t.Rows {
		all[row[0].(string)] = row[1].(time.Time)
	}
	return all, err
}
