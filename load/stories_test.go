package load

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A visit is one answer of a story: on a day of March at noon, for a window of
// days, with the records that the API then shows.
type visit struct {
	day, from, to int
	connection    string // "": A
	records       []string
}

// What became of records is told by first_seen_at, vanished_at and changes, live
// and replayed alike.
func TestStories(t *testing.T) {
	t.Parallel()
	noon := func(day int) time.Time { return at(day, "12:00:00") }
	carbs := func(status, value string, day int) string { return event("x", "carbs", value, status, noon(day)) }
	many := dayOf(3, 100)[1:] // the first one is at the window's edge
	accounts := Study{Connections: []Connection{
		{ID: "A", ParticipantID: "P1", AccountHash: "h1", Status: "ended"}, {ID: "B", ParticipantID: "P1", AccountHash: "h1"},
		{ID: "C", ParticipantID: "P1", AccountHash: "h2"},
	}}
	for _, story := range []struct {
		name, resource string
		visits         []visit
		rows           []string // id, value, first_seen_at, request, vanished_at
		changes        []string // kind, record_id, what was before, seen_at
		readings       int
	}{
		{"a receiver uploads weeks late", "egvs", []visit{
			{5, 2, 5, "", []string{egv("phone", noon(3), 100)}},
			{26, 2, 5, "", []string{egv("phone", noon(3), 100), egv("receiver", noon(4), 90)}},
		}, []string{"phone 100 03-05 1 -", "receiver 90 03-26 2 -"}, nil, 2},

		{"a phone was offline for days", "egvs", []visit{
			{5, 2, 5, "", nil},
			{9, 2, 9, "", []string{egv("a", noon(3), 100), egv("b", noon(8), 90)}},
			{10, 3, 10, "", []string{egv("b", noon(8), 90), egv("a", noon(3), 100)}},
		}, []string{"a 100 03-09 2 -", "b 90 03-09 2 -"}, nil, 2},

		{"an event is edited after two days and deleted after four", "events", []visit{
			{4, 2, 5, "", []string{carbs("created", "30", 3)}},
			{6, 2, 7, "", []string{carbs("updated", "45", 3)}},
			{7, 2, 8, "", []string{carbs("updated", "45", 3)}},
			{8, 2, 9, "", []string{carbs("deleted", "45", 3)}},
		}, []string{"x 45 03-08 4 -"}, []string{"deleted x 45 updated 03-08", "edited x 30 created 03-06"}, 0},

		{"a record vanishes", "egvs", []visit{
			{4, 2, 5, "", []string{egv("a", noon(3), 100), egv("b", noon(4), 90)}},
			{6, 2, 7, "", []string{egv("b", noon(4), 90)}},
			{7, 2, 8, "", []string{egv("b", noon(4), 90)}},
		}, []string{"a 100 03-04 1 03-06", "b 90 03-04 1 -"}, []string{"vanished a 100 - 03-06"}, 1},

		{"and returns", "egvs", []visit{
			{4, 2, 5, "", []string{egv("a", noon(3), 100)}},
			{6, 2, 7, "", nil},
			{8, 2, 9, "", []string{egv("a", noon(3), 100)}},
		}, []string{"a 100 03-04 1 -"}, []string{"restored a 100 03-06 03-08", "vanished a 100 - 03-06"}, 1},

		{"the oldest record vanishes, and the newest", "egvs", []visit{
			{4, 2, 5, "", []string{egv("first", at(2, "00:01:00"), 100), egv("mid", noon(3), 90), egv("last", at(4, "23:59:00"), 80)}},
			{6, 2, 5, "", []string{egv("mid", noon(3), 90)}},
		}, []string{"first 100 03-04 1 03-06", "last 80 03-04 1 03-06", "mid 90 03-04 1 -"},
			[]string{"vanished first 100 - 03-06", "vanished last 80 - 03-06"}, 1},

		{"an event moves to another month", "events", []visit{
			{4, -40, 5, "", []string{carbs("created", "30", 3)}},
			{6, -40, 7, "", []string{carbs("updated", "30", -35)}},
		}, []string{"x 30 03-06 2 -"}, []string{"moved x 30 created 03-06"}, 0},

		{"a reading moves to the month before", "egvs", []visit{
			{4, -9, 5, "", []string{egv("a", noon(3), 100)}},
			{6, -9, 7, "", []string{egv("a", noon(-5), 100)}},
		}, []string{"a 100 03-06 2 -"}, []string{"moved a 100 - 03-06"}, 1},

		{"a value is revised", "egvs", []visit{
			{4, 2, 5, "", []string{egv("a", noon(3), 100)}},
			{6, 2, 7, "", []string{egv("a", noon(3), 88)}},
			{7, 2, 8, "", []string{egv("a", noon(3), 88)}},
		}, []string{"a 88 03-06 2 -"}, []string{"edited a 100 - 03-06"}, 1},

		{"the participant reconnects, and a record of the old connection vanishes", "egvs", []visit{
			{4, 2, 5, "A", []string{egv("a", noon(3), 100), egv("b", noon(4), 90)}},
			{6, 2, 7, "B", []string{egv("a", noon(3), 100), egv("b", noon(4), 90)}},
			{7, 2, 8, "B", []string{egv("b", noon(4), 90)}},
		}, []string{"a 100 03-04 1 03-07", "b 90 03-04 1 -"}, []string{"vanished a 100 - 03-07"}, 1},

		{"another account knows nothing of it", "egvs", []visit{
			{4, 2, 5, "A", []string{egv("a", noon(3), 100)}},
			{6, 2, 7, "C", []string{egv("b", noon(4), 90)}},
		}, []string{"a 100 03-04 1 -", "b 90 03-06 2 -"}, nil, 2},

		{"an outage: most records are gone for a day, one is new and one revised", "egvs", []visit{
			{4, 2, 5, "", many},
			{5, 2, 5, "", []string{many[0], egv("d03-002", at(3, "00:10:00"), 77), egv("new", noon(4), 90)}},
			{6, 2, 7, "", append([]string{egv("d03-002", at(3, "00:10:00"), 77), egv("new", noon(4), 90)}, slices.Delete(slices.Clone(many), 1, 2)...)},
		}, append(seen(many[:1], "100 03-04 1 -"), append([]string{"d03-002 77 03-05 2 -"}, append(seen(many[2:], "100 03-04 1 -"), "new 90 03-05 2 -")...)...),
			[]string{"edited d03-002 100 - 03-05"}, 100},

		{"a purge: they are still gone a day later", "egvs", []visit{
			{4, 2, 5, "", many},
			{5, 2, 5, "", many[:1]},
			{6, 2, 5, "", many[:1]},
		}, append(seen(many[:1], "100 03-04 1 -"), seen(many[1:], "100 03-04 1 03-05")...), nil, 1},
	} {
		t.Run(story.name, func(t *testing.T) {
			w := newWorld(t, t.TempDir())
			for _, v := range story.visits {
				w.time = noon(v.day)
				w.answer("P1", cmpOr(v.connection, "A"), story.resource, at(v.from, "00:00:00"), at(v.to, "00:00:00"), v.records...)
			}
			for _, commitBytes := range []int64{0, 1} { // one commit, and one for each answer
				k := w.tank(fmt.Sprint("lake", commitBytes), commitBytes)
				k.load(accounts)
				value := map[string]string{"egvs": "glucose_mgdl", "events": "value_text"}[story.resource]
				var rows []string
				for _, row := range k.rows(story.resource, "record_id", value, "first_seen_at", "request_id", "vanished_at") {
					rows = append(rows, told(row, "record_id", value, "first_seen_at", "request_id", "vanished_at"))
				}
				sameText(t, story.resource, rows, story.rows)
				if story.changes != nil || len(story.rows) < 20 {
					sameText(t, "changes", k.toldChanges(value), story.changes)
				}
				if n := len(k.rows("glucose")); n != story.readings {
					t.Errorf("glucose has %d rows, want %d", n, story.readings)
				}
				if n := len(k.rows("vanish_pending")); n != 0 {
					t.Errorf("%d records wait for a second answer", n)
				}
				k.checkLayout()
				k.unlock()
			}
		})
	}
}

