package metrics

import (
	"math"
	"slices"
	"testing"
	"time"
)

// variabilityOf lays the grids of preset dexetl-1 and computes everything.
func variabilityOf(readings []Reading) Variability {
	var g Grids
	g.Lay(readings, DexetlGrid())
	return g.Variability()
}

// inZone returns readings every some minutes from first to before end, with the
// wall clock of a zone. value gets the minutes since first.
func inZone(t *testing.T, zone string, first, end time.Time, stepMin int, value func(minute int) float64) []Reading {
	t.Helper()
	place, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	var readings []Reading
	for at := first; at.Before(end); at = at.Add(time.Duration(stepMin) * time.Minute) {
		_, offset := at.In(place).Zone()
		readings = append(readings, Reading{
			Time: at, Local: at.Add(time.Duration(offset) * time.Second), HasValue: true,
			GlucoseMgdL: value(int(at.Sub(first) / time.Minute)),
		})
	}
	return readings
}

func utcAt(year int, month time.Month, day, hour, minute int) time.Time {
	return time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
}

func flatAt(glucose float64) func(int) float64 { return func(int) float64 { return glucose } }

// ramp rises 1 mg/dL per minute from 100.
func ramp(minute int) float64 { return 100 + float64(minute) }

func checkNear(t *testing.T, name string, got, want float64) {
	t.Helper()
	if !near(got, want, 1e-12) {
		t.Errorf("%s: got %v, want %v", name, got, want)
	}
}

// In New York, 2024-03-10 has 23 hours: 02:00 to 02:55 is never shown.
func TestGridOnTheDayOfSpring(t *testing.T) {
	midnight := utcAt(2024, 3, 9, 5, 0)
	before := inZone(t, "America/New_York", midnight, midnight.Add(24*time.Hour), 5, flatAt(100))
	day := inZone(t, "America/New_York", midnight.Add(24*time.Hour), midnight.Add(47*time.Hour), 5, func(minute int) float64 {
		if minute < 23*30 {
			return 100
		}
		return 200
	})
	var g Grids
	g.Lay(slices.Concat(before, day), DexetlGrid())
	v := g.Variability()
	for k, cell := range g.Daily.Row(1) {
		if hidden := k >= 24 && k < 36; math.IsNaN(cell) != hidden {
			t.Errorf("cell %d of the day: got %v, want NaN %v", k, cell, hidden)
		}
	}
	// 276 readings, half 100 and half 200; the day before has no spread.
	sd := 50 * math.Sqrt(276.0/275)
	checkNear(t, "SDw", v.Daily.SDwMgdL, (0+sd)/2)
	checkNear(t, "CVmean", v.Daily.CVMeanPct, (0+100*sd/150)/2)
	checkNear(t, "SDdm", v.Daily.SDdmMgdL, 50/math.Sqrt2)                      // of 100 and 150
	checkNear(t, "MODD", v.MODDMgdL, 50)                                       // 276 pairs, half 0 and half 100
	checkNear(t, "points", float64(v.Points), 288+276)                         // elapsed time has no hole
	checkNear(t, "MAG", v.MAGMgdLPerH, 100/(float64(288+276-1)*5/60))          // one step of 100
	checkNear(t, "CONGA1", v.CONGAMgdL[0], SD(onesAmong(288+276-12, 12, 100))) // 12 of the pairs an hour apart span it
}

// onesAmong returns n values, as many of them high as said, the others 0.
func onesAmong(n, high int, value float64) []float64 {
	values := make([]float64, n)
	for i := range high {
		values[i] = value
	}
	return values
}

// In New York, 2024-11-03 has 25 hours: 01:00 to 01:55 is shown twice.
func TestGridOnTheDayOfAutumn(t *testing.T) {
	midnight := utcAt(2024, 11, 3, 4, 0)
	day := inZone(t, "America/New_York", midnight, midnight.Add(25*time.Hour), 5, func(minute int) float64 {
		if minute >= 60 && minute < 120 { // 01:00 to 01:55, for the first time
			return 300
		}
		return 100
	})
	v := variabilityOf(day)
	// 300 readings, 12 of them 300: mean 108, Σ(g - mean)² = 288·8² + 12·192².
	sd := math.Sqrt((288*64 + 12*192*192) / 299.0)
	checkNear(t, "SDw", v.Daily.SDwMgdL, sd)
	checkNear(t, "CVmean", v.Daily.CVMeanPct, 100*sd/108)
	checkNear(t, "SDhhmm", v.Daily.SDhhmmMgdL, 0) // at its time of day the later value counts
	checkNear(t, "points", float64(v.Points), 300)
	// By the rules of iglu, which knows one clock, the first hour is lost.
	checkNear(t, "SDw of iglu", igluGrids(day).Variability().Daily.SDwMgdL, 0)
}

