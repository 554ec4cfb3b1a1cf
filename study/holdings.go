package study

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

//go:embed holdings.sql
var holdingsQuery string

// holdingsRelations are all that holdings are read from: what load keeps of the
// records, not the records. So it does not take longer the more there are of
// them, and answers when their files are damaged.
func holdingsRelations() []string {
	return []string{"participants", "settings", "withdrawals", "requests", "coverage", "coverage_days", "study_bounds", "fetch_status"}
}

// Holdings are what the lake has of a participant, by resource.
type Holdings map[string]*Holding

// A Holding is what the lake has of a participant and resource.
type Holding struct {
	State              string    // of fetch_status
	Asked              time.Time // newest answer
	Records            int64
	Newest             time.Time // record; zero: none
	dataFrom, dataTo   time.Time // as the API says; zero: it has none, or was not asked
	LagMin             any
	ranged             bool      // the API was asked what it has of the participant
	until              time.Time // the last 14 and 30 days end here
	slots              int64     // with a reading
	slots14d, slots30d int64
	rejected           int64 // records of the last run that brought any, if every one was rejected; else 0
	clock              ClockOffset
	intervals          []AskedInterval
}

// A ClockOffset is the newest row of more than two days on which a participant's
// wall clock disagreed with the roster's zone; zero: there was none.
type ClockOffset struct {
	AheadMin int64     // on its last day; negative: behind
	From, To time.Time // first and last day, UTC
	GoesOn   bool      // To is the newest day with readings
}

// An AskedInterval is time that answers cover, and how many records it has.
type AskedInterval struct {
	plan.Window
	Records int64
}

// Of is what there is of a resource; never nil.
func (h Holdings) Of(resource string) *Holding {
	if of := h[resource]; of != nil {
		return of
	}
	return new(Holding)
}

// Clock is how the participant's wall clock disagrees with the roster's zone.
func (h Holdings) Clock() ClockOffset { return h.Of("egvs").clock }

// HeldBack is the first resource whose newest answer could not be applied; "" if
// there is none.
func (h Holdings) HeldBack() string {
	resource, _ := h.first(func(of *Holding) bool { return of.State == "held" })
	return resource
}

// Unread is the first resource of whose newest records every one was rejected,
// and how many they were; "" if there is none.
func (h Holdings) Unread() (resource string, records int64) {
	resource, of := h.first(func(of *Holding) bool { return of.rejected > 0 })
	return resource, of.rejected
}

func (h Holdings) first(is func(*Holding) bool) (string, *Holding) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if is(h[name]) {
			return name, h[name]
		}
	}
	return "", new(Holding)
}

// LastAsked is when the newest answer came.
func (h Holdings) LastAsked() (at time.Time) {
	for _, of := range h {
		at = later(at, of.Asked)
	}
	return at
}

// SilentDays are those between the newest reading and the newest answer.
func (h Holdings) SilentDays() int64 {
	newest, asked := h.Of("egvs").Newest, h.LastAsked()
	if newest.IsZero() || asked.IsZero() {
		return 0
	}
	return int64(asked.Sub(newest) / (24 * time.Hour))
}

// held is what the lake has of everybody; empty for one that nothing was loaded
// into.
func (s *Study) held(ctx context.Context) (map[string]Holdings, error) {
	rows := make(map[string]Holdings)
	l, m, err := s.Newest()
	if is[*EmptyLakeError](err) {
		return rows, nil
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	db, err := snapshot.OpenOnly(ctx, l, m, snapshot.Limits{}, holdingsRelations()...)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := readHoldings(ctx, db, rows); err != nil {
		return nil, snapshot.Explain(ctx, l, m, err)
	}
	return rows, nil
}

func readHoldings(ctx context.Context, db *sql.DB, into map[string]Holdings) error {
	err := eachRow(ctx, db, holdingsQuery, func(scan func(...any) error) error {
		var id, resource string
		var asked, newest, from, to, until, clockFrom, clockTo sql.Null[time.Time]
		var h Holding
		err := scan(&id, &resource, &h.State, &asked, &h.Records, &newest, &from, &to, &h.LagMin, &h.ranged, &until, &h.slots, &h.slots14d, &h.slots30d,
			&h.rejected, &h.clock.AheadMin, &clockFrom, &clockTo, &h.clock.GoesOn)
		h.clock.From, h.clock.To = clockFrom.V, clockTo.V
		h.Asked, h.Newest, h.dataFrom, h.dataTo, h.until = asked.V, newest.V, from.V, to.V, until.V
		if into[id] == nil {
			into[id] = make(Holdings)
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
		var i AskedInterval
		err := scan(&id, &resource, &i.Start, &i.End, &i.Records)
		if h := into[id][resource]; h != nil {
			h.intervals = append(h.intervals, i)
		}
		return err
	})
}

func eachRow(ctx context.Context, db *sql.DB, query string, do func(scan func(...any) error) error, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
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
