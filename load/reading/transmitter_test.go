package reading

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// worn are a phone's records of a transmitter every 5 minutes, from and to hours
// after base, some seconds late. Its ticks are 0 at the hour started.
func worn(name string, from, to float64, late int64, started float64) []Record {
	var records []Record
	for at := int64(from * 3600); at < int64(to*3600); at += 300 {
		r := rec(fmt.Sprintf("%s%08d", name, at), at+late, 100, sensor(name, 0))
		if !math.IsNaN(started) {
			r.Ticks = at - int64(started*3600)
		}
		records = append(records, r)
	}
	return records
}

// shares writes who speaks from which hour on, as "A0 B24.5": with a star where
// another transmitter has near measurements.
func shares(readings []Reading) string {
	var out []string
	last := ""
	for _, r := range readings {
		who := cmp.Or(r.Transmitter, "-")
		if r.Overlap {
			who += "*"
		}
		if who != last {
			out = append(out, fmt.Sprintf("%s%.4g", who, math.Floor(float64(r.Time-base.UnixMicro())/float64(60*second))/60))
		}
		last = who
	}
	return strings.Join(out, " ")
}

func TestTransmitters(t *testing.T) {
	unknown := math.NaN()
	day := func(n int) float64 { // hours from base to the begin of a day of March
		return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC).Sub(base).Hours()
	}
	tests := []struct {
		name    string
		records [][]Record
		want    string
	}{
		{"one after the other", [][]Record{worn("A", 0, 240, 0, 0), worn("B", 240, 480, 0, 240)}, "A0 B240"},
		{"the one whose wear began first, until it ends", [][]Record{worn("A", 0, 240, 0, 0), worn("B", 230, 480, 60, 230)}, "A0 A*230 B240"},
		{"what was started first may be worn later", [][]Record{worn("A", 0, 240, 0, -1), worn("B", 230, 480, 60, -2000)}, "A0 A*230 B240"},
		{"a loaner for ten days", [][]Record{worn("A", 0, 240, 0, 0), worn("B", 240, 480, 0, 240), worn("A", 480, 720, 0, 0)}, "A0 B240 A480"},
		{"a stray record near", [][]Record{worn("A", 0, 240, 0, 0), worn("B", 240, 480, 0, 240), worn("A", 400, 400.01, 77, 0)}, "A0 B240 B*400 B400.1"},
		{"a stray record where the other one has none",
			[][]Record{worn("A", 0, 240, 0, 0), worn("B", 240, 300, 0, 240), worn("B", 301, 480, 0, 240), worn("A", 300.5, 300.51, 0, 0)}, "A0 B240 A300.5 B301"},
		{"who comes back after a pause goes after", [][]Record{worn("A", 0, 24, 0, 0), worn("A", 28, 48, 0, 0), worn("B", 20, 48, 60, 20)}, "A0 A*20 B24.02 B*28.02"},
		{"who comes back within 3 h goes on", [][]Record{worn("A", 0, 24, 0, 0), worn("A", 26.5, 48, 0, 0), worn("B", 20, 48, 60, 20)}, "A0 A*20 B24.02 A*26.5"},
		{"150 s are near", [][]Record{worn("A", 0, 2, 0, 0), worn("B", 1, 2, 150, 1)}, "A0 A*1"},
		{"where one lost readings the other one speaks",
			[][]Record{worn("A", 0, 1, 0, 0), worn("A", 2, 3, 0, 0), worn("B", 0.5, 3, 10, 0)}, "A0 A*0.5 B1 A*2"},
		{"the unnamed one goes after every named one", [][]Record{worn("", 0, 3, 0, unknown), worn("A", 1, 2, 100, 1)}, "-0 A*1.017 -2"},
		{"both began before: the one that was started first", [][]Record{worn("A", day(-27), day(4), 0, day(-40)), worn("B", day(-27), day(4), 30, day(-41))}, "A*-696 B*-24"},
		{"then the smaller id", [][]Record{worn("B", day(-27), day(4), 0, unknown), worn("A", day(-27), day(4), 30, unknown)}, "B*-696 A*-24"},
		{"one that does not say goes after", [][]Record{worn("A", day(-27), day(4), 0, unknown), worn("B", day(-27), day(4), 30, day(-30))}, "A*-696 B*-24"},
		{"one that says what cannot be, too", [][]Record{worn("A", day(-27), day(4), 0, -24*4000), worn("B", day(-27), day(4), 30, day(-30))}, "A*-696 B*-24"},
		{"the begin is looked for until the month after the next",
			[][]Record{worn("A", day(-20), day(40), 0, day(-20)), worn("B", day(-10), day(40), 60, day(-100))},
			fmt.Sprintf("A%d A*%d B*%d", int(day(-20)), int(day(-10)), int(day(32)))},
	}
	for _, tt := range tests {
		if got := shares(Readings(slices.Concat(tt.records...), Person{})); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// sent draws records of several transmitters and devices: either around the
// border of a month, worn with pauses, doubled, with clocks that are off, and
// strays; or for months.
func sent(t *rapid.T) []Record {
	if rapid.IntRange(0, 3).Draw(t, "for months") == 0 {
		return sentForMonths(t)
	}
	var records []Record
	border := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	started := map[string]time.Time{}
	for _, name := range []string{"S", "T", "U"} {
		started[name] = border.Add(-time.Duration(rapid.SampledFrom([]int{1500, 1501, 100_000}).Draw(t, "age")) * time.Hour)
	}
	for w := range rapid.IntRange(1, 5).Draw(t, "wears") {
		name := rapid.SampledFrom([]string{"", "S", "T", "U"}).Draw(t, "transmitter")
		from := border.Add(time.Duration(rapid.SampledFrom([]int{-62 * 24, -31*24 - 2, -31 * 24, -40, -4, -1, 0, 30}).Draw(t, "hours")) * time.Hour)
		step := rapid.SampledFrom([]int64{300, 300, 120, 900, 3 * 3600, 3*3600 + 1, 31 * 86_400 / 40}).Draw(t, "step")
		doubled, behind := rapid.SampledFrom([]int64{0, 10, 149, 150}).Draw(t, "doubled"), rapid.SampledFrom([]int64{0, 3600}).Draw(t, "behind")
		ticks := rapid.SampledFrom([]string{"", "same", "own"}).Draw(t, "ticks")
		for i := range int64(rapid.IntRange(1, 40).Draw(t, "n")) {
			at := from.Unix() + i*step + rapid.Int64Range(0, 9).Draw(t, "jitter")
			r := rec(fmt.Sprintf("%d-%03d", w, i), at-base.Unix(), int16(rapid.IntRange(37, 41).Draw(t, "value")), sensor(name, 0))
			r.Value.OK = rapid.IntRange(0, 9).Draw(t, "null") > 0
			if ticks != "" {
				r.Ticks = max(0, at-started[name].Unix())
			}
			records = append(records, r)
			if doubled > 0 {
				twin := r
				twin.ID, twin.Device, twin.Time = r.ID+"r", Receiver, r.Time+(doubled-behind)*second
				twin.Value.OK = rapid.Bool().Draw(t, "twin null")
				if ticks == "own" {
					twin.Ticks += doubled
				}
				records = append(records, twin)
			}
		}
	}
	return records
}

// sentForMonths draws records of transmitters worn at once for up to four months
// with hardly a pause, each a record in somewhat less than 3 h, one of them where
// a month ends.
func sentForMonths(t *rapid.T) []Record {
	const step = 3*3600 - 100
	var records []Record
	start := time.Date(2026, 3, 1, 0, 0, -50-320*step, 0, time.UTC) // 40 days before
	for _, name := range []string{"S", "T", "U"} {
		rng := pcg(rapid.Uint64().Draw(t, "seed"))
		from, n, holes := rng.IntN(2)*rng.IntN(500), rng.IntN(600), rng.IntN(2)*rng.IntN(4)
		late, age := rng.Int64N(100), rng.Int64N(3)*1000*3600
		for i := from; i < from+n; i++ {
			if rng.IntN(1000) < holes {
				continue
			}
			at := start.Unix() - base.Unix() + int64(i)*step + late
			r := rec(fmt.Sprintf("%s%04d", name, i), at, 100, sensor(name, 0))
			if age > 0 {
				r.Ticks = int64(i)*step + age
			}
			records = append(records, r)
		}
	}
	return records
}

// A spoken is a measurement by the letter of the rule.
type spoken struct {
	chosen Record
	all    []Record
}

// plain says which readings there are by the letter of docs/lake.md, as slowly as
// it can be said.
func plain(records []Record) []string {
	of := map[string][]spoken{}
	for name, each := range groupBy(records, func(r Record) string { return r.Transmitter }) {
		of[name] = plainMeasurements(name, each)
	}
	var out []Reading
	for name, all := range of {
		for _, m := range all {
			counts, near := true, false
			for other, theirs := range of {
				for _, n := range theirs {
					if d := m.chosen.Time - n.chosen.Time; other == name || d > 150*second || d < -150*second {
						continue
					}
					near = true
					counts = counts && !plainBefore(n, m, theirs, all)
				}
			}
			if counts {
				r := Reading{Time: m.chosen.Time, Sources: int16(len(m.all)), Overlap: near}
				r.Value, r.ValueFrom = value(&m.chosen)
				for _, s := range m.all {
					v, _ := value(&s)
					r.Conflicts += int32(bitOf(s.Time == r.Time && v.OK && r.Value.OK && v != r.Value))
				}
				out = append(out, r)
			}
		}
	}
	slices.SortFunc(out, func(a, b Reading) int { return cmp.Compare(a.Time, b.Time) })
	return briefs(out)
}

func groupBy[K comparable](records []Record, key func(Record) K) map[K][]Record {
	groups := map[K][]Record{}
	for _, r := range records {
		groups[key(r)] = append(groups[key(r)], r)
	}
	return groups
}

func best(records []Record) Record {
	return slices.MinFunc(records, func(a, b Record) int { return prefer(&a, &b) })
}

func plainMeasurements(name string, records []Record) []spoken {
	type key struct {
		ticks int64
		id    string
	}
	var sets []spoken
	for _, set := range groupBy(records, func(r Record) key {
		if name == "" || r.Ticks == 0 {
			return key{0, r.ID}
		}
		return key{r.Ticks, ""}
	}) {
		sets = append(sets, spoken{best(set), set})
	}
	slices.SortFunc(sets, func(a, b spoken) int {
		return cmp.Or(cmp.Compare(a.chosen.Time, b.chosen.Time), cmp.Compare(a.chosen.ID, b.chosen.ID))
	})
	var out []spoken
	for len(sets) > 0 {
		first, n := sets[0].chosen.Time, 1
		for n < len(sets) && sets[n].chosen.Time-first < 150*second {
			n++
		}
		var all, leaders, valued []Record
		for _, s := range sets[:n] {
			all, leaders = append(all, s.all...), append(leaders, s.chosen)
		}
		for _, r := range all {
			if r.Time >= first && r.Time-first < 150*second && hasValue(&r) {
				valued = append(valued, r)
			}
		}
		m := spoken{best(leaders), all}
		if !hasValue(&m.chosen) && len(valued) > 0 {
			m.chosen = best(valued)
		}
		out, sets = append(out, m), sets[n:]
	}
	return out
}

// plainBefore reports whether the transmitter of a, who has as, goes before that
// of b, who has bs.
func plainBefore(a, b spoken, as, bs []spoken) bool {
	if a.chosen.Transmitter == "" || b.chosen.Transmitter == "" {
		return b.chosen.Transmitter == ""
	}
	later := time.UnixMicro(max(a.chosen.Time, b.chosen.Time)).UTC()
	month := time.Date(later.Year(), later.Month(), 1, 0, 0, 0, 0, time.UTC)
	from, to := month.AddDate(0, -1, 0).UnixMicro(), month.AddDate(0, 1, 0).UnixMicro()
	look := func(m spoken, all []spoken) (began, started int64) {
		at := slices.IndexFunc(all, func(o spoken) bool { return o.chosen.Time == m.chosen.Time })
		first := at
		for first > 0 && all[first-1].chosen.Time >= from && all[first].chosen.Time-all[first-1].chosen.Time <= 3*3600*second {
			first--
		}
		if began = all[first].chosen.Time; began <= from+3*3600*second {
			began = from
		}
		for i := first; i < len(all) && all[i].chosen.Time < to && (i == first || all[i].chosen.Time-all[i-1].chosen.Time <= 3*3600*second); i++ {
			if c := all[i].chosen; c.Time >= from && c.Ticks > 0 && c.Ticks < longestLife {
				return began, c.Time - c.Ticks*second
			}
		}
		return began, math.MaxInt64
	}
	aBegan, aStarted := look(a, as)
	bBegan, bStarted := look(b, bs)
	return cmp.Or(cmp.Compare(aBegan, bBegan), cmp.Compare(aStarted, bStarted), cmp.Compare(a.chosen.Transmitter, b.chosen.Transmitter)) < 0
}

// The readings are those of the letter of the rule.
func TestReadingsAreByTheLetter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := sent(t)
		if got, want := briefs(Readings(slices.Clone(records), Person{})), plain(records); !slices.Equal(got, want) {
			t.Fatalf("Readings = %q, want %q", got, want)
		}
	})
}