// seen are the rows that records become.
func seen(records []string, rest string) (rows []string) {
	for _, r := range records {
		rows = append(rows, strings.Split(r, `"`)[3]+" "+rest)
	}
	return rows
}

// told is a row as the values of columns: days as month and day, a request by
// its number.
func told(row string, columns ...string) string {
	values := map[string]string{}
	for part := range strings.FieldsSeq(row) {
		name, value, _ := strings.Cut(part, "=")
		values[name] = value
	}
	var parts []string
	for _, c := range columns {
		v := values[c]
		if d, err := time.Parse("2006-01-02T15:04:05", v); err == nil {
			v = d.Format("01-02")
		}
		if n, ok := strings.CutPrefix(v, "REQ"); ok {
			v = strings.TrimLeft(n, "0")
		}
		parts = append(parts, v)
	}
	return strings.Join(parts, " ")
}

// toldChanges are the rows of changes: what happened to which record, its value
// and state before, and when that was seen.
func (k *tank) toldChanges(value string) (changes []string) {
	k.t.Helper()
	field := func(before, name string) string {
		_, rest, _ := strings.Cut(before, `"`+name+`":`)
		return strings.Trim(strings.FieldsFunc(rest, func(r rune) bool { return r == ',' || r == '}' })[0], `"`)
	}
	for _, row := range k.rows("changes", "kind", "record_id", "before", "seen_at") {
		_, rest, _ := strings.Cut(row, "before=")
		before, _, _ := strings.Cut(rest, " request_id")
		state := "-"
		if strings.Contains(before, `"event_status"`) {
			state = field(before, "event_status")
		} else if gone := field(before, "vanished_at"); gone != "null" {
			state = gone[5:10]
		}
		named := strings.Fields(told(row, "kind", "record_id", "seen_at"))
		changes = append(changes, strings.Join([]string{named[0], named[1], field(before, value), state, named[2]}, " "))
	}
	slices.Sort(changes)
	return changes
}
