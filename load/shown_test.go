package load

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// ranged is an answer of dataRange and what it showed.
type ranged struct {
	raw.Header
	shows map[string]*dexcom.Range
}

// askRange appends an answer of dataRange, of news or of everything, which an
// hour later, or less, another answer is held against.
func (h *history) askRange(t *rapid.T, participant string) {
	shows := map[string]*dexcom.Range{}
	for _, resource := range []string{"egvs", "events"} {
		var times []time.Time
		for _, r := range h.api[[2]string{participant, resource}] {
			times = append(times, r.time)
		}
		if len(times) > 0 && rapid.IntRange(0, 4).Draw(t, "shows") > 0 {
			shows[resource] = &dexcom.Range{Start: slices.MinFunc(times, time.Time.Compare), End: slices.MaxFunc(times, time.Time.Compare)}
		}
	}
	header := raw.Header{ParticipantID: participant, ConnectionID: rapid.SampledFrom([]string{"A", "A", "A2"}).Draw(t, "connection"), Resource: "dataRange"}
	if rapid.IntRange(0, 2).Draw(t, "news") == 0 {
		header.LastSync = slots
	}
	h.user = rapid.SampledFrom([]string{"u", "u", "u", "u", "v"}).Draw(t, "user")
	header = h.append(header, rangeBody(h.userMember(), shows))
	if !h.foreign(participant, header.ConnectionID) {
		h.ranges = append(h.ranges, ranged{header, shows})
	}
	h.user = "u"
	h.time = h.time.Add(-time.Duration(rapid.SampledFrom([]int{0, 20, 50, 90}).Draw(t, "minutes")) * time.Minute)
}

func rangeBody(user string, shows map[string]*dexcom.Range) string {
	moment := func(t time.Time) string {
		return fmt.Sprintf(`{"systemTime":%q,"displayTime":%q}`, t.Format("2006-01-02T15:04:05Z"), t.Format("2006-01-02T15:04:05"))
	}
	body := `{"recordType":"dataRange",` + user + `"recordVersion":"3.0"`
	for resource, r := range shows {
		if r != nil {
			body += fmt.Sprintf(`,%q:{"start":%s,"end":%s}`, resource, moment(r.Start), moment(r.End))
		}
	}
	return body + "}"
}

// trust looks through all that dataRange said before the answer, newest first.
func (h *history) trust(a asked, without map[string]time.Time) trust {
	if len(a.served) > 0 {
		return trusted
	}
	of, news := trusted, false
	cut, withdrawn := without[a.ParticipantID]
	for _, r := range slices.Backward(h.ranges[:a.ranges]) {
		whole, shows := r.LastSync.IsZero(), r.shows[a.Resource]
		if withdrawn && shows != nil && !shows.Start.Before(cut) {
			shows = nil
		}
		if r.ParticipantID != a.ParticipantID || r.ConnectionID != a.ConnectionID || !whole && (news || shows == nil) {
			continue
		}
		news = news || !whole
		if shows != nil && a.AskedAt.Sub(r.AskedAt) <= time.Hour {
			end := shows.End
			if withdrawn && end.After(cut) {
				end = cut
			}
			for _, record := range []time.Time{shows.Start, end} {
				if !record.Before(a.WindowStart.Add(time.Minute)) && !record.After(a.WindowEnd.Add(-time.Minute)) {
					return contradicted
				}
			}
			if !shows.Start.After(a.WindowEnd) && !end.Before(a.WindowStart) {
				of = doubted
			}
		}
		if whole {
			break
		}
	}
	return of
}

