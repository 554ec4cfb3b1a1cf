package load

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/raw"
)

// A model applies the rules of the fold one record at a time, as simply as
// they can be said. It holds everything and knows no files, months or commits.
type model struct {
	resource string
	rows     map[string]map[string]*modelRow // participant, id
	pending  map[[2]string]time.Time
	changes  []string
	windows  map[string][]raw.Header
	cuts     map[string]time.Time // what is from then on it never sees
	zones    map[string]*time.Location
}

// A modelRecord is a record as the API has it.
type modelRecord struct {
	id, status string // status of events only
	time       time.Time
	home       time.Time // where the API had it first
	value      int
}

type modelRow struct {
	modelRecord
	connection, request string
	first, vanished     time.Time
}

// homes are the zones of historyStudy.
func homes() map[string]*time.Location {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return map[string]*time.Location{"P1": berlin}
}

func newModel(resource string) *model {
	return &model{
		resource: resource, rows: map[string]map[string]*modelRow{}, pending: map[[2]string]time.Time{},
		windows: map[string][]raw.Header{}, zones: homes(),
	}
}

func (m *model) apply(h raw.Header, records []modelRecord, of trust) {
	rows := m.rows[h.ParticipantID]
	if rows == nil {
		rows = map[string]*modelRow{}
		m.rows[h.ParticipantID] = rows
	}
	m.windows[h.ParticipantID] = append(m.windows[h.ParticipantID], h)
	final := map[string]int{"": 0, "created": 1, "updated": 2, "deleted": 3}
	come := map[string]modelRecord{}
	for _, r := range records {
		if cut, ok := m.cuts[h.ParticipantID]; ok && !r.time.Before(cut) {
			continue
		}
		if old, ok := come[r.id]; !ok || final[r.status] >= final[old.status] {
			come[r.id] = r
		}
	}
	var missing []*modelRow
	held := 0
	for _, row := range rows {
		inside := !row.time.Before(h.WindowStart.Add(margin)) && !row.time.After(h.WindowEnd.Add(-margin))
		if row.vanished.IsZero() && inside && accountOf(row.connection) == accountOf(h.ConnectionID) {
			held++
			if _, ok := come[row.id]; !ok {
				missing = append(missing, row)
			}
		}
	}
	for _, r := range come {
		m.upsert(h, rows, r)
	}
	wait := of == doubted || len(missing) >= 20 && len(missing)*5 > held
	if of == contradicted {
		missing = nil
	}
	for _, row := range missing {
		key := [2]string{h.ParticipantID, row.id}
		since, waits := m.pending[key]
		if waits && h.AskedAt.Sub(since) < 24*time.Hour {
			continue
		}
		if !waits && wait {
			m.pending[key] = h.AskedAt
			continue
		}
		if !waits {
			since = h.AskedAt
		}
		delete(m.pending, key)
		m.change(h, row, "vanished")
		row.vanished = since
	}
}

func (m *model) upsert(h raw.Header, rows map[string]*modelRow, r modelRecord) {
	delete(m.pending, [2]string{h.ParticipantID, r.id})
	old := rows[r.id]
	if old == nil {
		rows[r.id] = &modelRow{modelRecord: r, connection: h.ConnectionID, request: h.RequestID, first: h.AskedAt}
		return
	}
	switch {
	case old.modelRecord == r && old.vanished.IsZero():
		return
	case r.status == "deleted" && old.status != "deleted":
		m.change(h, old, "deleted")
	case !old.vanished.IsZero():
		m.change(h, old, "restored")
	case old.time.Format("2006-01") != r.time.Format("2006-01"):
		m.change(h, old, "moved")
	default:
		m.change(h, old, "edited")
	}
	if old.modelRecord == r {
		old.vanished = time.Time{}
		return
	}
	rows[r.id] = &modelRow{modelRecord: r, connection: h.ConnectionID, request: h.RequestID, first: h.AskedAt}
}

func (m *model) change(h raw.Header, row *modelRow, kind string) {
	m.changes = append(m.changes, fmt.Sprintf("participant_id=%s resource=%s record_id=%s kind=%s request_id=%s seen_at=%s",
		h.ParticipantID, m.resource, row.id, kind, h.RequestID, stamp(h.AskedAt)))
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("2006-01-02T15:04:05")
}

// modelColumns are what the model knows of a row.
func (m *model) columns() []string {
	value := "glucose_mgdl"
	if m.resource == "events" {
		return []string{"participant_id", "connection_id", "record_id", "system_time", "value_text", "event_status", "request_id", "first_seen_at", "vanished_at"}
	}
	return []string{"participant_id", "connection_id", "record_id", "system_time", value, "request_id", "first_seen_at", "vanished_at"}
}

func (m *model) lines() []string {
	var out []string
	for p, rows := range m.rows {
		for _, r := range rows {
			value := fmt.Sprintf("glucose_mgdl=%d", r.value)
			if m.resource == "events" {
				value = fmt.Sprintf("value_text=%d event_status=%s", r.value, r.status)
			}
			line := fmt.Sprintf("participant_id=%s connection_id=%s record_id=%s system_time=%s %s", p, r.connection, r.id, stamp(r.time), value)
			out = append(out, fmt.Sprintf("%s request_id=%s first_seen_at=%s vanished_at=%s", line, r.request, stamp(r.first), stamp(r.vanished)))
		}
	}
	slices.Sort(out)
	return out
}