// Half an hour of summer time (Lord Howe), and a flight: nothing is interpolated
// where the clock jumped, although less than 45 minutes of it are missing.
func TestGridHasHolesWhereTheClockJumpsAhead(t *testing.T) {
	first := utcAt(2024, 10, 5, 13, 30) // 00:00 at +10:30, until 02:00
	howe := inZone(t, "Australia/Lord_Howe", first, first.Add(10*time.Hour), 5, ramp)
	var g Grids
	g.Lay(howe, DexetlGrid())
	for k, cell := range g.Daily.Row(0)[:126] {
		if hidden := k >= 24 && k < 30; math.IsNaN(cell) != hidden {
			t.Errorf("Lord Howe, cell %d: got %v, want NaN %v", k, cell, hidden)
		}
	}
	flight := every(5*time.Minute, slices.Repeat([]float64{100}, 24)...)
	for i := 12; i < 24; i++ { // from Nepal, +05:45, to India, +05:30, and an hour later to Pakistan, +05:00
		flight[i].Local = flight[i].Local.Add(-15 * time.Minute)
	}
	for i := range flight {
		flight[i].GlucoseMgdL = float64(i)
	}
	g.Lay(flight, DexetlGrid())
	// 00:00 to 00:55, then 00:45 to 01:40: three cells are passed twice.
	row := g.Daily.Row(0)
	if row[8] != 8 || row[9] != 12 || row[11] != 14 || row[20] != 23 || !math.IsNaN(row[21]) || len(g.Daily.again) != 3 {
		t.Errorf("flight: got %v and again %v", row[:24], g.Daily.again)
	}
}

// A quarter of an hour is the least jump; less is a clock that was put right.
func TestGridTellsJumpsFromDrift(t *testing.T) {
	for aheadMin, hidden := range map[int]bool{14: false, 15: true} {
		readings := every(5*time.Minute, slices.Repeat([]float64{100}, 24)...)
		for i := 12; i < 24; i++ {
			readings[i].Local = readings[i].Local.Add(time.Duration(aheadMin) * time.Minute)
		}
		var g Grids
		g.Lay(readings, DexetlGrid())
		for k, cell := range g.Daily.Row(0)[12:14] { // 01:00 and 01:05
			if math.IsNaN(cell) != hidden {
				t.Errorf("%d min ahead, cell %d: got %v, want NaN %v", aheadMin, 12+k, cell, hidden)
			}
		}
	}
}

// Across the date line one local date comes twice or not at all.
func TestGridAcrossTheDateLine(t *testing.T) {
	readings := every(5*time.Minute, slices.Repeat([]float64{100}, 3*288)...)
	for i := 288; i < 576; i++ {
		readings[i].GlucoseMgdL = 300
	}
	for i := 288; i < len(readings); i++ { // westward to eastward: the first date again
		readings[i].Local = readings[i].Local.Add(-24 * time.Hour)
	}
	v := variabilityOf(readings)
	checkNear(t, "SDw", v.Daily.SDwMgdL, (SD(onesAmong(576, 288, 200))+0)/2)
	checkNear(t, "SDdm", v.Daily.SDdmMgdL, 100/math.Sqrt2) // of 200 and 100
	checkNear(t, "MODD", v.MODDMgdL, 200)                  // the later of the two at each time
	checkNear(t, "points", float64(v.Points), 3*288)
}

// Where zones are :30 and :45 off, days still begin at local midnight.
func TestGridDaysInOddZones(t *testing.T) {
	for zone, midnight := range map[string]time.Time{
		"Asia/Kolkata":        utcAt(2025, 1, 1, 18, 30),
		"Asia/Kathmandu":      utcAt(2025, 1, 1, 18, 15),
		"America/St_Johns":    utcAt(2025, 1, 2, 3, 30),
		"Australia/Eucla":     utcAt(2025, 1, 1, 15, 15),
		"America/Los_Angeles": utcAt(2025, 1, 2, 8, 0),
	} {
		readings := slices.Concat(
			inZone(t, zone, midnight.Add(-24*time.Hour), midnight, 5, flatAt(100)),
			inZone(t, zone, midnight, midnight.Add(24*time.Hour), 5, flatAt(200)),
		)
		v := variabilityOf(readings)
		checkNear(t, zone+" SDw", v.Daily.SDwMgdL, 0)
		checkNear(t, zone+" SDdm", v.Daily.SDdmMgdL, 100/math.Sqrt2)
		checkNear(t, zone+" SDb", v.Daily.SDbMgdL, 100/math.Sqrt2)
		checkNear(t, zone+" SDbdm", v.Daily.SDbdmMgdL, 0)
		checkNear(t, zone+" SDhhmm", v.Daily.SDhhmmMgdL, 0)
		checkNear(t, zone+" MODD", v.MODDMgdL, 100)
	}
}

