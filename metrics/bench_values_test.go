package metrics

import (
	"math"
	"testing"
	"time"
)

// fortnight is 14 days of readings as a sensor sends them.
func fortnight() []Reading {
	readings := make([]Reading, 14*288)
	for i := range readings {
		at := start.Add(time.Duration(i)*5*time.Minute + time.Duration(i%7)*time.Second)
		wave := 140 + 70*math.Sin(float64(i)/37) + 45*math.Sin(float64(i)/11) + float64(i*7919%13)
		readings[i] = Reading{Time: at, Local: at.Add(-5 * time.Hour), GlucoseMgdL: math.Round(wave), HasValue: true, CadenceMin: 5}
	}
	return readings
}

// perReading reports ns per reading.
func perReading(b *testing.B, of func([]Reading)) {
	readings := fortnight()
	b.ReportAllocs()
	for b.Loop() {
		of(readings)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(readings)), "ns/reading")
}

func BenchmarkCounts(b *testing.B) {
	perReading(b, func(r []Reading) { CountsOf(r) })
}

func BenchmarkValues(b *testing.B) {
	scores := DexetlValues().Scores()
	perReading(b, func(r []Reading) { DistributionOf(r).Values(scores) })
}

// Of values that are not whole.
func BenchmarkValuesOfFloats(b *testing.B) {
	readings := fortnight()
	for i := range readings {
		readings[i].GlucoseMgdL += 0.25
	}
	scores := DexetlValues().Scores()
	perReading(b, func([]Reading) { DistributionOf(readings).Values(scores) })
}

// Values of each local day, and of the fortnight as their sum.
func BenchmarkDailyValues(b *testing.B) {
	scores := DexetlValues().Scores()
	perReading(b, func(r []Reading) {
		var all Counts
		for _, day := range LocalDays(r) {
			c, _ := CountsOf(day.Readings)
			c.Distribution().Values(scores)
			all.Merge(c)
		}
		all.Distribution().Values(scores)
	})
}

func BenchmarkADRR(b *testing.B) {
	perReading(b, func(r []Reading) {
		var days []Distribution
		for _, day := range LocalDays(r) {
			days = append(days, DistributionOf(day.Readings))
		}
		ADRR(days, RiskScale)
	})
}

func BenchmarkEpisodes(b *testing.B) {
	perReading(b, func(r []Reading) { NewTrace(r, 45, DefaultNight()).Episodes(Consensus2023()) })
}

func BenchmarkProfile(b *testing.B) {
	perReading(b, func(r []Reading) { Profile(r, 5); Profile(r, 15) })
}

func BenchmarkSufficiency(b *testing.B) {
	perReading(b, func(r []Reading) {
		days := SlotsByDay(r, start, start.AddDate(0, 0, 13), time.UTC)
		DefaultSufficiency().Latest(days, time.Time{})
		DefaultSufficiency().ValidDays(days)
	})
}

func BenchmarkDayNight(b *testing.B) {
	perReading(b, func(r []Reading) { DefaultNight().Split(r) })
}

// Three meals and four fingersticks a day.
func BenchmarkMealsAndMeter(b *testing.B) {
	var meals []Meal
	var meters []MeterValue
	for i := range 14 * 4 {
		at := start.Add(time.Duration(i) * 6 * time.Hour)
		meals = append(meals, Meal{at, 50})
		meters = append(meters, MeterValue{at.Add(3 * time.Minute), 120, i%4 == 0})
	}
	perReading(b, func(r []Reading) {
		MeansOf(Responses(r, meals))
		AgreementOf(PairMeter(r, meters).Events)
	})
}

// All of a fortnight: what is kept of each day and of their sum, episodes and
// profiles.
func BenchmarkFortnight(b *testing.B) {
	scores := DexetlValues().Scores()
	perReading(b, func(r []Reading) {
		var all Counts
		var days []Distribution
		local := LocalDays(r)
		for _, day := range local {
			c, _ := CountsOf(day.Readings)
			days = append(days, c.Distribution())
			days[len(days)-1].Values(scores)
			all.Merge(c)
		}
		all.Distribution().Values(scores)
		ADRR(days, RiskScale)
		trace := NewTrace(r, 45, DefaultNight())
		RateOf(trace.Episodes(Consensus2023()), trace.ExposureDays(), Of(Hypo1))
		ProfileOf(local, 5)
		ProfileOf(local, 15)
		slots := SlotsByDay(r, start, start.AddDate(0, 0, 13), time.UTC)
		DefaultSufficiency().Latest(slots, time.Time{})
		for _, half := range [][]Reading{r[:1000], r[1000:]} {
			DistributionOf(half).Values(scores)
		}
	})
}
