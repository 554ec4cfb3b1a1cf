package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/raw"
)

// A day of readings on day, five minutes apart.
func dayOf(day, n int) []string {
	var records []string
	for i := range n {
		t := at(day, "00:00:00").Add(time.Duration(i) * 5 * time.Minute)
		records = append(records, egv(fmt.Sprintf("d%02d-%03d", day, i), t, 100))
	}
	return records
}

// How many records may vanish at once before a second answer must agree.
func TestVanish(t *testing.T) {
	t.Parallel()
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	late := func(w *world) { w.time = w.time.Add(23 * time.Hour) } // a day after the answer before
	type ask struct {
		keep       []string // records still served
		connection string
		wait       func(*world)
	}
	day := dayOf(2, 100) // the first one is within the margin
	tests := []struct {
		name                       string
		asks                       []ask
		gone, waiting, withheldNow int
	}{
		{"19 of 99", []ask{{keep: day[20:]}}, 19, 0, 0},
		{"20 of 99", []ask{{keep: day[21:]}}, 0, 20, 20},
		{"the first within the margin stays", []ask{{keep: day[1:]}}, 0, 0, 0},
		{"a second answer too soon", []ask{{keep: day[50:]}, {keep: day[50:]}}, 0, 49, 49},
		{"a second answer a day later", []ask{{keep: day[50:]}, {keep: day[50:], wait: late}}, 49, 0, 0},
		{"they came back", []ask{{keep: day[50:]}, {keep: day}}, 0, 0, 0},
		{"some came back, the others are gone", []ask{{keep: day[50:]}, {keep: day[30:], wait: late}}, 29, 0, 0},
		{"others vanish with those confirmed", []ask{{keep: day[50:]}, {keep: day[60:], wait: late}}, 49, 10, 10},
		{"another account says nothing", []ask{{connection: "B"}}, 0, 0, 0},
		{"an empty answer", []ask{{}}, 0, 99, 99},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, t.TempDir())
			w.answer("P1", "A", "egvs", from, to, day...)
			for _, a := range tt.asks {
				if a.wait != nil {
					a.wait(w)
				}
				w.answer("P1", cmpOr(a.connection, "A"), "egvs", from, to, a.keep...)
			}
			k := w.tank("lake", 0)
			defer k.unlock()
			k.load(Study{})
			gone, present := 0, 0
			for _, row := range k.rows("egvs", "vanished_at") {
				if row == "vanished_at=-" {
					present++
				} else {
					gone++
				}
			}
			if gone != tt.gone || gone+present != 100 {
				t.Errorf("%d of %d rows vanished, want %d of 100", gone, gone+present, tt.gone)
			}
			if n := len(k.rows("vanish_pending")); n != tt.waiting {
				t.Errorf("%d rows wait, want %d", n, tt.waiting)
			}
			if n := len(k.rows("glucose")); n != present {
				t.Errorf("glucose has %d rows, want one per present record: %d", n, present)
			}
			last := fmt.Sprintf("request_id=REQ%06d vanished=%d", w.n, tt.withheldNow)
			if tt.gone > 0 && tt.withheldNow == 0 {
				last = fmt.Sprintf("request_id=REQ%06d vanished=%d", w.n, tt.gone)
			} else if tt.gone > 0 {
				last = fmt.Sprintf("request_id=REQ%06d vanished=%d", w.n, tt.gone+tt.withheldNow)
			}
			if rows := k.rows("requests", "request_id", "vanished"); rows[len(rows)-1] != last {
				t.Errorf("requests ends with %s, want %s", rows[len(rows)-1], last)
			}
		})
	}
}

