package vital

import (
	"cmp"
	"strings"
	"time"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study/frozen"
)

// A query is what a request for samples asks for.
type query struct {
	list     string // that cursors are of
	snapshot string // "": the newest
	stretch  frozen.Stretch
	ours     bool // the provider, if one was named, is Dexcom
}

// read reads the query of a request for samples of a kind.
func (in *groupedInput) read(kind string) (q query, err error) {
	q.list = strings.Join([]string{kind, in.UserID.String(), in.StartDate, in.EndDate, in.Provider, in.Unit}, "\x00")
	q.ours = in.Provider == "" || in.Provider == providerSlug
	if q.stretch.From, q.stretch.To, err = interval(in.StartDate, in.EndDate); err != nil {
		return q, err
	}
	text, parameter := in.NextCursor, "next_cursor"
	if text == "" {
		text, parameter = in.Cursor, "cursor"
	}
	if text == "" {
		return q, nil
	}
	c, err := api.ParseCursor(parameter, q.list, text)
	if err != nil {
		return q, err
	}
	at, record, _ := strings.Cut(c.Last, " ")
	q.snapshot, q.stretch.After.Record = c.Snapshot, record
	q.stretch.After.Time, err = time.Parse(time.RFC3339Nano, at)
	if _, ok := lake.ParseID(c.Snapshot); !ok || err != nil {
		return q, api.NoCursor(parameter)
	}
	return q, nil
}

// next is the cursor of the page behind a sample.
func (q query) next(f *frozen.Snapshot, last frozen.Moment) string {
	return api.NextCursor(q.list, api.Cursor{Snapshot: f.Name(), Last: last.Time.Format(time.RFC3339Nano) + " " + last.Record})
}

// interval reads start_date and end_date. Both are inclusive; to is behind the end, zero
// without one.
func interval(start, end string) (from, to time.Time, err error) {
	if from, _, err = instant("start_date", start); err != nil {
		return from, to, err
	}
	if end == "" {
		return from, to, nil
	}
	to, whole, err := instant("end_date", end)
	if whole {
		return from, to.AddDate(0, 0, 1), err
	}
	return from, to.Add(time.Microsecond), err
}

// dateForms are those of a date with a time of day: with an offset from UTC, or in UTC.
func dateForms() []string {
	return []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04"}
}

// instant reads a date, which stands for a whole day, or a date-time.
func instant(parameter, text string) (at time.Time, whole bool, err error) {
	text = strings.TrimSpace(text)
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at, true, nil
	}
	// In a query a plus sign that was not escaped is a blank: that of an offset, too.
	if day, clock, ok := strings.Cut(text, " "); ok {
		text = day + cmp.Or(map[bool]string{true: "+"}[strings.Contains(day, "T")], "T") + strings.Replace(clock, " ", "+", 1)
	}
	for _, form := range dateForms() {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC(), false, nil
		}
	}
	return at, false, api.Invalid("query."+parameter, "invalid date: a date such as 2026-01-31, or a date-time such as 2026-01-31T08:00:00Z")
}
