package load

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/reading"
)

// plainDays are the rows of glucose_days of one participant's readings by the letter of
// what its columns say, one column after the other.
func plainDays(participant string, all []reading.Reading) (rows []string) {
	dayOf := func(r reading.Reading) string { return utc(r.Time).Format(time.DateOnly) }
	dateOf := func(r reading.Reading) string {
		if !r.LocalDate.OK {
			return "-"
		}
		return arrow.Date32(r.LocalDate.V).FormattedString()
	}
	counts := func(r reading.Reading) bool { return r.Value.OK && r.Excluded == "" }
	groups := make(map[string][]reading.Reading)
	for _, r := range all {
		key := fmt.Sprintf("%s %s %q %d", dayOf(r), dateOf(r), r.Excluded, r.Cadence)
		groups[key] = append(groups[key], r)
	}
	for _, group := range groups {
		first := group[0]
		var values []reading.Reading
		var sum, squares, low, high, overlap, suspect int
		found := make(map[int16]int)
		for _, r := range group {
			overlap += bit(r.Overlap)
			suspect += bit(r.ClockSuspect)
			if !r.Value.OK {
				continue
			}
			values = append(values, r)
			sum += int(r.Value.V)
			squares += int(r.Value.V) * int(r.Value.V)
			found[r.Value.V]++
			low += bit(r.ValueFrom == "status" && r.Value.V == 39)
			high += bit(r.ValueFrom == "status" && r.Value.V == 401)
		}
		var glucose, often []int
		for _, v := range slices.Sorted(maps.Keys(found)) {
			glucose, often = append(glucose, int(v)), append(often, found[v])
		}
		n, slots := 0, 0
		var length, wide, wideMin int64
		for i, r := range all {
			if dayOf(r) != dayOf(first) || dateOf(r) != dateOf(first) || r.Excluded != first.Excluded || r.Cadence != first.Cadence || !r.Value.OK {
				continue
			}
			inSlot := func(o reading.Reading) bool {
				step := int64(r.Cadence) * 60e6
				return o.Value.OK && dayOf(o) == dayOf(r) && o.Excluded == r.Excluded && o.Cadence == r.Cadence && o.Time/step == r.Time/step
			}
			slots += bit(!slices.ContainsFunc(all[:i], inSlot))
			for j := i - 1; j >= 0 && counts(r) && dayOf(all[j]) == dayOf(r); j-- {
				if before := all[j]; counts(before) {
					n++
					length += r.Time - before.Time
					if larger := int64(max(r.Cadence, before.Cadence)); int64(math.RoundToEven(float64(r.Time-before.Time)/60e6)) > larger {
						wide, wideMin = wide+r.Time-before.Time, wideMin+larger
					}
					break
				}
			}
		}
		ends := "first_utc=- last_utc=- first_local=- last_local=-"
		if len(values) > 0 {
			a, b := values[0], values[len(values)-1]
			ends = fmt.Sprintf("first_utc=%s last_utc=%s first_local=%s last_local=%s", clock(reading.Some(a.Time)), clock(reading.Some(b.Time)), clock(a.Local), clock(b.Local))
		}
		rows = append(rows, fmt.Sprintf("participant_id=%s day=%sT00:00:00 local_date=%s excluded=%s cadence_min=%d n_readings=%d n_values=%d sum_mgdl=%d sum_mgdl2=%d "+
			"glucose_mgdl=%s counts=%s n_low_status=%d n_high_status=%d n_overlap=%d n_clock_suspect=%d n_slots=%d %s n_linked=%d linked_us=%d wide_us=%d wide_min=%d",
			participant, dayOf(first), dateOf(first), cmp.Or(first.Excluded, "-"), first.Cadence, len(group), len(values), sum, squares,
			listText(glucose), listText(often), low, high, overlap, suspect, slots, ends, n, length, wide, wideMin))
	}
	slices.Sort(rows)
	return rows
}