func cmpOr(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

// A record that came but could not be read has not vanished, however its id is
// written.
func TestVanishUnread(t *testing.T) {
	from, to, noon := at(2, "00:00:00"), at(3, "00:00:00"), `"systemTime":"2026-03-02T12:00:00Z"`
	long := strings.Repeat("x", 70)
	for _, tt := range []struct{ id, unread string }{
		{"x", `{"recordId":"x",` + noon + `,"displayTime":"soon"}`},
		{"17", `{"recordId":17,` + noon + `,"displayTime":"soon"}`},
		{"a/b", `{"recordId":"a\u002fb",` + noon + `,"displayTime":"soon"}`},
		{`say "a"`, `{"recordId":"say \"a\"",` + noon + `,"displayTime":"soon"}`},
		{long, `{"RecordId":"` + long + `",` + noon + `,"displayTime":"soon"}`},
		{"twice", `{"recordId":"other","recordId":"twice",` + noon + `}`},
		{"bare", `"bare"`},
		{"within", `[{"id":"within"}]`},
	} {
		for _, resource := range []string{"egvs", "events", "calibrations", "alerts"} {
			w := newWorld(t, t.TempDir())
			record := egv
			if resource == "events" {
				record = func(id string, t time.Time, _ int) string { return event(id, "carbs", "5", "created", t) }
			}
			w.answer("P1", "A", resource, from, to, record(tt.id, at(2, "12:00:00"), 100), record("y", at(2, "13:00:00"), 100))
			w.answer("P1", "A", resource, from, to, tt.unread)
			k := w.tank("lake", 0)
			r := k.load(Study{})
			want := []string{"record_id=" + tt.id + " vanished_at=-", "record_id=y vanished_at=2026-04-01T13:00:00"}
			slices.Sort(want)
			sameText(t, resource+" without "+tt.unread, k.rows(resource, "record_id", "vanished_at"), want)
			if r.Rejected != 1 || len(k.rows("rejects")) != 1 || r.Tables["rejects"].Added != 1 {
				t.Errorf("Load: %d rejected, %d rows of rejects; want 1 and 1", r.Rejected, len(k.rows("rejects")))
			}
			k.unlock()
		}
	}
}

// A month of readings of which none can be read any more, as when a field gets
// another form: nothing has vanished, and it takes no longer than other answers.
func TestMonthUnread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	from := at(1, "00:00:00")
	var good, bad []string
	for i := range 30 * 288 {
		record := egv(fmt.Sprintf("r%05d", i), from.Add(time.Duration(i)*5*time.Minute), 100)
		good, bad = append(good, record), append(bad, strings.Replace(record, `"trend":"flat"`, `"trend":["flat"]`, 1))
	}
	w.answer("P1", "A", "egvs", from, from.AddDate(0, 0, 30), good...)
	w.answer("P1", "A", "egvs", from, from.AddDate(0, 0, 30), bad...)
	k := w.tank("lake", 0)
	defer k.unlock()
	r := k.load(Study{})
	if c := r.Tables["egvs"]; c != (Counts{Added: len(good)}) || r.Rejected != len(bad) {
		t.Errorf("Load: egvs %+v, %d rejected; want %d added, none vanished, %d rejected", c, r.Rejected, len(good), len(bad))
	}
	if unread := r.Unread(); len(unread) != 0 {
		t.Errorf("Unread = %v, want nobody: the first answer was read", unread)
	}
}

// A reject that comes again keeps its first answer.
func TestRejectsOnce(t *testing.T) {
	w := newWorld(t, t.TempDir())
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	bad := `{"recordId":"x","systemTime":"yesterday","value":100}`
	w.answer("P1", "A", "egvs", from, to, bad, bad)
	w.time = w.time.AddDate(0, 1, 0) // another month of receipt
	w.answer("P1", "A", "egvs", from, to, bad)
	w.answer("P2", "A", "egvs", from, to, bad)
	for _, commitBytes := range []int64{0, 1} {
		k := w.tank(fmt.Sprint("lake", commitBytes), commitBytes)
		r := k.load(Study{})
		sameText(t, "rejects", k.rows("rejects", "participant_id", "request_id"), []string{
			"participant_id=P1 request_id=REQ000001", "participant_id=P2 request_id=REQ000003",
		})
		if r.Rejected != 4 {
			t.Errorf("Load: %d rejected, want 4, repeats included", r.Rejected)
		}
		k.checkLayout()
		k.unlock()
	}
}

// An answer that cannot be applied is held, with its reason, and the next one
// is applied.
func TestHeld(t *testing.T) {
	w := newWorld(t, t.TempDir())
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	w.append(raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "egvs", WindowStart: from, WindowEnd: to}, `{"records":`)
	w.append(raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "sleep", WindowStart: from, WindowEnd: to}, `{}`)
	w.append(raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "dataRange"}, `[]`)
	w.answer("P1", "A", "egvs", from, to, egv("x", at(2, "12:00:00"), 100))
	k := w.tank("lake", 0)
	defer k.unlock()
	r := k.load(Study{})
	m, err := k.Lake.Current()
	if err != nil {
		t.Fatal(err)
	}
	if r.Held != 3 || r.Applied != 1 || len(m.Held) != 3 || m.Held[0].RequestID != "REQ000001" || m.Held[0].Reason == "" {
		t.Fatalf("Load: %+v; manifest holds %+v; want 3 held with reasons, 1 applied", r, m.Held)
	}
	var outcomes []string
	for _, row := range k.rows("requests", "outcome", "held_reason") {
		outcomes = append(outcomes, strings.Fields(row)[0])
		if strings.Contains(row, "outcome=held held_reason=-") {
			t.Errorf("requests: %s, want a reason", row)
		}
	}
	if want := []string{"outcome=applied", "outcome=held", "outcome=held", "outcome=held"}; !slices.Equal(outcomes, want) {
		t.Errorf("outcomes %q, want %q", outcomes, want)
	}
	if n := len(k.rows("coverage")); n != 1 {
		t.Errorf("coverage has %d rows, want one: what is held covers nothing", n)
	}
}

