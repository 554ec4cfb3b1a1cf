package load

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/load/reading"
)

// A sent is an EGV record by what glucose is made of.
type sent struct {
	id          string
	time        time.Time
	ahead       time.Duration // of the display time, which has no offset
	value       int
	transmitter string
	device, app string
}

// ticks are those of a transmitter that was started in the year before.
func (r sent) ticks() int64 { return r.time.Unix() - now.AddDate(-1, 0, 0).Unix() }

func (r sent) json() string {
	return fmt.Sprintf(`{"recordId":%q,"systemTime":%q,"displayTime":%q,"transmitterId":%q,"transmitterTicks":%d,"value":%d,"unit":"mg/dL",`+
		`"trend":"flat","trendRate":0,"rateUnit":"mg/dL/min","displayDevice":%q,"displayApp":%q,"transmitterGeneration":"g7"}`,
		r.id, r.time.Format("2006-01-02T15:04:05Z"), r.time.Add(r.ahead).Format("2006-01-02T15:04:05"), r.transmitter, r.ticks(), r.value, r.device, r.app)
}

func jsonOf(records []sent) (out []string) {
	for _, r := range records {
		out = append(out, r.json())
	}
	return out
}

// every are the records of a phone at some cadence.
func every(step time.Duration, from, to time.Time, with func(*sent)) (records []sent) {
	for at := from; at.Before(to); at = at.Add(step) {
		r := sent{id: at.Format("0102-150405"), time: at, value: 100, transmitter: "T", device: "iOS", app: "G7"}
		if with != nil {
			with(&r)
		}
		records = append(records, r)
	}
	return records
}

// lived draws what a person's devices sent from the middle of January to that of
// March: transmitters in turn, at once and again, phones with a watch, two cadences.
func lived(t *rapid.T) (records []sent) {
	first := time.Date(2026, 1, 28, 0, 0, 0, 0, time.UTC)
	for w := range rapid.IntRange(2, 4).Draw(t, "wears") {
		from := first.Add(time.Duration(rapid.IntRange(0, 40*24).Draw(t, "hour")) * time.Hour).Add(time.Duration(w) * 40 * time.Second)
		name := rapid.SampledFrom([]string{"S", "T", "U", ""}).Draw(t, "transmitter")
		step := rapid.SampledFrom([]time.Duration{5 * time.Minute, 5 * time.Minute, 15 * time.Minute}).Draw(t, "step")
		watch := rapid.Bool().Draw(t, "watch")
		for i, r := range every(step, from, from.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "hours"))*time.Hour), nil) {
			r.id, r.transmitter, r.value = fmt.Sprintf("%d-%04d", w, i), name, 30+i%380
			records = append(records, r)
			if watch {
				r.id, r.app, r.time = "!"+r.id, "Watch", r.time.Add(10*time.Second)
				records = append(records, r)
			}
		}
	}
	return records
}

// Whatever the order of the answers and wherever commits fall, glucose is the
// readings that package reading makes of all records.
func TestGlucoseInAnyOrder(t *testing.T) {
	t.Parallel()
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		records := lived(t)
		start := time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)
		var pieces []int
		for i := range 8 {
			pieces = append(pieces, i)
		}
		columns := []string{"time_utc", "glucose_mgdl", "glucose_source", "n_sources", "overlap", "cadence_min"}
		var all [][]string
		for range 2 {
			n++
			w := newWorld(t, fmt.Sprintf("%s/%d", dir, n))
			k := w.tank("lake", rapid.SampledFrom([]int64{0, 1, 20_000}).Draw(t, "commit bytes"))
			for _, i := range rapid.Permutation(pieces).Draw(t, "order") {
				from := start.AddDate(0, 0, 8*i)
				to := from.AddDate(0, 0, 8+rapid.IntRange(0, 3).Draw(t, "longer"))
				inside := slices.DeleteFunc(slices.Clone(records), func(r sent) bool { return r.time.Before(from) || !r.time.Before(to) })
				w.answer("P1", "A", "egvs", from, to, jsonOf(inside)...)
				if rapid.IntRange(0, 3).Draw(t, "load?") == 0 {
					k.load(Study{})
				}
			}
			k.load(Study{})
			all = append(all, append(k.rows("glucose", columns...), k.rows("coverage_days")...))
			k.unlock()
			w.log.Close()
		}
		sameText(t, "glucose and coverage_days in another order", all[1], all[0])
		want := readingsOf(records)
		sameText(t, "glucose", all[0][:min(len(want), len(all[0]))], want)
	})
}

