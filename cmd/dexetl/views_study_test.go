package main

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A witnessed study is one of which a test knows what the API served at each fetch.
type witnessed struct {
	*bench
	served []serving
	left   map[string]time.Time // who has withdrawn, from when on
}

// A serving is what the API served at an instant: EGVs by participant and record.
type serving struct {
	at   time.Time
	egvs map[[2]string]dexsim.EGV
}

// viewsStudy is the study of docs/views.md: six people and 42 days, read wholly ten
// days before the end and then every day, with windows, exclusions, a withdrawal, and
// records that change.
func viewsStudy(t *testing.T) *witnessed {
	t.Helper()
	config := dexsim.Config{Seed: 1, Participants: 6, Days: 42, End: demoNow, Chaos: dexsim.Chaos{
		Kinds:      dexsim.Late | dexsim.Edit | dexsim.Delete | dexsim.Revise | dexsim.Vanish | dexsim.ExtraFields | dexsim.BadRecords,
		RecordRate: 0.002,
	}}
	b := newBenchAt(t, config, demoNow.AddDate(0, 0, -10))
	w := &witnessed{bench: b, left: map[string]time.Time{"P005": time.Date(2026, 4, 13, 4, 0, 0, 0, time.UTC)}}
	w.fetch("backfill")
	b.must("windows", "import", b.file("windows.csv", "participant_id,window,start_day,end_day\n*,baseline,1,14\n*,follow-up,22,35\n"))
	b.must("exclusions", "import", b.file("exclusions.csv", "participant_id,from,to,reason\nP001,2026-03-24T08:00:00,2026-03-24T14:00:00,MRI\n"))
	for b.now.Before(demoNow) {
		b.now = b.now.AddDate(0, 0, 1)
		w.fetch("sync")
	}
	b.must("withdraw", "P005", "--stop", "--effective", "2026-04-13", "--reason", "moved away", "--yes")
	b.now = b.now.Add(time.Hour)
	w.fetch("sync", "--deep")
	return w
}

// fetch runs a command that fetches, and remembers what there is to fetch.
func (w *witnessed) fetch(command ...string) {
	w.t.Helper()
	w.must(command...)
	s := serving{w.now, map[[2]string]dexsim.EGV{}}
	for truth := range w.api.Truth() {
		for _, e := range truth.EGVs {
			s.egvs[[2]string{truth.ParticipantID, e.RecordID}] = e
		}
	}
	w.served = append(w.served, s)
}

// A moment is a reading with a value.
type moment struct {
	utc, local  time.Time
	mgdl        float64
	transmitter string
	excluded    bool
}

// readings are those of each participant that the study may have, by the simulator's
// own account: of a moment the record of a phone rather than a receiver's.
func (w *witnessed) readings() map[string][]moment {
	all := map[string][]moment{}
	for truth := range w.api.Truth() {
		moments := map[int]dexsim.EGV{}
		for _, e := range truth.EGVs {
			held, found := moments[e.Moment]
			if !e.Shadowed && w.has(truth.ParticipantID, e) && (!found || held.Device == "receiver") {
				moments[e.Moment] = e
			}
		}
		var of []moment
		for _, e := range moments {
			m := moment{utc: e.SystemTime, local: e.DisplayTime, mgdl: *e.Value, transmitter: e.TransmitterID}
			from := time.Date(2026, 3, 24, 8, 0, 0, 0, time.UTC)
			m.excluded = truth.ParticipantID == "P001" && !m.local.Before(from) && m.local.Before(from.Add(6*time.Hour))
			of = append(of, m)
		}
		slices.SortFunc(of, func(a, b moment) int { return a.utc.Compare(b.utc) })
		all[truth.ParticipantID] = of
	}
	return all
}

// has reports whether the study may have an EGV.
func (w *witnessed) has(participant string, e dexsim.EGV) bool {
	left, gone := w.left[participant]
	return e.Value != nil && (!gone || e.SystemTime.Before(left))
}

// expectedUntil is until when readings of a participant can be expected.
func (w *witnessed) expectedUntil(participant string) time.Time {
	if left, gone := w.left[participant]; gone {
		return left
	}
	return w.now
}

// day is the study day of a wall clock.
func day(local time.Time) int {
	return int(local.Truncate(24*time.Hour).Sub(time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)).Hours())/24 + 1
}

// A mean is of values that come one by one.
type mean struct{ sum, n float64 }

func (m *mean) add(v float64) { m.sum, m.n = m.sum+v, m.n+1 }

func (m *mean) of() float64 { return m.sum / m.n }

// middle is the median.
func middle(values []float64) float64 {
	slices.SortFunc(values, cmp.Compare)
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}

// rounded writes a number as the answers do, with digits after the point at most.
func rounded(v float64, digits int) string {
	unit := math.Pow10(digits)
	return strconv.FormatFloat(math.Round(v*unit)/unit, 'f', -1, 64)
}
