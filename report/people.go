//go:build linux || darwin

package report

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/dexetl/dexetl/schemas"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

// A person is somebody whom the report is about, with the metrics of the dates chosen.
type person struct {
	study.Person
	metrics summary
	came    came
}

// A summary are the metrics of somebody over some dates: a row of participant_metrics, as
// dexetl metrics has it.
type summary struct {
	columns []string
	row     []any
	outside bool // no day of their study lies in the dates: there are none then
}

// of is a metric; NaN if it is null.
func (s summary) of(metric string) float64 {
	switch v := s.value(metric).(type) {
	case float64:
		return v
	case int64:
		return float64(v)
	case int32:
		return float64(v)
	}
	return math.NaN()
}

// is is a metric that says yes or no; no if it is null.
func (s summary) is(metric string) bool { yes, _ := s.value(metric).(bool); return yes }

// date is a local date; zero if it is null.
func (s summary) date(column string) time.Time { at, _ := s.value(column).(time.Time); return at }

// text is a metric in words; empty if it is null.
func (s summary) text(column string) string { words, _ := s.value(column).(string); return words }

func (s summary) value(column string) any {
	if i := slices.Index(s.columns, column); i >= 0 {
		return s.row[i]
	}
	return nil
}

// findPeople are those of the order whom the snapshot knows, and of whom it may be shown.
func (w *work) findPeople(ctx context.Context) error {
	withdrawn, err := w.withdrawn(ctx)
	if err != nil {
		return err
	}
	gone, err := w.Study.Gone(ctx, withdrawn)
	if err != nil {
		return err
	}
	w.Chosen.Participants = []string{}
	for _, p := range w.Order.People {
		if slices.Contains(gone, p.Who.ID) {
			w.gone = append(w.gone, p.Who.ID)
		} else {
			w.Chosen.Participants = append(w.Chosen.Participants, p.Who.ID)
		}
	}
	found, err := w.summaries(ctx, w.Chosen)
	if err != nil {
		return err
	}
	counts, err := w.whatCame(ctx)
	if err != nil {
		return err
	}
	for _, p := range w.Order.People {
		if s, known := found[p.Who.ID]; known {
			w.people = append(w.people, person{p, s, counts[p.Who.ID]})
		}
	}
	longestSilenceFirst(w.people)
	return nil
}

// summaries are the metrics of the dates chosen of everybody whom the snapshot knows, by
// participant. Those that depend on the order of readings are null where dates are chosen.
func (w *work) summaries(ctx context.Context, chosen views.Selection) (map[string]summary, error) {
	chosen.FromReadings, chosen.Spans = !w.manifest.KeepsDays(), true
	statement, args := chosen.Query()
	t, err := w.ask(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	beyond, err := w.beyond(ctx, chosen)
	if err != nil {
		return nil, err
	}
	all := make(map[string]summary, len(t.Rows))
	for _, row := range t.Rows {
		s := summary{columns: t.Columns, row: row}
		s.outside = s.date("first_date").IsZero() && beyond[s.text("participant_id")]
		all[s.text("participant_id")] = s
	}
	return all, nil
}

// beyond are those whose study ends before the dates chosen, or begins after them.
func (w *work) beyond(ctx context.Context, chosen views.Selection) (map[string]bool, error) {
	t, err := w.ask(ctx, `select participant_id
from study_intervals
where last_date < nullif($1, '')::date or first_date > nullif($2, '')::date`, chosen.From, chosen.To)
	all := make(map[string]bool, len(t.Rows))
	for _, row := range t.Rows {
		all[row[0].(string)] = true
	}
	return all, err
}

// ask asks one statement of the snapshot.
func (w *work) ask(ctx context.Context, statement string, args ...any) (table.Table, error) {
	rows, err := w.db.QueryContext(ctx, statement, args...)
	if err != nil {
		return table.Table{}, err
	}
	return table.Read(schemas.Metrics().Schema(), rows)
}

// withdrawn is from when on somebody has withdrawn, as the snapshot has it.
func (w *work) withdrawn(ctx context.Context) (map[string]time.Time, error) {
	t, err := w.ask(ctx, "select participant_id, effective_at from withdrawals")
	all := map[string]time.Time{}
	for _, row := range t.Rows {
		all[row[0].(string)] = row[1].(time.Time)
	}
	return all, err
}

// idsOf are the ids of some, in their order.
func idsOf(some []person) []string {
	ids := make([]string, len(some))
	for i, p := range some {
		ids[i] = p.Who.ID
	}
	return ids
}
