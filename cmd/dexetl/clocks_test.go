package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A clockCase is somebody's readings and what follows from them, computed by hand.
type clockCase struct {
	id    string
	zone  string // of the roster; "": none
	rows  []clockRow
	want  map[string]float64 // by metric
	dense bool               // more readings than a Dexcom sensor has: no lake
}

// A clockRow is a row of a file.
type clockRow struct {
	at     time.Time
	offset time.Duration
	value  string
}

// every are readings from one instant on, step after step; values says those of the
// n-th, "-" for none at all.
func every(step time.Duration, n int, from time.Time, offset func(time.Time) time.Duration, value func(i int) int) (rows []clockRow) {
	for i := range n {
		at := from.Add(time.Duration(i) * step)
		rows = append(rows, clockRow{at, offset(at), strconv.Itoa(value(i))})
	}
	return rows
}

// ahead is a clock that is as much ahead of UTC, and from an instant on another time.
func ahead(first time.Duration, since string, then time.Duration) func(time.Time) time.Duration {
	return func(at time.Time) time.Duration {
		if since != "" && at.Format(time.DateTime) >= since {
			return then
		}
		return first
	}
}

func utc(text string) time.Time {
	at, err := time.Parse(time.DateTime, text)
	if err != nil {
		panic(err)
	}
	return at
}

const fiveMin, anHour = 5 * time.Minute, time.Hour

// sdOf is the standard deviation of n numbers by their sum and the sum of their squares.
func sdOf(n, sum, squares float64) float64 { return math.Sqrt((squares - sum*sum/n) / (n - 1)) }