// A line has the same metrics whatever the cadence, and where it changes.
func TestGridDoesNotDependOnCadence(t *testing.T) {
	// Of k values 5 apart the SD is 5·√(k(k+1)/12). 50 hours of 12 values are full;
	// 10 reach over the end, with 11 to 2.
	hourlySD := 50 * 5 * math.Sqrt(13)
	for k := 2; k < 12; k++ {
		hourlySD += 5 * math.Sqrt(float64(k*(k+1))/12)
	}
	hourlySD /= 60
	first := utcAt(2025, 1, 1, 0, 0)
	span := func(fromMin, toMin, stepMin int) []Reading {
		return inZone(t, "UTC", first.Add(time.Duration(fromMin)*time.Minute), first.Add(time.Duration(toMin)*time.Minute), stepMin,
			func(minute int) float64 { return ramp(minute + fromMin) })
	}
	for name, readings := range map[string][]Reading{
		"1":                span(0, 301, 1),
		"5":                span(0, 301, 5),
		"15":               span(0, 301, 15),
		"15, then 1":       slices.Concat(span(0, 91, 15), span(91, 301, 1)),
		"5, then 15, 1, 5": slices.Concat(span(0, 60, 5), span(60, 120, 15), span(120, 180, 1), span(180, 301, 5)),
		"7, then 5":        slices.Concat(span(0, 28, 7), span(30, 301, 5)),
		"one every 45":     slices.Concat(span(0, 271, 45), span(300, 301, 5)),
	} {
		v := variabilityOf(readings)
		for metric, values := range map[string][2]float64{
			"points":   {float64(v.Points), 61},
			"missing":  {float64(v.Missing), 0},
			"MAG":      {v.MAGMgdLPerH, 60},
			"MAG30":    {v.MAG30MgdLPerH, 60},
			"MAG60":    {v.MAG60MgdLPerH, 60},
			"GVP":      {v.GVPPct, 100 * (math.Sqrt2 - 1)}, // steps of 5 minutes and 5 mg/dL
			"CONGA1":   {v.CONGAMgdL[0], 0},
			"CONGA6":   {v.CONGAMgdL[3], math.NaN()},
			"ROC":      {v.Rate.MeanMgdLPerMin, 1},
			"ROC SD":   {v.Rate.SDMgdLPerMin, 0},
			"AUC":      {v.AUCMgdL, 250}, // from 100 to 400
			"lability": {v.LabilityPerH, 3600},
			"distance": {v.DistanceMgdL, 300},
			"per day":  {v.ExcursionsPerDay, 1 / (61.0 * 5 / 1440)}, // one swing of 300
			"SDwsh":    {v.SDwshMgdL, hourlySD},
			"MODD":     {v.MODDMgdL, math.NaN()},
			"SDdm":     {v.Daily.SDdmMgdL, math.NaN()},
			"SDb":      {v.Daily.SDbMgdL, math.NaN()},
			"CVsd":     {v.Daily.CVSDPct, math.NaN()},
			"SDw":      {v.Daily.SDwMgdL, 5 * math.Sqrt(61*62/12.0)}, // of 0, 5, …, 300
			"SDhhmm":   {v.Daily.SDhhmmMgdL, 5 * math.Sqrt(61*62/12.0)},
		} {
			if !near(values[0], values[1], 1e-9) {
				t.Errorf("cadence %s, %s: got %v, want %v", name, metric, values[0], values[1])
			}
		}
	}
}