// What becomes of the records of a window that an answer leaves empty, by what
// dataRange had shown: one record or a thousand, of whatever resource.
func TestEmptiedWindows(t *testing.T) {
	t.Parallel()
	day, next, week := at(3, "00:00:00"), at(4, "00:00:00"), at(10, "00:00:00")
	records := map[string]func(n int) []string{
		"egvs": func(n int) []string { return dayOf(3, n+1)[1:] },
		"events": func(n int) (all []string) {
			for i := range n {
				all = append(all, event(fmt.Sprint("e", i), "carbs", "7", "created", day.Add(time.Hour+time.Duration(i)*time.Minute)))
			}
			return all
		},
		"calibrations": func(n int) (all []string) {
			for i := range n {
				all = append(all, egv(fmt.Sprint("c", i), day.Add(time.Hour+time.Duration(i)*time.Minute), 120))
			}
			return all
		},
	}
	show := func(from, to time.Time) *dexcom.Range { return &dexcom.Range{Start: from, End: to} }
	type ranges func(w *world, participant, resource string)
	asked := func(connection string, news bool, r *dexcom.Range, wait time.Duration) ranges {
		return func(w *world, participant, resource string) {
			h := raw.Header{ParticipantID: participant, ConnectionID: connection, Resource: "dataRange"}
			if news {
				h.LastSync = day
			}
			w.append(h, rangeBody(w.userMember(), map[string]*dexcom.Range{resource: r}))
			w.time = w.time.Add(wait - time.Hour)
		}
	}
	both := func(all ...ranges) ranges {
		return func(w *world, participant, resource string) {
			for _, r := range all {
				r(w, participant, resource)
			}
		}
	}
	as := func(user string, r ranges) ranges {
		return func(w *world, participant, resource string) {
			w.user = user
			r(w, participant, resource)
			w.user = "u"
		}
	}
	const soon = time.Minute
	tests := []struct {
		name  string
		shown ranges
		want  trust
	}{
		{"nothing asked", both(), trusted},
		{"both ends within", asked("A", false, show(day.Add(time.Hour), day.Add(2*time.Hour)), soon), contradicted},
		{"the oldest within", asked("A", false, show(day.Add(time.Hour), week), soon), contradicted},
		{"the newest within", asked("A", false, show(at(1, "00:00:00"), day.Add(time.Hour)), soon), contradicted},
		{"an hour before", asked("A", false, show(day.Add(time.Hour), week), time.Hour), contradicted},
		{"more than an hour before", asked("A", false, show(day.Add(time.Hour), week), time.Hour+time.Second), trusted},
		{"the window lies between the ends", asked("A", false, show(at(1, "00:00:00"), week), soon), doubted},
		{"an end at the window's edge", asked("A", false, show(at(1, "00:00:00"), next.Add(-30*time.Second)), soon), doubted},
		{"before the window", asked("A", false, show(at(1, "00:00:00"), at(2, "00:00:00")), soon), trusted},
		{"after the window", asked("A", false, show(at(5, "00:00:00"), week), soon), trusted},
		{"nothing shown", asked("A", false, nil, soon), trusted},
		{"of another connection", asked("B", false, show(day.Add(time.Hour), week), soon), trusted},
		{"of another account through this one", as("v", asked("A", false, show(day.Add(time.Hour), week), soon)), trusted},
		{"it does not say of which account", as("", asked("A", false, show(day.Add(time.Hour), week), soon)), contradicted},
		{"of news", asked("A", true, show(day.Add(time.Hour), week), soon), contradicted},
		{"news that show nothing take nothing back", both(asked("A", false, show(day.Add(time.Hour), week), soon), asked("A", true, nil, soon)), contradicted},
		{"a newer one of everything does", both(asked("A", false, show(day.Add(time.Hour), week), soon), asked("A", false, nil, soon)), trusted},
		{"also what news showed", both(asked("A", true, show(day.Add(time.Hour), week), soon), asked("A", false, show(at(1, "00:00:00"), week), soon)), doubted},
	}
	each := func(do func(participant, resource string, n int)) {
		for _, resource := range []string{"egvs", "events", "calibrations"} {
			for _, n := range []int{1, 12, 40} {
				do(fmt.Sprint(resource, n), resource, n)
			}
		}
	}
	w := newWorld(t, t.TempDir())
	empty := func(fill bool) { // every test is of participants of its own
		for _, tt := range tests {
			each(func(participant, resource string, n int) {
				participant = tt.name + participant
				if fill {
					w.answer(participant, "A", resource, day, next, records[resource](n)...)
				}
				tt.shown(w, participant, resource)
				w.answer(participant, "A", resource, day, next)
			})
		}
	}
	check := func(k *tank, when string, fate func(want trust, n int) (gone, waiting int)) {
		rows := make(map[string]int)
		for _, table := range []string{"egvs", "events", "calibrations"} {
			for _, row := range k.rows(table, "participant_id", "vanished_at") {
				id, vanished, _ := strings.Cut(row, " vanished_at=")
				rows["gone "+id] += bit(vanished != "-")
			}
		}
		for _, row := range k.rows("vanish_pending", "participant_id") {
			rows["waiting "+row]++
		}
		for _, row := range k.rows("requests", "participant_id", "resource", "vanished") {
			rows[row]++
		}
		for _, tt := range tests {
			each(func(participant, resource string, n int) {
				id := "participant_id=" + tt.name + participant
				gone, waiting := rows["gone "+id], rows["waiting "+id]
				if wantGone, wantWaiting := fate(tt.want, n); gone != wantGone || waiting != wantWaiting {
					t.Errorf("%s, %s: of %d %s %d vanished and %d wait; want %d and %d", tt.name, when, n, resource, gone, waiting, wantGone, wantWaiting)
				}
				if lacking := fmt.Sprintf("%s resource=%s vanished=%d", id, resource, n); rows[lacking] == 0 {
					t.Errorf("%s, %s: requests lack %s", tt.name, when, lacking)
				}
			})
		}
	}
	one, many := w.tank("one", 0), w.tank("many", 200_000) // commits
	defer one.unlock()
	defer many.unlock()
	tanks := []*tank{one, many}
	empty(true)
	for _, k := range tanks {
		k.load(Study{})
		check(k, "at once", func(want trust, n int) (gone, waiting int) {
			switch {
			case want == contradicted:
				return 0, 0
			case want == doubted, n >= manyMissing:
				return 0, n
			}
			return n, 0
		})
	}
	w.time = w.time.Add(25 * time.Hour)
	empty(false)
	for _, k := range tanks {
		k.load(Study{})
		check(k, "after a second answer", func(want trust, n int) (gone, waiting int) { return n * bit(want != contradicted), 0 })
	}
}

// Alerts have no range: what everybody's rule says goes for them.
func TestEmptiedAlerts(t *testing.T) {
	w := newWorld(t, t.TempDir())
	from, to := at(3, "00:00:00"), at(4, "00:00:00")
	alert := fmt.Sprintf(`{"recordId":"a","systemTime":%q,"displayTime":%q,"alertName":"high","alertState":"inactive"}`, "2026-03-03T12:00:00Z", "2026-03-03T12:00:00Z")
	w.answer("P1", "A", "alerts", from, to, alert)
	w.append(raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "dataRange"}, rangeBody(w.userMember(), map[string]*dexcom.Range{"egvs": {Start: from, End: to}}))
	w.answer("P1", "A", "alerts", from, to)
	k := w.tank("lake", 0)
	defer k.unlock()
	k.load(Study{})
	sameText(t, "alerts", k.rows("alerts", "record_id", "vanished_at"), []string{"record_id=a vanished_at=2026-04-01T14:00:00"})
}