func clockCases() []clockCase {
	spring := ahead(1*anHour, "2025-03-30 01:00:00", 2*anHour)
	autumn := ahead(2*anHour, "2025-10-26 01:00:00", 1*anHour)
	// 24 hours of 100, but 150 from 03:00; then 23 hours: 120 until clocks go from
	// 02:00 to 03:00, 200 for an hour, 160.
	springDays := every(fiveMin, 564, utc("2025-03-28 23:00:00"), spring, func(i int) int {
		switch {
		case i < 288 && i/12 == 3:
			return 150
		case i < 288:
			return 100
		case i < 288+24:
			return 120
		case i < 288+36:
			return 200
		}
		return 160
	})
	springWant := map[string]float64{
		"n_values": 564, "n_days": 2, "n_slots": 564, "expected_slots": 564, "active_window_pct": 100, "active_span_pct": 100, "valid_days": 2,
		"cadence_min": 5, "exposure_days": 47. / 24, "distance_mgdl": 50 + 50 + 20 + 80 + 40,
		"mean_mgdl": (276*100. + 12*150 + 24*120 + 12*200 + 240*160) / 564,
		// By the wall clock 03:00 is compared with 03:00, and 02:00 with nothing.
		"modd_mgdl": (24*20. + 12*50 + 240*60) / 276,
		// By elapsed time 24 hours ago, 03:00 is compared with 02:00.
		"conga24_mgdl": sdOf(276, 24*20+12*100+12*10+228*60, 24*400+12*10000+12*100+228*3600),
		"sddm_mgdl":    ((24*120.+12*200+240*160)/276 - (276*100.+12*150)/288) / math.Sqrt2,
		"mag_mgdl_h":   240 / (563 * 5 / 60.), "tir_min": 552 * 5, "tar180_min": 60,
	}
	// 24 hours of 100, but 130 from 02:00; then 25 hours: 100, 140 in the first hour
	// from 02:00, 180 in the second one, 120.
	autumnDays := every(fiveMin, 588, utc("2025-10-24 22:00:00"), autumn, func(i int) int {
		switch k := i - 288; {
		case k < 0 && i/12 == 2:
			return 130
		case k < 24:
			return 100
		case k < 36:
			return 140
		case k < 48:
			return 180
		}
		return 120
	})
	autumnDay := (24*100. + 12*140 + 12*180 + 252*120) / 300
	autumnWant := map[string]float64{
		"n_values": 588, "n_days": 2, "n_slots": 588, "expected_slots": 588, "active_window_pct": 100, "active_span_pct": 100, "valid_days": 2,
		"exposure_days": 49. / 24, "distance_mgdl": 30 + 30 + 40 + 40 + 60,
		// The later of two values at one time of day stands there.
		"modd_mgdl": (12*50. + 252*20) / 288,
		// Elapsed time knows no hour that comes twice.
		"conga1_mgdl": sdOf(576, 12*(30+40+40-30-60), 12*(900+900+1600+1600+3600)),
		"sddm_mgdl":   (autumnDay - (276*100.+12*130)/288) / math.Sqrt2,
		// The day of 25 hours has all its values.
		"sdw_mgdl": (sdOf(288, 276*100+12*130, 276*10000+12*16900) + sdOf(300, 300*autumnDay, 24*10000+12*19600+12*32400+252*14400)) / 2,
	}
	wholeDay := func(zone time.Duration) []clockRow { // two days in a zone, of 100, 120 and 110, 160
		return every(fiveMin, 576, utc("2025-06-10 00:00:00").Add(-zone), ahead(zone, "", 0), func(i int) int { return []int{100, 120, 110, 160}[i/144] })
	}
	dayWant := map[string]float64{
		"n_values": 576, "n_days": 2, "n_slots": 576, "expected_slots": 576, "active_window_pct": 100, "valid_days": 2, "exposure_days": 2,
		"modd_mgdl": (10 + 40) / 2., "sddm_mgdl": (135 - 110) / math.Sqrt2, "sdw_mgdl": (sdOf(288, 144*220, 144*24400) + sdOf(288, 144*270, 144*37700)) / 2,
	}
	low := func(from, to int) func(int) int { // 60 from one reading to before another one, else 120
		return func(i int) int {
			if i >= from && i < to {
				return 60
			}
			return 120
		}
	}
	cases := []clockCase{
		{id: "spring", rows: springDays, want: springWant},
		{id: "spring-zone", zone: "Europe/Berlin", rows: springDays, want: springWant},
		{id: "autumn", rows: autumnDays, want: autumnWant},
		{id: "autumn-zone", zone: "Europe/Berlin", rows: autumnDays, want: autumnWant},
		// 01:00 to 04:00 of the wall clock, but two hours: not more than two.
		{id: "spring-low", zone: "Europe/Berlin", rows: every(fiveMin, 276, utc("2025-03-29 23:00:00"), spring, low(12, 36)), want: map[string]float64{
			"hypo1_per_week": 7 / (23. / 24), "hypo_extended_per_week": 0, "exposure_days": 23. / 24, "expected_slots": 276, "tbr70_min": 120,
		}},
		// 01:30 to 03:00 of the wall clock, but two hours and a half.
		{id: "autumn-low", zone: "Europe/Berlin", rows: every(fiveMin, 300, utc("2025-10-25 22:00:00"), autumn, low(18, 48)), want: map[string]float64{
			"hypo1_per_week": 7 / (25. / 24), "hypo_extended_per_week": 7 / (25. / 24), "expected_slots": 300, "tbr70_min": 150,
		}},
		// Six hours back at 13:00: a day of 30 hours.
		{id: "west", rows: every(fiveMin, 360, utc("2025-06-09 23:00:00"), ahead(1*anHour, "2025-06-10 12:00:00", -5*anHour), func(i int) int { return 100 + min(i/156, 1)*50 }),
			want: map[string]float64{
				"n_values": 360, "n_days": 1, "expected_slots": 360, "active_window_pct": 100, "exposure_days": 30. / 24,
				"mag_mgdl_h": 50 / (359 * 5 / 60.), "sdw_mgdl": sdOf(360, 156*100+204*150, 156*10000+204*22500),
			}},
		// Nine hours ahead at 07:00: a day of 15 hours.
		{id: "east", rows: every(fiveMin, 180, utc("2025-06-09 23:00:00"), ahead(1*anHour, "2025-06-10 06:00:00", 10*anHour), func(i int) int { return 100 + min(i/84, 1)*40 }),
			want: map[string]float64{
				"n_values": 180, "n_days": 1, "expected_slots": 180, "active_window_pct": 100, "exposure_days": 15. / 24, "valid_days": 1,
				"mag_mgdl_h": 40 / (179 * 5 / 60.), "mean_mgdl": (84*100. + 96*140) / 180,
			}},
		{id: "half", rows: wholeDay(5*anHour + 30*time.Minute), want: dayWant},
		{id: "half-zone", zone: "Asia/Kolkata", rows: wholeDay(5*anHour + 30*time.Minute), want: dayWant},
		{id: "three-quarters", rows: wholeDay(5*anHour + 45*time.Minute), want: dayWant},
		{id: "three-quarters-zone", zone: "Asia/Kathmandu", rows: wholeDay(5*anHour + 45*time.Minute), want: dayWant},
		{id: "half-west-zone", zone: "America/St_Johns", rows: wholeDay(-2*anHour - 30*time.Minute), want: dayWant},
		// Half a day of 100, half a day of 190.
		{id: "every15", rows: every(15*time.Minute, 96, utc("2025-06-10 00:00:00"), ahead(0, "", 0), func(i int) int { return 100 + i/48*90 }), want: map[string]float64{
			"n_values": 96, "cadence_min": 15, "n_slots": 96, "expected_slots": 96, "active_window_pct": 100, "tir_min": 720, "tar180_min": 720,
			"exposure_days": 1, "mag_mgdl_h": 90 / (285 * 5 / 60.), "distance_mgdl": 90, "hyper1_per_week": 7,
		}},
		{id: "every1", dense: true, rows: every(time.Minute, 1440, utc("2025-06-10 00:00:00"), ahead(0, "", 0), func(i int) int { return 100 + i/720*90 }), want: map[string]float64{
			"n_values": 1440, "cadence_min": 1, "n_slots": 1440, "expected_slots": 1440, "active_window_pct": 100, "tir_min": 720, "tar180_min": 720,
			"exposure_days": 1, "mag_mgdl_h": 90 / (287 * 5 / 60.), "distance_mgdl": 90, "hyper1_per_week": 7,
		}},
		// Every 5 minutes until 12:00, then every 15: the value of 12:00 is 5 minutes from
		// another one, and stands for 5.
		{id: "changing", rows: slices.Concat(
			every(fiveMin, 144, utc("2025-06-10 00:00:00"), ahead(0, "", 0), func(int) int { return 100 }),
			every(15*time.Minute, 48, utc("2025-06-10 12:00:00"), ahead(0, "", 0), func(int) int { return 190 })), want: map[string]float64{
			"n_values": 192, "cadence_min": 5, "n_slots": 192, "expected_slots": 192 + 2, "active_window_pct": 100 * 1430. / 1440, "active_span_pct": 100,
			"tir_min": 720, "tar180_min": 5 + 47*15, "tir_pct": 75, "exposure_days": 1, "mag_mgdl_h": 90 / (285 * 5 / 60.),
		}},
		// And the other way round, with a minute's cadence.
		{id: "changing1", dense: true, rows: slices.Concat(
			every(time.Minute, 720, utc("2025-06-10 00:00:00"), ahead(0, "", 0), func(int) int { return 100 }),
			every(15*time.Minute, 48, utc("2025-06-10 12:00:00"), ahead(0, "", 0), func(int) int { return 190 })), want: map[string]float64{
			"n_values": 768, "cadence_min": 1, "n_slots": 768, "expected_slots": 768, "active_window_pct": 100, "active_span_pct": 100,
			"tir_min": 720, "tar180_min": 720, "exposure_days": 1, "mag_mgdl_h": 90 / (285 * 5 / 60.),
		}},
		// Twelve instants come twice: the later row counts.
		{id: "double", rows: slices.Concat(
			every(fiveMin, 12, utc("2025-06-10 06:00:00"), ahead(0, "", 0), func(int) int { return 300 }),
			every(fiveMin, 288, utc("2025-06-10 00:00:00"), ahead(0, "", 0), func(i int) int { return 100 + i/144*20 })), want: map[string]float64{
			"n_readings": 288, "n_values": 288, "mean_mgdl": 110, "tar180_pct": 0, "n_slots": 288, "distance_mgdl": 20,
		}},
		// Ten lows and twenty highs among 288.
		{id: "sentinels", rows: every(fiveMin, 288, utc("2025-06-10 00:00:00"), ahead(0, "", 0), func(i int) int {
			switch {
			case i < 10:
				return 39
			case i >= 268:
				return 401
			}
			return 120
		}), want: map[string]float64{
			"n_values": 288, "n_low_sentinel": 10, "n_high_sentinel": 20, "censored_pct": 100 * 30. / 288, "n_implausible": 0,
			"mean_mgdl": (10*39. + 258*120 + 20*401) / 288, "tbr54_pct": 100 * 10. / 288, "tar250_min": 100, "distance_mgdl": 81 + 281,
			"hypo2_per_week": 7, "hyper2_per_week": 7, "hyper_extended_per_week": 7,
		}},
		// 06:00 to 08:00 has readings without a value: a gap of 125 minutes between values.
		{id: "nulls", rows: without(every(fiveMin, 288, utc("2025-06-10 00:00:00"), ahead(0, "", 0), func(i int) int { return 100 + i/144*20 }), 72, 96), want: map[string]float64{
			"n_readings": 288, "n_values": 264, "n_slots": 264, "expected_slots": 288, "active_window_pct": 100 * 264. / 288, "active_span_pct": 100 * 264. / 288,
			"mean_mgdl": (120*100. + 144*120) / 264, "exposure_days": 22. / 24, "mag_mgdl_h": 20 / ((71 + 191) * 5 / 60.), "n_low_sentinel": 0,
		}},
	}
	return cases
}

