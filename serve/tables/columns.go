package tables

import (
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/transform"
)

// columnsOf is a table with some of its columns, all of them for none.
func columnsOf(t transform.Table, names []string) (transform.Table, error) {
	if len(names) == 0 {
		return t, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(t.Columns, func(c transform.Column) bool { return c.Name == name }) {
			known := make([]string, len(t.Columns))
			for i, c := range t.Columns {
				known[i] = c.Name
			}
			return t, api.Invalid("query.columns", "%s has no such column; it has %s", t.Name, strings.Join(known, ", "))
		}
	}
	t.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c transform.Column) bool { return !slices.Contains(names, c.Name) })
	return t, nil
}

// typeName is what a column's type is called.
func typeName(t arrow.DataType) string {
	switch t.ID() {
	case arrow.TIMESTAMP:
		return "timestamp"
	case arrow.DATE32:
		return "date"
	case arrow.LIST:
		return "list"
	}
	return t.Name()
}

// interval reads from and to. A date as to means all of that day.
func interval(t transform.Table, from, to string) (begin, end time.Time, err error) {
	if t.Time == "" && from+to != "" {
		return begin, end, api.Invalid("query.from", "%s has no time: leave out from and to", t.Name)
	}
	if begin, _, err = instant("from", from); err != nil {
		return begin, end, err
	}
	end, whole, err := instant("to", to)
	if whole {
		end = end.AddDate(0, 0, 1)
	}
	if err == nil && !end.IsZero() && end.Before(begin) {
		err = api.Invalid("query.to", "it is before from")
	}
	return begin, end, err
}

// instant reads a date, which stands for a whole day, or a date-time; zero for none.
func instant(parameter, text string) (at time.Time, whole bool, err error) {
	if text == "" {
		return at, false, nil
	}
	if at, err = time.Parse(time.DateOnly, text); err == nil {
		return at, true, nil
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04"} {
		if at, err = time.Parse(form, strings.Replace(text, " ", "+", 1)); err == nil {
			return at.UTC(), false, nil
		}
	}
	return at, false, api.Invalid("query."+parameter, "a date such as 2026-01-31, or a date-time such as 2026-01-31T08:00:00Z")
}
