package sql_test

import (
	"database/sql"
	"fmt"
	"iter"
	"math"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/metrics"
)

// An entry is what a person entered: an event, or a calibration.
type entry struct {
	kind  string // carbs, bloodGlucose, calibration
	at    time.Time
	local time.Time // zero: unknown
	value float64   // NaN: none
	unit  string
}

// enter writes the entries of a person into the lake.
func enter(t testing.TB, db *sql.DB, id string, entries []entry) {
	t.Helper()
	var events, calibrations []string
	for i, e := range entries {
		record, local, value := fmt.Sprintf("%s-%04d", id, i), "", ""
		if !e.local.IsZero() {
			local = stamp(e.local)
		}
		if !math.IsNaN(e.value) {
			value = fmt.Sprint(e.value)
		}
		if e.kind == "calibration" {
			calibrations = append(calibrations, values(id, record, stamp(e.at), local, value))
		} else {
			events = append(events, values(id, record, e.kind, stamp(e.at), local, value, e.unit))
		}
	}
	insert(t, db, `events (participant_id, record_id, event_type, system_time, display_time, value, unit)`, events)
	insert(t, db, `calibrations (participant_id, record_id, system_time, display_time, glucose_mgdl)`, calibrations)
}

// eating is what p may have entered: around the readings, sometimes at the very
// instant of one, some of it shortly after each other.
func (p person) eating(random *rand.Rand, kinds ...string) (entries []entry) {
	for i := 0; i < len(p.readings); i += 1 + random.Intn(60) {
		r := p.readings[i]
		for n := 1 + random.Intn(3); n > 0; n-- {
			apart := time.Duration(random.Intn(4)*random.Intn(14)) * time.Minute
			if random.Intn(2) == 0 {
				apart += time.Duration(random.Intn(1e6)) * time.Microsecond
			}
			e := entry{kinds[random.Intn(len(kinds))], r.Time.Add(apart).Truncate(time.Microsecond), r.Local, float64(random.Intn(90)), "grams"}
			if !e.local.IsZero() {
				e.local = e.local.Add(apart)
			}
			entries = append(entries, e)
		}
	}
	return entries
}

// oracleReadings are those of p as metrics take them.
func (s study) oracleReadings(p *person) (all []metrics.Reading) {
	for _, r := range p.readings {
		r.Excluded = s.excludes(p.id, r.Local)
		r.Time = r.Time.Truncate(time.Microsecond)
		all = append(all, r.Reading)
	}
	return all
}

// inStudy are the entries in the dates that metrics of p cover.
func (p person) inStudy(entries []entry) []entry {
	over, bounded := p.bounds()
	return slices.DeleteFunc(slices.Clone(entries), func(e entry) bool {
		if e.local.IsZero() {
			return bounded
		}
		return over.first.IsZero() || !over.holds(e.local)
	})
}

// Every meal and every mean must equal what package metrics computes.
func TestMealsEqualOracle(t *testing.T) {
	db := openLake(t)
	s := cohort(7)
	s.load(t, db)
	random := rand.New(rand.NewSource(7))
	entered := map[string][]entry{}
	for _, p := range s.people {
		entered[p.id] = p.eating(random, "carbs")
		enter(t, db, p.id, entered[p.id])
	}
	meals := byStart(query(t, db, `select * from meals`))
	means := byKey(t, query(t, db, `select * from meal_metrics`), "participant_id")
	usable := 0
	for _, p := range s.people {
		var all []metrics.Meal
		for _, e := range entered[p.id] {
			all = append(all, metrics.Meal{Time: e.at, Grams: e.value})
		}
		responses := metrics.Responses(s.oracleReadings(p), all)
		for _, r := range responses {
			key := p.id + " " + stamp(r.Meal.Time)
			compare(t, key, meals[key], responseRow(r))
			usable += map[bool]int{true: 1}[r.Unusable == ""]
			delete(meals, key)
		}
		compare(t, p.id, means[" "+p.id], columnsOfMetrics(metrics.MeansOf(p.ofStudy(responses, entered[p.id])).Columns()))
	}
	noneLeft(t, "meals", meals)
	if usable < 100 {
		t.Errorf("compared %d usable meals, want more", usable)
	}
}