// Which of two transmitters began first is seen in the month before, whichever
// month comes first.
func TestGlucoseLooksIntoTheMonthBefore(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}} {
		w := newWorld(t, t.TempDir())
		k := w.tank("lake", 0)
		border := at(1, "00:00:00")
		old := every(5*time.Minute, border.Add(-20*time.Hour), border.Add(4*time.Hour), func(r *sent) {
			r.id, r.transmitter, r.time = r.id+"s", "S", r.time.Add(time.Minute)
		})
		fresh := every(5*time.Minute, border.Add(-10*time.Hour), border.Add(9*time.Hour), func(r *sent) { r.transmitter = "A" })
		records := append(old, fresh...)
		for _, i := range order {
			from := border.AddDate(0, 0, -10+10*i)
			inside := slices.DeleteFunc(slices.Clone(records), func(r sent) bool { return r.time.Before(from) || !r.time.Before(from.AddDate(0, 0, 10)) })
			w.answer("P1", "A", "egvs", from, from.AddDate(0, 0, 10), jsonOf(inside)...)
			k.load(Study{})
		}
		columns := []string{"time_utc", "glucose_mgdl", "glucose_source", "n_sources", "overlap", "cadence_min"}
		sameText(t, fmt.Sprint(order), k.rows("glucose", columns...), readingsOf(records))
		k.unlock()
	}
}

// readingsOf are rows of glucose.
func readingsOf(records []sent) (out []string) {
	var in []reading.Record
	for _, r := range records {
		in = append(in, reading.Record{
			ID: r.id, Time: r.time.UnixMicro(), Transmitter: r.transmitter, Ticks: r.ticks(), Device: reading.DeviceOf(r.device, r.app),
			Value: reading.Some(int16(r.value)),
		})
	}
	for _, r := range reading.Readings(in, reading.Person{}) {
		value := "-"
		if r.Value.OK {
			value = fmt.Sprint(r.Value.V)
		}
		out = append(out, fmt.Sprintf("time_utc=%s glucose_mgdl=%s glucose_source=%s n_sources=%d overlap=%v cadence_min=%d",
			stamp(time.UnixMicro(r.Time).UTC()), value, r.ValueFrom, r.Sources, r.Overlap, r.Cadence))
	}
	return out
}

// What lies outside 39 to 401 is in egvs as sent and no glucose.
func TestImplausibleValues(t *testing.T) {
	w := newWorld(t, t.TempDir())
	values := []int{-5, 0, 1, 12, 38, 39, 40, 400, 401, 402, 500, 1000}
	var records []sent
	var egvs, glucose []string
	for i, v := range values {
		at := at(2, "00:00:00").Add(time.Duration(i) * 5 * time.Minute)
		records = append(records, sent{id: fmt.Sprintf("%02d", i), time: at, value: v, transmitter: "T", device: "iOS"})
		egvs = append(egvs, fmt.Sprintf("record_id=%02d glucose_mgdl=%d", i, v))
		counts := "glucose_mgdl=- glucose_source=implausible"
		if v >= 39 && v <= 401 {
			counts = fmt.Sprintf("glucose_mgdl=%d glucose_source=value", v)
		}
		glucose = append(glucose, "time_utc="+stamp(at)+" "+counts)
	}
	w.answer("P1", "A", "egvs", at(2, "00:00:00"), at(3, "00:00:00"), jsonOf(records)...)
	k := w.tank("lake", 0)
	defer k.unlock()
	k.load(Study{})
	sameText(t, "egvs", k.rows("egvs", "record_id", "glucose_mgdl"), egvs)
	sameText(t, "glucose", k.rows("glucose", "time_utc", "glucose_mgdl", "glucose_source"), glucose)
	sameText(t, "coverage_days", k.rows("coverage_days", "records", "slots"), []string{"records=12 slots=4"})
}