func (m *model) pendingLines() []string {
	var out []string
	for key, since := range m.pending {
		out = append(out, fmt.Sprintf("participant_id=%s resource=%s record_id=%s missing_since=%s", key[0], m.resource, key[1], stamp(since)))
	}
	slices.Sort(out)
	return out
}

// glucose is one reading per moment: all records are of one sensor and phone,
// so that those of one moment are one reading, and the smallest id counts.
func (m *model) glucose() []string {
	var out []string
	for p, rows := range m.rows {
		moments := map[time.Time][]*modelRow{}
		for _, r := range rows {
			if r.vanished.IsZero() {
				moments[r.time] = append(moments[r.time], r)
			}
		}
		for t, rows := range moments {
			first := slices.MinFunc(rows, func(a, b *modelRow) int { return strings.Compare(a.id, b.id) })
			out = append(out, fmt.Sprintf("participant_id=%s time_utc=%s glucose_mgdl=%d n_sources=%d", p, stamp(t), first.value, len(rows)))
		}
	}
	slices.Sort(out)
	return out
}

// coverage merges the windows minute by minute's ends and counts rows one by one.
func (m *model) coverage() []string {
	var out []string
	for p, windows := range m.windows {
		windows = m.clipped(p, windows)
		sort.Slice(windows, func(i, j int) bool { return windows[i].WindowStart.Before(windows[j].WindowStart) })
		for i := 0; i < len(windows); {
			from, to, asked := windows[i].WindowStart, windows[i].WindowEnd, windows[i].AskedAt
			for i++; i < len(windows) && !windows[i].WindowStart.After(to); i++ {
				if windows[i].WindowEnd.After(to) {
					to = windows[i].WindowEnd
				}
				if windows[i].AskedAt.After(asked) {
					asked = windows[i].AskedAt
				}
			}
			n := 0
			for _, r := range m.rows[p] {
				if r.vanished.IsZero() && !r.time.Before(from) && r.time.Before(to) {
					n++
				}
			}
			out = append(out, fmt.Sprintf("participant_id=%s resource=%s asked_from=%s asked_to=%s asked_at=%s records=%d",
				p, m.resource, stamp(from), stamp(to), stamp(asked), n))
		}
	}
	slices.Sort(out)
	return out
}

// days counts the rows of each day and the slots they fill one by one.
func (m *model) days() []string {
	var out []string
	for p, rows := range m.rows {
		byDay := make(map[string][]time.Time)
		for _, r := range rows {
			if r.vanished.IsZero() {
				byDay[r.time.Format(time.DateOnly)] = append(byDay[r.time.Format(time.DateOnly)], r.time)
			}
		}
		for _, times := range byDay {
			slices.SortFunc(times, time.Time.Compare)
			slots, offset := "-", "-"
			if m.resource == "egvs" {
				seen := make(map[time.Time]bool)
				for _, t := range times {
					seen[t.Truncate(5*time.Minute)] = true
				}
				slots = fmt.Sprint(len(seen))
				if zone := m.zones[p]; zone != nil {
					offset = fmt.Sprint(behind(slices.Collect(maps.Keys(seen)), zone))
				}
			}
			out = append(out, fmt.Sprintf("participant_id=%s resource=%s day=%s records=%d slots=%s first_record=%s last_record=%s clock_offset_min=%s",
				p, m.resource, stamp(times[0].Truncate(24*time.Hour)), len(times), slots, stamp(times[0]), stamp(times[len(times)-1]), offset))
		}
	}
	return out
}

// behind is how many minutes the wall clock of egv, of -5 h, is ahead of a zone at
// most of times.
func behind(times []time.Time, zone *time.Location) int {
	var minutes []int
	for _, t := range times {
		_, seconds := t.In(zone).Zone()
		minutes = append(minutes, -5*60-seconds/60)
	}
	slices.Sort(minutes)
	return minutes[(len(minutes)-1)/2]
}

// clipped are the windows up to the participant's withdrawal.
func (m *model) clipped(participant string, windows []raw.Header) []raw.Header {
	cut, ok := m.cuts[participant]
	if !ok {
		return windows
	}
	var out []raw.Header
	for _, h := range windows {
		if h.WindowEnd.After(cut) {
			h.WindowEnd = cut
		}
		if h.WindowStart.Before(h.WindowEnd) {
			out = append(out, h)
		}
	}
	return out
}

// wire is r as JSON.
func (m *model) wire(r modelRecord) string {
	if m.resource == "egvs" {
		return egv(r.id, r.time, r.value)
	}
	return fmt.Sprintf(`{"recordId":%q,"systemTime":%q,"displayTime":%q,"eventType":"carbs","value":"%d","unit":"grams","eventStatus":%q,"displayDevice":"iOS"}`,
		r.id, r.time.Format("2006-01-02T15:04:05Z"), r.time.Format("2006-01-02T15:04:05+00:00"), r.value, r.status)
}