func utc(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func clock(t reading.Maybe[int64]) string {
	if !t.OK {
		return "-"
	}
	return utc(t.V).Format("2006-01-02T15:04:05")
}

func listText(list []int) string {
	return strings.ReplaceAll(fmt.Sprint(list), " ", ",")
}

// checkDays checks that glucose_days says what the readings of the lake add up to.
func (k *tank) checkDays() {
	k.t.Helper()
	m, err := k.Lake.Current()
	if err != nil {
		k.t.Fatalf("Current: %v", err)
	}
	readings := make(map[string][]reading.Reading)
	for _, f := range m.TableFiles("glucose") {
		for b, err := range k.Lake.Read(context.Background(), f, lake.ReadOptions{}) {
			if err != nil {
				k.t.Fatalf("Read(%s): %v", f.Path, err)
			}
			for row := range int(b.NumRows()) {
				p := strings.Clone(participantOf(b, row))
				one := b.NewSlice(int64(row), int64(row+1))
				readings[p] = append(readings[p], heldReadings([]piece{{rows: one}})...)
			}
		}
	}
	var want []string
	for p, all := range readings {
		slices.SortFunc(all, func(a, b reading.Reading) int { return cmp.Compare(a.Time, b.Time) })
		want = append(want, plainDays(p, all)...)
	}
	slices.Sort(want)
	sameText(k.t, "glucose_days", k.rows(glucoseDaysTable), want)
}

// someReadings are readings of a few days by one sensor after the other, with pauses,
// exclusions, and clocks that are wrong, unknown, or change with a border or the season.
func someReadings(t *rapid.T) (readings []reading.Reading) {
	at := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC).UnixMicro() + rapid.Int64Range(0, 24*3600e6).Draw(t, "begin")
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin") // summer time begins in these days
	if err != nil {
		t.Fatal(err)
	}
	zones := []*time.Location{nil, newYork, berlin, time.FixedZone("", 5*3600+45*60), time.FixedZone("", -(3*3600 + 30*60)), time.FixedZone("", 2*3600+137)}
	for range rapid.IntRange(1, 6).Draw(t, "stretches") {
		cadence := rapid.SampledFrom([]int16{1, 5, 15}).Draw(t, "cadence")
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		excluded := rapid.SampledFrom([]string{"", "", "", "exclusion"}).Draw(t, "excluded")
		step := rapid.SampledFrom([]int16{cadence, cadence, 1}).Draw(t, "step")
		shaky := rapid.SampledFrom([]int64{0, 40e6}).Draw(t, "shaky")
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			r := reading.Reading{Time: at, Cadence: cadence, Excluded: excluded, Overlap: rapid.Bool().Draw(t, "overlap"), ClockSuspect: rapid.Bool().Draw(t, "suspect")}
			if zone != nil {
				_, ahead := utc(at).In(zone).Zone()
				r.Local = reading.Some(at + int64(ahead)*1e6)
				r.LocalDate = reading.Some(int32(arrow.Date32FromTime(utc(r.Local.V))))
			}
			switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
			case kind == 0:
				r.Excluded = cmp.Or(excluded, "no_value")
			case kind == 1:
				r.Excluded, r.ValueFrom = cmp.Or(excluded, "implausible"), "implausible"
			case kind == 2:
				r.Value, r.ValueFrom = reading.Some(rapid.SampledFrom([]int16{39, 401}).Draw(t, "sentinel")), "status"
			default:
				r.Value, r.ValueFrom = reading.Some(rapid.Int16Range(39, 401).Draw(t, "value")), "value"
			}
			readings = append(readings, r)
			at += max(1, int64(step)*60e6+rapid.Int64Range(-shaky, shaky).Draw(t, "jitter"))
			if rapid.IntRange(0, 15).Draw(t, "pause") == 0 {
				at += rapid.SampledFrom([]int64{30e6, 60e6, 90e6, 150e6, 3600e6, 30 * 3600e6}).Draw(t, "long")
			}
		}
	}
	return readings
}

func rowsOfDays(readings []reading.Reading) (rows []string) {
	s := &step{loader: &Loader{Mem: memory.DefaultAllocator}}
	batch := s.glucoseDayRows("P1", readings)
	defer batch.Release()
	for row := range int(batch.NumRows()) {
		rows = append(rows, rowText(batch, row, nil))
	}
	slices.Sort(rows)
	return rows
}

// Every column says of any readings what its definition says.
func TestGlucoseDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		readings := someReadings(t)
		sameText(t, "glucose_days", rowsOfDays(readings), plainDays("P1", readings))
	})
}

func BenchmarkGlucoseDays(b *testing.B) {
	var readings []reading.Reading
	for i := range int64(30 * 288) {
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMicro() + i*300e6
		local := at - 5*3600e6
		readings = append(readings, reading.Reading{Time: at, Cadence: 5, Local: reading.Some(local), LocalDate: reading.Some(int32(local / (24 * 3600e6))),
			Value: reading.Some(int16(120 + 60*math.Sin(float64(i)/40))), ValueFrom: "value"})
	}
	s := &step{loader: &Loader{Mem: memory.DefaultAllocator}}
	for b.Loop() {
		s.glucoseDayRows("P1", readings).Release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(readings)), "ns/reading")
}
