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
	var meets []int64
	for n := 2; n <= 6; n++ {
		meets = append(meets, month(n).From/second)
	}
	return steadily(t, month(1).From/second, month(7).From/second, 1500, meets)
}

// steadily is steady for some time, in seconds, and for moments that something is
// likely to disturb.
func steadily(t *rapid.T, start, end, each int64, meets []int64) []Record {
	rng := pcg(rapid.Uint64().Draw(t, "seed"))
	type disturbance struct {
		kind     int
		from, to int64
	}
	var disturbances []disturbance
	for _, at := range meets {
		from := at + rng.Int64N(8*86_400) - 4*86_400
		disturbances = append(disturbances, disturbance{rng.IntN(8), from, from + rng.Int64N(3*86_400)})
	}
	var records []Record
	for at := start; at < end; at += each {
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

// day is the begin of a day of 2026, in seconds after base.
func day(month time.Month, day int) int64 {
	return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC).Unix() - base.Unix()
}

// sameOfThree compares a month of many with the one that three months have.
func sameOfThree(t *testing.T, records []Record, who Person, m Month) {
	t.Helper()
	before, after := m.beside()
	around := slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return r.Time < before.From || r.Time >= after.To })
	_, want := InMonths(around, who).Of(m)
	_, got := InMonths(records, who).Of(m)
	same := func(a, b Reading) bool {
		return a.Time == b.Time && a.Cadence == b.Cadence && a.ClockSuspect == b.ClockSuspect
	}
	if len(want) == 0 || !slices.EqualFunc(got, want, same) {
		t.Errorf("%d readings are not the %d of three months", len(got), len(want))
	}
}

// A record of two months before that is the same measurement has no say.
func TestMeasurementOfTwoMonths(t *testing.T) {
	const ticks = 1_000_000
	records := []Record{rec("x", day(3, 25)+777, 100, sensor("A", ticks))}
	for at := day(3, 20); at < day(6, 1); at += 1500 {
		a := rec(fmt.Sprint("a", at), at, 100, sensor("A", 0))
		if day(4, 1) <= at && at < day(4, 1)+1500 {
			a.Ticks, a.Device = ticks, Receiver
		}
		b := rec(fmt.Sprint("b", at), at+700, 120, sensor("B", at+700-day(3, 24)))
		if at > day(5, 15) {
			b = rec(fmt.Sprint("b", at), at+60, 120, sensor("B", at+60-day(3, 24)))
		}
		records = append(records, a)
		if at >= day(3, 25) {
			records = append(records, b)
		}
	}
	sameOfThree(t, records, Person{}, month(5))
}

// Which of two transmitters counts at the end of the month before is not said by
// the month before that.
func TestNearWhereMonthsMeet(t *testing.T) {
	const block, beat = 18 * 900, 9000
	meet := day(5, 1)
	var records []Record
	for at := day(3, 5); at < day(5, 20); at += 300 {
		slow := at < day(4, 28) || meet-block <= at && at < meet+8*900
		if slow && at%900 != 0 {
			continue
		}
		if near := (at+beat/2)%beat - beat/2 - 450; at < meet-block && near >= -200 && near <= 200 {
			continue
		}
		records = append(records, rec(fmt.Sprint("a", at), at, 100, sensor("A", 0)))
		if meet-block <= at && at < meet {
			records = append(records, rec(fmt.Sprint("b", at), at+60, 0, sensor("B", 0), null("")))
		}
	}
	for at := day(3, 3); at < meet-block; at += beat {
		from := at - at%beat + 450
		records = append(records, rec(fmt.Sprint("b", from), from, 0, sensor("B", 0), null("")))
	}
	sameOfThree(t, records, Person{}, month(5))
}

// Where no grid lasts long, the grid of a month may hang on how the month before it
// began, but on nothing before that.
func TestGridsThatNeverLast(t *testing.T) {
	var records []Record
	add := func(at int64) { records = append(records, rec(fmt.Sprint(at), at, 100, sensor("A", 0))) }
	for at := day(3, 20); at < day(4, 1); at += 300 {
		add(at)
	}
	for at := day(4, 1); at < day(5, 20); {
		for range 12 {
			add(at)
			at += 900
		}
		for range 10 {
			add(at)
			at += 300
		}
	}
	sameOfThree(t, records[:len(records)-10], Person{}, month(5))
}

// A clock that was wrong two months before says nothing of one that is wrong now,
// though none was seen between.
func TestClockOfTwoMonthsBefore(t *testing.T) {
	var records []Record
	for at := day(3, 20); at < day(5, 20); at += 1500 {
		r := rec(fmt.Sprint(at), at, 100, sensor("A", 0))
		if wrong := func(from int64) bool { return from <= at && at < from+4*3600 }; wrong(day(3, 30)) || wrong(day(5, 2)) {
			offset(600, "sent")(&r)
		}
		records = append(records, r)
	}
	sameOfThree(t, records, Person{Zone: zone(t, "Europe/Berlin")}, month(5))
}