// without takes the values of some rows away.
func without(rows []clockRow, from, to int) []clockRow {
	for i := from; i < to; i++ {
		rows[i].value = ""
	}
	return rows
}

// clockFile is the cases as a file.
func clockFile(cases []clockCase) string {
	var b strings.Builder
	b.WriteString("id,time,gl\n")
	for _, c := range cases {
		for _, r := range c.rows {
			at := r.at.In(time.FixedZone("", int(r.offset/time.Second)))
			fmt.Fprintf(&b, "%s,%s,%s\n", c.id, at.Format(time.RFC3339), r.value)
		}
	}
	return b.String()
}

// Elapsed time is that of UTC, days and times of day are those of the wall clock, and
// each value stands for its own minutes: computed by hand, in the lake and of a file.
func TestMetricsByBothClocks(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	all := clockCases()
	served := slices.DeleteFunc(slices.Clone(all), func(c clockCase) bool { return c.dense })
	b := clockBench(t, served)
	b.must("backfill")
	checkClocks(t, "lake", served, b.must("metrics", "--csv"))
	checkClocks(t, "lake, on the spot", served, b.must("metrics", "--csv", "--window", "all"))
	path := b.file("all.csv", clockFile(all))
	checkClocks(t, "input", all, b.must("metrics", "--csv", "--input", path))
	checkSentinels(t, b, path)
}