// What counts: the last of one time, sentinels as sent; not what has no value or
// is excluded; without local time only elapsed time.
func TestGridCountsWhatCounts(t *testing.T) {
	readings := every(5*time.Minute, 39, 401, 100, 110, 120)
	twice := readings[4]
	twice.GlucoseMgdL = 150
	readings = append(readings, twice)
	readings[2].HasValue = false
	readings[3].Excluded = true
	v := variabilityOf(readings)
	// 39, 401, then 15 minutes later 150, with 401 - 251/3 and 401 - 2·251/3 between.
	checkNear(t, "points", float64(v.Points), 5)
	checkNear(t, "distance", v.DistanceMgdL, 362+251)
	checkNear(t, "MAG", v.MAGMgdLPerH, (362+251)/(20.0/60))
	checkNear(t, "AUC", v.AUCMgdL, ((39+401)/2.0+3*(401+150)/2.0)/4)

	for i := range readings {
		readings[i].Local = time.Time{}
	}
	v = variabilityOf(readings)
	checkNear(t, "distance without local time", v.DistanceMgdL, 613)
	checkNear(t, "SDw without local time", v.Daily.SDwMgdL, math.NaN())
	checkNear(t, "points of iglu without local time", float64(igluGrids(readings).Variability().Points), 0)
}

// A gap of exactly 45 minutes is bridged, a longer one is not.
func TestGridGaps(t *testing.T) {
	for gapMin, want := range map[int][2]int{40: {15, 0}, 45: {16, 0}, 46: {8, 9}, 50: {8, 9}, 24 * 60: {8, 287}} {
		readings := every(5*time.Minute, slices.Repeat([]float64{100}, 8)...)
		for i := 4; i < 8; i++ {
			at := readings[3].Time.Add(time.Duration(gapMin+5*(i-4)) * time.Minute)
			readings[i].Time, readings[i].Local = at, at
		}
		if gapMin == 46 { // off the grid: one cell fewer
			want[0]--
		}
		if v := variabilityOf(readings); v.Points != want[0] || v.Missing != want[1] {
			t.Errorf("gap of %d min: got %d points, %d missing, want %v", gapMin, v.Points, v.Missing, want)
		}
	}
}

// Flat glucose has no variability; its MAGE does not exist.
func TestGridOfConstantGlucose(t *testing.T) {
	v := variabilityOf(every(5*time.Minute, slices.Repeat([]float64{120}, 3*288)...))
	for name, value := range v.Columns() {
		want := 0.0
		switch name {
		case "auc_mgdl":
			want = 120
		case "roc_m1_1_pct":
			want = 100
		case "mage_mgdl", "mage_plus_mgdl", "mage_minus_mgdl", "mage_service_mgdl", "mage_max_mgdl", "mage_naive_mgdl":
			want = math.NaN()
		}
		checkNear(t, name, value, want)
	}
}

func TestGridOfNextToNothing(t *testing.T) {
	for _, rules := range []GridRules{DexetlGrid(), IGLUGrid()} {
		for n := range 2 {
			var g Grids
			g.Lay(every(5*time.Minute, 100, 100)[:n], rules)
			v := g.Variability()
			for name, value := range v.Columns() {
				want := math.NaN()
				switch {
				case n == 1 && name == "distance_mgdl", n == 1 && name == "excursions_per_day" && !rules.IGLU:
					want = 0
				}
				if !near(value, want, 0) {
					t.Errorf("%d readings, %+v, %s: got %v, want %v", n, rules, name, value, want)
				}
			}
			if v.Missing != 0 || v.Points > n {
				t.Errorf("%d readings, %+v: got %d points, %d missing", n, rules, v.Points, v.Missing)
			}
		}
	}
}

// A wrong clock costs days of memory, not millennia, and joins nothing that is
// far apart.
func TestGridFoldsLongGaps(t *testing.T) {
	readings := every(5*time.Minute, slices.Repeat([]float64{100}, 288)...)
	for i, year := range []int{1970, 2019, 2261, 9998} {
		at := utcAt(year, 6, 1+i, 0, 0)
		readings = append(readings, Reading{Time: at, Local: at, GlucoseMgdL: 300, HasValue: true})
	}
	for _, rules := range []GridRules{DexetlGrid(), IGLUGrid()} {
		var g Grids
		g.Lay(readings, rules)
		v := g.Variability()
		if limit := 5*int(rules.emptyDays()+1) + 2; g.Daily.Days() > limit {
			t.Errorf("%+v: got %d days, want at most %d", rules, g.Daily.Days(), limit)
		}
		checkNear(t, "MODD", v.MODDMgdL, math.NaN())
		checkNear(t, "MODD of two days", g.Daily.MODD(2), math.NaN())
		checkNear(t, "CONGA24", v.CONGAMgdL[4], math.NaN())
		checkNear(t, "SDw", v.Daily.SDwMgdL, 0)
	}
	v := variabilityOf(readings)
	checkNear(t, "points", float64(v.Points), 288+4)
	checkNear(t, "missing", float64(v.Missing), float64(readings[291].Time.Unix()-readings[288].Time.Unix())/300+1-292)
}