// A month's readings are the same out of the records of three months and of all:
// whatever lies before and after has no say.
func TestThreeMonthsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := sent(t)
		month := func(at int64, months int) int64 {
			u := time.UnixMicro(at).UTC()
			return time.Date(u.Year(), u.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC).UnixMicro()
		}
		for n := range 5 {
			of := time.Date(2026, time.Month(n+1), 15, 0, 0, 0, 0, time.UTC).UnixMicro()
			within := func(r Reading) bool { return r.Time < month(of, 0) || r.Time >= month(of, 1) }
			around := slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return r.Time < month(of, -1) || r.Time >= month(of, 2) })
			got := slices.DeleteFunc(Readings(around, Person{}), within)
			want := slices.DeleteFunc(Readings(slices.Clone(records), Person{}), within)
			if !slices.Equal(got, want) {
				t.Fatalf("month %d: of three months %q, of all %q", n+1, briefs(got), briefs(want))
			}
		}
	})
}

// A moment has one reading, transmitters do not speak at once, and every record
// is in a measurement or left out for a better one.
func TestReadingsAreApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		readings := Readings(sent(t), Person{})
		for i := range readings[:max(0, len(readings)-1)] {
			a, b := readings[i], readings[i+1]
			if a.Time >= b.Time || a.Transmitter != b.Transmitter && b.Time-a.Time <= sameReading {
				t.Fatalf("readings %d and %d of %q and %q are %d s apart", i, i+1, a.Transmitter, b.Transmitter, (b.Time-a.Time)/second)
			}
		}
	})
}

// However many transmitters send at once, it is told in time which one counts.
func TestManyTransmitters(t *testing.T) {
	const many, senders, within = int64(100_000), int64(99_991), 20 * time.Second
	for name, at := range map[string]func(i int64) int64{
		"at one moment":         func(int64) int64 { return 0 },
		"second after second":   func(i int64) int64 { return i },
		"each in two months":    func(i int64) int64 { return i / 2 * 31 },
		"fewer than in 5 min":   func(i int64) int64 { return i % 7 * 60 },
		"the best one comes on": func(i int64) int64 { return many - i },
	} {
		t.Run(name, func(t *testing.T) {
			var records []Record
			for i := range many {
				records = append(records, rec(fmt.Sprintf("%06d", i), at(i), 100, sensor(fmt.Sprintf("%06d", i%senders), 0)))
			}
			began := time.Now()
			readings := Readings(records, Person{})
			if took := time.Since(began); took > within {
				t.Errorf("%d records took %s", len(records), took)
			}
			last := int64(math.MinInt64)
			for _, r := range readings {
				if r.Time <= last {
					t.Fatalf("two readings at %d", r.Time)
				}
				last = r.Time
			}
			if len(readings) == 0 {
				t.Error("no readings")
			}
		})
	}
}