func event(id, kind, value, status string, t time.Time) string {
	return fmt.Sprintf(`{"recordId":%q,"systemTime":%q,"displayTime":%q,"eventType":%q,"value":%q,"eventStatus":%q,"displayDevice":"iOS"}`,
		id, t.Format("2006-01-02T15:04:05Z"), t.Format("2006-01-02T15:04:05+00:00"), kind, value, status)
}

// Free text stays out of everything but event_notes.
func TestNotes(t *testing.T) {
	w := newWorld(t, t.TempDir())
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	noon := at(2, "12:00:00")
	w.answer("P1", "A", "events", from, to, event("n", "notes", "first secret", "created", noon))
	// One answer with the old state beside the new one, the newest first.
	w.answer("P1", "A", "events", from, to,
		event("n", "notes", "second secret", "updated", noon), event("n", "notes", "first secret", "created", noon))
	w.answer("P1", "A", "events", from, to,
		event("n", "notes", "third secret", "deleted", noon), event("n", "notes", "second secret", "updated", noon), event("n", "notes", "first secret", "created", noon))
	k := w.tank("lake", 0)
	defer k.unlock()
	k.load(Study{})
	sameText(t, "event_notes", k.rows("event_notes", "record_id", "note"), []string{"record_id=n note=third secret"})
	sameText(t, "events", k.rows("events", "record_id", "value_text", "event_status"), []string{"record_id=n value_text=- event_status=deleted"})
	sameText(t, "changes", k.rows("changes", "resource", "kind", "request_id"), []string{
		"resource=event_notes kind=edited request_id=REQ000002", "resource=event_notes kind=edited request_id=REQ000003",
		"resource=events kind=deleted request_id=REQ000003", "resource=events kind=edited request_id=REQ000002",
	})
	for _, row := range k.rows("changes") {
		if strings.Contains(row, "secret") {
			t.Errorf("changes shows a note: %s", row)
		}
	}
}

// Text of an event that has no column does what notes do: it is in event_notes
// alone, changes by itself, and goes when the event comes without it.
func TestTextWithoutColumn(t *testing.T) {
	w := newWorld(t, t.TempDir())
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	meal := func(more string) string {
		return strings.TrimSuffix(event("m", "carbs", "40", "created", at(2, "12:00:00")), "}") + more + "}"
	}
	for _, more := range []string{`,"mealName":"first secret","dose":1`, `,"mealName":"second secret","dose":1`, `,"dose":1`, `,"dose":2`, `,"of":{"a":["third secret"]},"dose":2`} {
		w.answer("P1", "A", "events", from, to, meal(more))
	}
	for _, commitBytes := range []int64{0, 1} {
		k := w.tank(fmt.Sprint("lake", commitBytes), commitBytes)
		k.load(Study{})
		sameText(t, "events", k.rows("events", "record_id", "value", "extra", "request_id"), []string{`record_id=m value=40 extra={"dose":2} request_id=REQ000004`})
		sameText(t, "event_notes", k.rows("event_notes", "record_id", "note", "extra", "vanished_at"), []string{`record_id=m note=- extra={"of":{"a":["third secret"]}} vanished_at=-`})
		sameText(t, "changes", k.rows("changes", "resource", "kind", "request_id"), []string{
			"resource=event_notes kind=edited request_id=REQ000002", "resource=event_notes kind=restored request_id=REQ000005",
			"resource=event_notes kind=vanished request_id=REQ000003", "resource=events kind=edited request_id=REQ000004",
		})
		for _, table := range allTables() {
			for _, row := range k.rows(table) {
				if table != "event_notes" && strings.Contains(row, "secret") {
					t.Errorf("%s shows text of an event: %s", table, row)
				}
			}
		}
		k.unlock()
	}
}

