package reading

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// month is a month of the tests, by its number from January 2026.
func month(n int) Month {
	first := time.Date(2026, time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	return Month{first.UnixMicro(), first.AddDate(0, 1, 0).UnixMicro()}
}

// steady draws records of half a year without a pause, but for what disturbs where
// months meet: pauses, a second transmitter, another cadence, a device that tells the
// same hours later, a clock that is wrong.
func steady(t *rapid.T) []Record {
	rng := pcg(rapid.Uint64().Draw(t, "seed"))
	type disturbance struct {
		kind     int
		from, to int64
	}
	var disturbances []disturbance
	for n := 2; n <= 6; n++ {
		from := month(n).From/second + rng.Int64N(8*86_400) - 4*86_400
		disturbances = append(disturbances, disturbance{rng.IntN(8), from, from + rng.Int64N(3*86_400)})
	}
	var records []Record
	for at := month(1).From / second; at < month(7).From/second; at += 1500 {
		r := rec(fmt.Sprint(at), at-base.Unix(), int16(100+at%7), sensor(fmt.Sprint("S", at/(40*86_400)), at%(40*86_400)+7), offset(60, "sent"))
		for _, d := range disturbances {
			if at < d.from || at >= d.to {
				continue
			}
			twin := r
			twin.ID += "x"
			switch d.kind {
			case 0:
				r.ID = "" // none
			case 1:
				twin.Transmitter, twin.Ticks, twin.Time = "T", at, r.Time+rng.Int64N(200)*second
				records = append(records, twin)
			case 2:
				twin.Time, twin.Ticks = r.Time+700*second, r.Ticks+700
				records = append(records, twin)
			case 3:
				twin.Time, twin.Device = r.Time-3*3600*second, Device(rng.IntN(3))
				records = append(records, twin)
			case 4:
				offset(300, "sent")(&r)
			case 5:
				r.Value.OK = false
			}
		}
		if r.ID != "" {
			records = append(records, r)
		}
	}
	return records
}

// Of many months at once a month has the readings that it and its neighbours have
// alone.
func TestMonthsAreThoseOfThree(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	at, alone := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.SampledFrom([]func(*rapid.T) []Record{sent, sentForMonths, steady}).Draw(t, "records")
		records, who := draw(t), Person{}
		if rapid.Bool().Draw(t, "zone") {
			who.Zone = berlin
		}
		all := InMonths(slices.Clone(records), who)
		for n := range 9 {
			m := month(n)
			before, after := m.beside()
			around := slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return r.Time < before.From || r.Time >= after.To })
			want := slices.DeleteFunc(Readings(around, who), func(r Reading) bool { return r.Time < m.From || r.Time >= m.To })
			own, got := all.Of(m)
			for i := range min(len(got), len(want)) {
				got[i].vote, want[i].vote = 0, 0 // of short runs
			}
			if !slices.Equal(got, want) {
				t.Fatalf("month %d: of all %q, of three months %q", n, briefs(got), briefs(want))
			}
			if len(own) > 0 && all.all.says(m) {
				at++
			} else if len(own) > 0 {
				alone++
			}
		}
	})
	if at == 0 || alone == 0 {
		t.Errorf("%d months were derived with others and %d on their own; want some of each", at, alone)
	}
	t.Logf("%d months were derived with others, %d on their own", at, alone)
}