// ofStudy are the responses whose first entry lies in the study.
func (p person) ofStudy(responses []metrics.Response, entries []entry) []metrics.Response {
	starts := map[time.Time]bool{}
	for _, e := range p.inStudy(entries) {
		starts[e.at] = true
	}
	return slices.DeleteFunc(responses, func(r metrics.Response) bool { return !starts[r.Meal.Time] })
}

func responseRow(r metrics.Response) row {
	return row{
		"n_entries": r.Entries, "carbs_g": r.Meal.Grams, "baseline_mgdl": r.BaseMgdL, "peak_mgdl": r.PeakMgdL,
		"delta_mgdl": r.DeltaMgdL, "peak_min": r.PeakMin, "recovery_pct": r.RecoveryPct,
		"unusable_reason": r.Unusable, "usable": r.Unusable == "",
	}
}

func byStart(rows []row) map[string]row {
	result := map[string]row{}
	for _, r := range rows {
		result[r["participant_id"].(string)+" "+stamp(r["start_utc"].(time.Time))] = r
	}
	return result
}

func columnsOfMetrics(columns iter.Seq2[string, float64]) row {
	r := row{}
	for name, value := range columns {
		r[name] = value
	}
	return r
}

// compare holds a row against what it is to have, and perhaps more.
func compare(t *testing.T, what string, got, want row) {
	t.Helper()
	for name, value := range want {
		if !same(got[name], value) {
			t.Errorf("%s: %s: got %v (%T), want %v", what, name, got[name], got[name], value)
		}
	}
}

// An hour of 100, 20 g and 10 g more ten minutes later, up to 190 after 45 minutes, and
// an hour after that back at 145; then a meal without the three hours, and one too near.
func TestMeals(t *testing.T) {
	db := openLake(t)
	noon := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	p := person{id: "P1", zone: "UTC", start: "2025-03-01", end: "2025-03-01"}
	for i, glucose := range slices.Concat(slices.Repeat([]float64{100}, 12), slices.Repeat([]float64{150}, 9), []float64{190},
		slices.Repeat([]float64{150}, 11), []float64{145}, slices.Repeat([]float64{120}, 14)) {
		at := noon.Add(time.Duration(5*(i-12)) * time.Minute)
		p.readings = append(p.readings, reading{Reading: metrics.Reading{Time: at, Local: at, GlucoseMgdL: glucose, HasValue: true, CadenceMin: 5}})
	}
	study{people: []*person{&p, {id: "P2", start: "2025-03-01"}}}.load(t, db)
	carbs := func(after time.Duration, grams float64, unit string) entry {
		return entry{"carbs", noon.Add(after), noon.Add(after), grams, unit}
	}
	enter(t, db, "P1", []entry{
		carbs(10*time.Minute, 10, "grams"), carbs(0, 20, "grams"),
		carbs(6*time.Hour, 30, "grams"), carbs(6*time.Hour+30*time.Minute, 5, "unknown"), carbs(48*time.Hour, 1, "grams"),
	})
	const want = `P1 2025-03-01 12:00:00 2025-03-01 12:00:00 2 30.0 100.0 190.0 90.0 45.0 50.0 100.0 true -
P1 2025-03-01 18:00:00 2025-03-01 18:00:00 1 30.0 - - - - - 0.0 false second_meal
P1 2025-03-01 18:30:00 2025-03-01 18:30:00 1 - - - - - - 0.0 false second_meal
P1 2025-03-03 12:00:00 2025-03-03 12:00:00 1 1.0 - - - - - 0.0 false few_readings
`
	if got := table(t, db, `from meals order by start_utc`); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	const means = "P1 3 1 100.0 190.0 90.0 45.0 50.0 30.0 dexetl-1\nP2 - - - - - - - - dexetl-1\n"
	if got := table(t, db, `select * exclude (sentinels, metrics_version) from meal_metrics order by participant_id`); got != means {
		t.Errorf("got\n%swant\n%s", got, means)
	}
}