// clockBench is a study with everybody in it whom a file has.
func clockBench(t *testing.T, cases []clockCase) *bench {
	t.Helper()
	path := (&bench{t: t, dir: t.TempDir() + "/study"}).file("served.csv", clockFile(cases))
	p := &program{stderr: t.Output(), now: func() time.Time { return demoNow }}
	config, err := p.simulation(simulateOptions{days: 1, replay: path})
	check(t, err)
	b := openBench(t, dexsim.Config{Replay: config.Replay}, demoNow)
	b.env["DEXETL_STUDY_HISTORY"] = "all"
	var roster, windows strings.Builder
	roster.WriteString("participant_id,timezone\n")
	windows.WriteString("participant_id,window,start,end\n")
	for _, c := range cases {
		fmt.Fprintf(&roster, "%s,%s\n", c.id, c.zone)
		first, last := c.rows[0], c.rows[len(c.rows)-1]
		fmt.Fprintf(&windows, "%s,all,%s,%s\n", c.id, first.at.Add(first.offset).Format(time.DateOnly), last.at.Add(last.offset).Format(time.DateOnly))
	}
	b.must("participants", "import", b.file("roster.csv", roster.String()))
	b.must("windows", "import", b.file("windows.csv", windows.String()))
	var tokens bytes.Buffer
	check(t, b.api.WriteTokens(&tokens))
	b.must("connect", "--import", b.file("tokens.csv", tokens.String()))
	return b
}

// checkClocks compares rows of dexetl metrics with what is expected.
func checkClocks(t *testing.T, where string, cases []clockCase, answer string) {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(answer)).ReadAll()
	check(t, err)
	for _, c := range cases {
		at := slices.IndexFunc(records, func(r []string) bool { return r[0] == c.id })
		if at < 0 {
			t.Errorf("%s: no row of %s", where, c.id)
			continue
		}
		for _, metric := range slices.Sorted(maps.Keys(c.want)) {
			got, err := strconv.ParseFloat(records[at][slices.Index(records[0], metric)], 64)
			if err != nil || math.Abs(got-c.want[metric]) > 1e-9*(1+math.Abs(c.want[metric])) {
				t.Errorf("%s: %s: %s is %v (%v), want %v", where, c.id, metric, got, err, c.want[metric])
			}
		}
	}
}
