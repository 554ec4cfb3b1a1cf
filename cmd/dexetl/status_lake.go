package main

import (
	"context"
	"database/sql"
	_ "embed"
	"maps"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/load/snapshot"
)

//go:embed status.sql
var statusQuery string

// statusRelations are all that status reads of a lake: what load keeps of the
// records, not the records. So it does not take longer the more there are of
// them, and answers when their files are damaged.
func statusRelations() []string {
	return []string{"participants", "settings", "requests", "coverage", "coverage_days", "fetch_status"}
}

// A lakeRow is what the lake has of a participant, by resource.
type lakeRow map[string]*holding

// A holding is what the lake has of a participant and resource.
type holding struct {
	state              string // of fetch_status
	asked              time.Time
	records            int64
	newest             time.Time // record; zero: none
	dataFrom, dataTo   time.Time // as the API says; zero: it has none, or was not asked
	lagMin             any
	ranged             bool      // the API was asked what it has of the participant
	until              time.Time // the last 14 and 30 days end here
	slots              int64     // with a reading
	slots14d, slots30d int64
	rejected           int64 // records of the last run that brought any, if every one was rejected; else 0
	clock              clockOffset
	intervals          []askedInterval
}

// An askedInterval is time that answers cover, and how many records it has.
type askedInterval struct {
	plan.Window
	records int64
}

// of is what there is of a resource; never nil.
func (r lakeRow) of(resource string) *holding {
	if h := r[resource]; h != nil {
		return h
	}
	return new(holding)
}

// held is the first resource whose newest answer could not be applied; "" if
// there is none.
func (r lakeRow) held() string {
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if r[name].state == "held" {
			return name
		}
	}
	return ""
}

// unread is the first resource of whose newest records every one was rejected,
// and how many they were; "" if there is none.
func (r lakeRow) unread() (resource string, records int64) {
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if r[name].rejected > 0 {
			return name, r[name].rejected
		}
	}
	return "", 0
}

// lastAsked is when the newest answer came.
func (r lakeRow) lastAsked() (at time.Time) {
	for _, h := range r {
		if h.asked.After(at) {
			at = h.asked
		}
	}
	return at
}

// silentDays are those between the newest reading and the newest answer.
func (r lakeRow) silentDays() int64 {
	newest, asked := r.of("egvs").newest, r.lastAsked()
	if newest.IsZero() || asked.IsZero() {
		return 0
	}
	return int64(asked.Sub(newest) / (24 * time.Hour))
}

// held is what the lake has of everybody; empty for one that nothing was loaded
// into.
func (s *study) held(ctx context.Context) (map[string]lakeRow, error) {
	rows := make(map[string]lakeRow)
	l, m, err := s.snapshot("")
	if as[*emptyLakeError](err) {
		return rows, nil
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	db, err := snapshot.OpenOnly(ctx, l, m, snapshot.Limits{}, statusRelations()...)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := readHoldings(ctx, db, rows); err != nil {
		return nil, explainQuery(ctx, l, m, err)
	}
	return rows, nil
}

func readHoldings(ctx context.Context, db *sql.DB, into map[string]lakeRow) error {
	err := eachRow(ctx, db, statusQuery, func(scan func(...any) error) error {
		var id, resource string
		var asked, newest, from, to, until, clockFrom, clockTo sql.Null[time.Time]
		var h holding
		err := scan(&id, &resource, &h.state, &asked, &h.records, &newest, &from, &to, &h.lagMin, &h.ranged, &until, &h.slots, &h.slots14d, &h.slots30d,
			&h.rejected, &h.clock.aheadMin, &clockFrom, &clockTo, &h.clock.goesOn)
		h.clock.from, h.clock.to = clockFrom.V, clockTo.V
		h.asked, h.newest, h.dataFrom, h.dataTo, h.until = asked.V, newest.V, from.V, to.V, until.V
		if into[id] == nil {
			into[id] = make(lakeRow)
		}
		into[id][resource] = &h
		return err
	})
	if err != nil {
		return err
	}
	const intervals = `select participant_id, resource, asked_from, asked_to, records from coverage
		where asked_from is not null order by participant_id, resource, asked_from`
	return eachRow(ctx, db, intervals, func(scan func(...any) error) error {
		var id, resource string
		var i askedInterval
		err := scan(&id, &resource, &i.Start, &i.End, &i.records)
		if h := into[id][resource]; h != nil {
			h.intervals = append(h.intervals, i)
		}
		return err
	})
}

func eachRow(ctx context.Context, db *sql.DB, query string, do func(scan func(...any) error) error) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