// The slots of a day follow the cadence.
func TestSlotsFollowTheCadence(t *testing.T) {
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	noon := at(2, "12:00:00")
	twice := func(records []sent, with func(*sent)) []sent {
		for _, r := range slices.Clone(records) {
			with(&r)
			records = append(records, r)
		}
		return records
	}
	tests := []struct {
		name    string
		records []sent
		want    string
	}{
		{"5 minutes", every(5*time.Minute, from, to, nil), "records=288 slots=288"},
		{"15 minutes", every(15*time.Minute, from, to, nil), "records=96 slots=288"},
		{"15 minutes, from an odd one on", every(15*time.Minute, from.Add(7*time.Minute), to, nil), "records=96 slots=288"},
		{"1 minute, of which a sensor measures every fifth", every(time.Minute, from, to, nil), "records=1440 slots=288"},
		{"half a day of 15, then 5", append(every(15*time.Minute, from, noon, nil), every(5*time.Minute, noon, to, nil)...), "records=192 slots=288"},
		{"half a day of 1, then nothing", every(time.Minute, from, noon, nil), "records=720 slots=144"},
		{"every value a code", every(5*time.Minute, from, to, func(r *sent) { r.value = 10 }), "records=288 slots=0"},
		{"a receiver that tells the same", twice(every(5*time.Minute, from, to, nil), func(r *sent) {
			r.id, r.device, r.time, r.value = r.id+"r", "receiver", r.time.Add(20*time.Second), 101
		}), "records=576 slots=288"},
		{"two sensors", twice(every(15*time.Minute, from, to, nil), func(r *sent) {
			r.id, r.transmitter, r.time = r.id+"u", "U", r.time.Add(time.Minute)
		}), "records=192 slots=288"},
		{"few readings are 5 minutes each", every(15*time.Minute, from, from.Add(2*time.Hour), nil), "records=8 slots=8"},
	}
	for _, tt := range tests {
		w := newWorld(t, t.TempDir())
		w.answer("P1", "A", "egvs", from, to, jsonOf(tt.records)...)
		k := w.tank("lake", 0)
		k.load(Study{})
		sameText(t, tt.name, k.rows("coverage_days", "records", "slots"), []string{tt.want})
		k.unlock()
	}
}

// A wall clock that is not the roster's zone is told of, day by day, also where it
// is no offset that a place on earth has; and again when the roster changes.
func TestClockOffset(t *testing.T) {
	const home = "America/Chicago" // -6 h, from 2026-03-08 08:00 UTC on -5 h
	day := func(n int, ahead time.Duration) []sent {
		return every(30*time.Minute, at(n, "00:00:00"), at(n+1, "00:00:00"), func(r *sent) { r.ahead = ahead })
	}
	hours := func(h float64) time.Duration { return time.Duration(h * float64(time.Hour)) }
	tests := []struct {
		name    string
		records []sent
		want    string
	}{
		{"right", day(2, hours(-6)), "-"},
		{"29 minutes fast", day(2, hours(-6)+29*time.Minute), "-"},
		{"30 minutes slow", day(2, hours(-6)-30*time.Minute), "-30"},
		{"30 seconds are rounded", day(2, hours(-6)+44*time.Minute+30*time.Second), "45"},
		{"an hour after spring", day(9, hours(-6)), "-60"},
		{"12 h fast", day(2, hours(6)), "720"},
		{"12 h slow is no offset of a zone", day(2, hours(-18)), "-720"},
		{"days off", day(2, hours(-6+3*24)), "4320"},
		{"a year off", day(2, hours(-6-365*24)), "-32767"},
		{"the same as UTC says nothing", day(2, 0), "-"},
		{"most of the day is wrong", append(day(2, hours(-6))[:20], day(2, hours(-3))[20:]...), "180"},
		{"less than half of it is", append(day(2, hours(-6))[:28], day(2, hours(-3))[28:]...), "-"},
	}
	for _, tt := range tests {
		w := newWorld(t, t.TempDir())
		w.answer("P1", "A", "egvs", at(1, "00:00:00"), at(20, "00:00:00"), jsonOf(tt.records)...)
		k := w.tank("lake", 0)
		offsets := func() string { return strings.Join(k.rows("coverage_days", "clock_offset_min"), " ") }
		k.load(Study{Participants: []Participant{{ID: "P1", Timezone: home}}})
		if got, want := offsets(), "clock_offset_min="+tt.want; got != want {
			t.Errorf("%s: %s, want %s", tt.name, got, want)
		}
		k.load(Study{Participants: []Participant{{ID: "P1"}}})
		if got := offsets(); got != "clock_offset_min=-" {
			t.Errorf("%s, without a zone: %s, want null", tt.name, got)
		}
		k.unlock()
	}
}