// The note of the event that counts is kept, whatever the type of the event says;
// when the value has become a number it goes, also where the window ends, and
// when it is words again it is back.
func TestWordsBecomeNumbers(t *testing.T) {
	w := newWorld(t, t.TempDir())
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	edge := at(2, "23:59:30")
	ask := func(records ...string) { w.answer("P1", "A", "events", from, to, records...) }
	words := func(id, text, status string) string { return event(id, "insulin", text, status, edge) }
	ask(words("x", "two units", "created"), words("y", "a lot", "created"))
	ask(words("x", "about three", "updated"), words("x", "two units", "created"), words("y", "7", "updated"), words("y", "a lot", "created"))
	ask(words("x", "3", "updated"), words("x", "about three", "created"), words("y", "7", "updated"))
	ask(words("x", "3", "updated"), words("y", "7 or so", "updated"))
	for _, commitBytes := range []int64{0, 1} {
		k := w.tank(fmt.Sprint("lake", commitBytes), commitBytes)
		k.load(Study{})
		sameText(t, "event_notes", k.rows("event_notes", "record_id", "note", "vanished_at"), []string{
			"record_id=x note=about three vanished_at=2026-04-01T14:00:00", "record_id=y note=7 or so vanished_at=-",
		})
		sameText(t, "events", k.rows("events", "record_id", "value_text"), []string{"record_id=x value_text=3", "record_id=y value_text=-"})
		sameText(t, "changes", k.rows("changes", "resource", "record_id", "kind", "request_id"), []string{
			"resource=event_notes record_id=x kind=edited request_id=REQ000002", "resource=event_notes record_id=x kind=vanished request_id=REQ000003",
			"resource=event_notes record_id=y kind=restored request_id=REQ000004", "resource=event_notes record_id=y kind=vanished request_id=REQ000002",
			"resource=events record_id=x kind=edited request_id=REQ000002", "resource=events record_id=x kind=edited request_id=REQ000003",
			"resource=events record_id=y kind=edited request_id=REQ000002", "resource=events record_id=y kind=edited request_id=REQ000004",
		})
		k.unlock()
	}
}

// A note is part of its event: it vanishes with it, and waits with it.
func TestNotesVanishWithEvents(t *testing.T) {
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	records := func(events, notes int) (all []string) {
		for i := range events + notes {
			kind := "carbs"
			if i >= events {
				kind = "notes"
			}
			all = append(all, event(fmt.Sprintf("e%03d", i), kind, "7", "created", from.Add(time.Hour+time.Duration(i)*time.Minute)))
		}
		return all
	}
	tests := []struct {
		name          string
		events, notes int // held
		lacks         int // of them, the last ones
		wait          bool
	}{
		{"few notes of many events", 30, 5, 35, true},
		{"many notes of even more events", 175, 25, 25, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, t.TempDir())
			all := records(tt.events, tt.notes)
			w.answer("P1", "A", "events", from, to, all...)
			w.answer("P1", "A", "events", from, to, all[:len(all)-tt.lacks]...)
			k := w.tank("lake", 0)
			defer k.unlock()
			k.load(Study{})
			pending := map[string]int{}
			for _, row := range k.rows("vanish_pending", "resource") {
				pending[row]++
			}
			want := map[string]int{}
			if tt.wait {
				want = map[string]int{"resource=events": tt.lacks, "resource=event_notes": tt.notes}
			}
			if !maps.Equal(pending, want) {
				t.Errorf("vanish_pending has %v, want %v", pending, want)
			}
			gone := func(table string) (n int) {
				for _, row := range k.rows(table, "vanished_at") {
					if row != "vanished_at=-" {
						n++
					}
				}
				return n
			}
			w.time = w.time.Add(24 * time.Hour)
			w.answer("P1", "A", "events", from, to, all[:len(all)-tt.lacks]...)
			k.load(Study{})
			if e, n := gone("events"), gone("event_notes"); e != tt.lacks || n != min(tt.lacks, tt.notes) {
				t.Errorf("after a second answer %d events and %d notes have vanished, want %d and %d", e, n, tt.lacks, min(tt.lacks, tt.notes))
			}
		})
	}
}

// What a change leaves behind is the whole row as it was.
func TestChangeBefore(t *testing.T) {
	w := newWorld(t, t.TempDir())
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	w.answer("P1", "A", "egvs", from, to, egv("x", at(2, "12:00:00"), 100))
	w.answer("P1", "A", "egvs", from, to)
	w.answer("P1", "A", "egvs", from, to, egv("x", at(2, "12:00:00"), 101))
	k := w.tank("lake", 0)
	defer k.unlock()
	k.load(Study{})
	want := `kind=restored before={"participant_id":"P1","connection_id":"A","source":"api","record_id":"x","system_time":"2026-03-02T12:00:00",` +
		`"display_time":"2026-03-02T07:00:00","utc_offset_min":-300,"utc_offset_source":"sent","transmitter_id":"T1","transmitter_ticks":28945000,` +
		`"transmitter_generation":"g7","transmitter_generation_variant":null,"display_device":"iOS","display_app":"G7","glucose_mgdl":100,` +
		`"status":null,"trend":"flat","trend_rate_mgdl_min":0.5,"extra":null,"request_id":"REQ000001","first_seen_at":"2026-04-01T12:00:00",` +
		`"vanished_at":"2026-04-01T13:00:00"}`
	if got := k.rows("changes", "kind", "before"); len(got) != 2 || got[0] != want {
		t.Errorf("changes = %q\nwant first %s", got, want)
	}
	sameText(t, "egvs", k.rows("egvs", "glucose_mgdl", "request_id", "vanished_at"), []string{"glucose_mgdl=101 request_id=REQ000003 vanished_at=-"})
}
