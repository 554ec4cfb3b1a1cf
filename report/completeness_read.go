//go:build linux || darwin

package report

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/study"
)

// A history is what a snapshot has of a participant's study, day by day.
type history struct {
	course
	dayOne, first, last time.Time // dates, midnight UTC; zero: not known
	dayOneOf            string    // where dayOne comes from
	studyEnd            time.Time // date of the roster
	lastDay             time.Time // date of the last day of which there is to be anything, by the roster; zero: not known
	days                map[int32]dayRead
	sensors             []time.Time // dates on which a sensor begins, but for the first one
}

// A dayRead is what readings there are of a day, by the date as days since 1970.
type dayRead struct {
	coveredMin uint16 // minutes that readings which count cover
	excluded   bool   // an exclusion leaves readings out
	valueless  bool   // there are readings that count, and none has a value
	unplaced   bool   // there are readings of this date of UTC without local time
}

// dayNumber is a date as days since 1970.
func dayNumber(date time.Time) int32 { return int32(date.Unix() / (24 * 60 * 60)) }

// histories are those of everybody of the report.
func (w *work) histories(ctx context.Context) (map[string]*history, error) {
	all := make(map[string]*history, len(w.people))
	for _, p := range w.people {
		resources, err := w.Study.Resources(p.Person)
		if err != nil {
			return nil, err
		}
		all[p.Who.ID] = &history{days: map[int32]dayRead{}, lastDay: dateOf(p.Course.LastDay), course: course{
			apart:  isApart(p.Person),
			failed: slices.ContainsFunc(resources, func(r study.Resource) bool { return r.Name == "egvs" && r.Failed }),
			goesOn: p.Phase.InStudy(), asked: study.Timeline{Now: w.manifest.CreatedAt},
		}}
	}
	for _, read := range []func(context.Context, map[string]*history) error{
		w.readDates, w.readDays, w.readUnplaced, w.readAsked, w.readHeld, w.readSensors,
	} {
		if err := read(ctx, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// isApart reports whether nothing could be asked of somebody, or nothing is to be: they have
// never connected, or their part is over.
func isApart(p study.Person) bool {
	return p.Connection().ID == "" || !p.Course.Asked || p.Phase == study.Over
}

// each hands the rows of a query to take, which scans them: the first column is the
// participant. Rows of others than those of the report are left out.
func (w *work) each(ctx context.Context, all map[string]*history, query string, columns []any, take func(*history)) error {
	rows, err := w.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	var id string
	columns = append([]any{&id}, columns...)
	for rows.Next() {
		if err := rows.Scan(columns...); err != nil {
			return err
		}
		if h := all[id]; h != nil {
			take(h)
		}
	}
	return rows.Err()
}

const datesQuery = `select
    p.participant_id, i.day_one, i.first_date, i.last_date, p.study_end, p.consent_date, i.withdrawn_at,
    case when i.anchor_date is not null then 'anchor_date' when p.study_start is not null then 'study_start' else 'first reading' end,
from participants p
join study_intervals i on i.participant_id = p.participant_id`

// readDates reads which dates the study of each participant has.
func (w *work) readDates(ctx context.Context, all map[string]*history) error {
	var dayOne, first, last, end, consent, withdrawn sql.Null[time.Time]
	var of string
	return w.each(ctx, all, datesQuery, []any{&dayOne, &first, &last, &end, &consent, &withdrawn, &of}, func(h *history) {
		h.dayOne, h.first, h.last, h.studyEnd = dayOne.V, first.V, last.V, end.V
		h.consent, h.withdrawn, h.dayOneOf = consent.V, withdrawn.V, of
	})
}

// readDays reads how much of each local date readings cover.
func (w *work) readDays(ctx context.Context, all map[string]*history) error {
	var date time.Time
	var covered, excluded, readings, values int64
	const query = `select participant_id, local_date, covered_min, n_excluded, n_readings, n_values from internal.local_days where local_date is not null`
	return w.each(ctx, all, query, []any{&date, &covered, &excluded, &readings, &values}, func(h *history) {
		h.days[dayNumber(date)] = dayRead{coveredMin: uint16(covered), excluded: excluded > 0, valueless: readings > 0 && values == 0}
	})
}

// readUnplaced reads of which dates of UTC there are readings without local time.
func (w *work) readUnplaced(ctx context.Context, all map[string]*history) error {
	var date time.Time
	const query = `select distinct participant_id, day from glucose_days where local_date is null and n_readings > 0`
	return w.each(ctx, all, query, []any{&date}, func(h *history) {
		read := h.days[dayNumber(date)]
		read.unplaced = true
		h.days[dayNumber(date)] = read
	})
}

const askedQuery = `select
    c.participant_id, c.asked_from, c.asked_to, c.records, c.asked_at, c.resource = 'dataRange', c.data_from, c.data_to, d.newest,
from coverage c
left join (
    select participant_id, max(last_record) as newest from coverage_days where resource = 'egvs' group by participant_id
) d on d.participant_id = c.participant_id
where c.resource in ('egvs', 'dataRange')
order by c.participant_id, c.asked_from`

// readAsked reads what of readings was asked for, and what Dexcom says it has.
func (w *work) readAsked(ctx context.Context, all map[string]*history) error {
	var from, to, dataFrom, dataTo, newest sql.Null[time.Time]
	var records int64
	var at time.Time
	var ranged bool
	answered := map[*history]bool{}
	return w.each(ctx, all, askedQuery, []any{&from, &to, &records, &at, &ranged, &dataFrom, &dataTo, &newest}, func(h *history) {
		if !answered[h] || at.After(h.asked.Now) {
			h.asked.Now = at
		}
		answered[h], h.asked.Newest = true, newest.V
		switch {
		case ranged:
			h.asked.Ranged = true
		case from.Valid && to.Valid:
			h.asked.Asked = append(h.asked.Asked, study.AskedInterval{Window: plan.Window{Start: from.V, End: to.V}, Records: records})
		}
		if !ranged && dataFrom.Valid && dataTo.Valid {
			h.asked.Has = plan.Window{Start: dataFrom.V, End: dataTo.V}
		}
	})
}

// readHeld reads which answers could not be applied.
func (w *work) readHeld(ctx context.Context, all map[string]*history) error {
	var from, to time.Time
	const query = `select participant_id, window_start, window_end from requests
where outcome = 'held' and resource = 'egvs' and window_start is not null and window_end is not null`
	return w.each(ctx, all, query, []any{&from, &to}, func(h *history) {
		h.held = append(h.held, plan.Window{Start: from, End: to})
	})
}

// readSensors reads on which dates a sensor begins.
func (w *work) readSensors(ctx context.Context, all map[string]*history) error {
	var date time.Time
	const query = `select participant_id, first_date
from span_metrics
where scope = 'sensor'
    and first_date is not null
qualify row_number() over (partition by participant_id order by first_date) > 1
order by participant_id, first_date`
	return w.each(ctx, all, query, []any{&date}, func(h *history) { h.sensors = append(h.sensors, date) })
}

// shown are the first and the last date of a participant that the page has: those of the
// study up to the snapshot, and after a withdrawal the planned ones. They are zero if
// nothing says when the study began, or it had not.
func (h *history) shown(zone *time.Location, committed time.Time) (first, last time.Time) {
	latest := localDate(committed, zone)
	if !h.studyEnd.IsZero() && h.studyEnd.Before(latest) {
		latest = h.studyEnd
	}
	last = h.last
	if last.IsZero() || !h.withdrawn.IsZero() || last.After(latest) && len(h.days) == 0 {
		last = latest
	}
	if end := h.end(); !end.IsZero() && end.Before(last) {
		last = end
	}
	if h.first.IsZero() || last.Before(h.first) {
		return time.Time{}, time.Time{}
	}
	return h.first, last
}

// end is the last day of somebody whose part is over, or of their readings if there are
// later ones; zero: it is not known.
func (h *history) end() time.Time {
	end := h.lastDay
	for day := range h.days {
		if at := time.Unix(int64(day)*24*60*60, 0).UTC(); !end.IsZero() && at.After(end) {
			end = at
		}
	}
	return end
}

// dateOf is midnight UTC of a date.
func dateOf(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return localDate(at, at.Location())
}

// localDate is midnight UTC of the date that an instant has in a zone.
func localDate(at time.Time, zone *time.Location) time.Time {
	year, month, day := at.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// window is a date as instants of a zone.
func window(date time.Time, zone *time.Location) plan.Window {
	start, end := cohort.LocalDays(date, date, zone)
	return plan.Window{Start: start, End: end}
}
