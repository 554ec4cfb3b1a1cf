package sql_test

import (
	"fmt"
	"math"
	"math/rand"
	"testing"
	"time"

	"github.com/dexetl/dexetl/metrics"
)

// Every pair and every agreement must equal what package metrics computes.
func TestMeterEqualsOracle(t *testing.T) {
	db := openLake(t)
	s := cohort(8)
	s.load(t, db)
	random := rand.New(rand.NewSource(8))
	entered := map[string][]entry{}
	for _, p := range s.people {
		entries := p.eating(random, "calibration", "bloodGlucose", "bloodGlucose")
		for i := range entries {
			entries[i].unit, entries[i].value = "mg/dL", float64(random.Intn(20)*20) // 0 is no value
		}
		entered[p.id] = entries
		enter(t, db, p.id, entries)
	}
	agreements := byKey(t, query(t, db, `select * from meter_agreement`), "participant_id")
	pairs, compared := meterPairs(query(t, db, `select * from meter_pairs where usable`)), 0
	for _, p := range s.people {
		of := metrics.PairMeter(s.oracleReadings(p), meterValues(entered[p.id]))
		for _, pair := range append(of.Calibrations, of.Events...) {
			key := pairKey(p.id, pair.Meter.Calibration, pair.Meter.Time, pair.Meter.MgdL, pair.Sensor.Time, pair.Sensor.GlucoseMgdL)
			if pairs[key]--; pairs[key] < 0 {
				t.Errorf("meter_pairs lacks %s", key)
			}
			compared++
		}
		all := p.inStudy(entered[p.id])
		compare(t, p.id, agreements[" "+p.id], columnsOfMetrics(s.agreement(p, entered[p.id], all).Columns()))
	}
	for key, n := range pairs {
		if n > 0 {
			t.Errorf("meter_pairs has %s, which is no pair", key)
		}
	}
	if compared < 100 {
		t.Errorf("compared %d pairs, want more", compared)
	}
}

// agreement is the pairs of those values that lie in the study; calibrations
// outside of it make an event one that calibrated, too.
func (s study) agreement(p *person, entered, inStudy []entry) metrics.MeterPairs {
	var of metrics.MeterPairs
	calibrations := []metrics.MeterValue{}
	for _, m := range meterValues(entered) {
		if m.Calibration {
			calibrations = append(calibrations, m)
		}
	}
	readings := s.oracleReadings(p)
	for _, m := range meterValues(inStudy) {
		with := []metrics.MeterValue{m}
		if !m.Calibration {
			with = append(with, calibrations...)
		}
		one := metrics.PairMeter(readings, with)
		of.Events, of.Calibrated = append(of.Events, one.Events...), of.Calibrated+one.Calibrated
		switch {
		case m.Calibration:
			of.Calibrations = append(of.Calibrations, one.Calibrations...)
			of.Unpaired += one.Unpaired
		case len(one.Events)+one.Calibrated == 0:
			of.Unpaired++
		}
	}
	return of
}

func meterValues(entries []entry) (all []metrics.MeterValue) {
	for _, e := range entries {
		all = append(all, metrics.MeterValue{Time: e.at, MgdL: e.value, Calibration: e.kind == "calibration"})
	}
	return all
}

func meterPairs(rows []row) map[string]int {
	pairs := map[string]int{}
	for _, r := range rows {
		pairs[pairKey(r["participant_id"].(string), r["meter_source"] == "calibration", r["time_utc"].(time.Time), r["meter_mgdl"].(float64),
			r["reading_utc"].(time.Time), r["sensor_mgdl"].(float64))]++
	}
	return pairs
}

func pairKey(id string, calibration bool, at time.Time, meter float64, reading time.Time, sensor float64) string {
	return fmt.Sprint(id, " ", calibration, " ", stamp(at), " ", meter, " ", stamp(reading), " ", sensor)
}

// Readings of 100 at 12:00 and of 110 at 12:05.
func TestMeterPairs(t *testing.T) {
	db := openLake(t)
	noon := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	p := person{id: "P1", zone: "UTC", start: "2025-03-01", end: "2025-03-01"}
	for i, glucose := range []float64{100, 110} {
		at := noon.Add(time.Duration(5*i) * time.Minute)
		p.readings = append(p.readings, reading{Reading: metrics.Reading{Time: at, Local: at, GlucoseMgdL: glucose, HasValue: true, CadenceMin: 5}})
	}
	study{people: []*person{&p}}.load(t, db)
	at := func(kind string, minutes, value float64, unit string) entry {
		when := noon.Add(time.Duration(minutes * float64(time.Minute)))
		return entry{kind, when, when, value, unit}
	}
	enter(t, db, "P1", []entry{
		at("bloodGlucose", -0.1, 80, "mg/dL"), at("bloodGlucose", 0, 80, "mg/dL"), at("bloodGlucose", 4, 125, "mg/dL"),
		at("calibration", 10, 100, ""), at("bloodGlucose", 10.1, 5, "mmol/L"), at("calibration", 5, 125, ""),
		at("bloodGlucose", -2, math.NaN(), "mg/dL"), at("bloodGlucose", 20, 5, "mmol/L"),
		at("bloodGlucose", 4, 125, "mg/dL"),
	})
	exec(t, db, `update calibrations set vanished_at = '2025-03-02' where system_time = '2025-03-01 12:05:00'`)
	const want = `event 2025-03-01 11:58:00 - - - - no_reading
event 2025-03-01 11:59:54 80.0 - - - no_reading
event 2025-03-01 12:00:00 80.0 2025-03-01 12:00:00 100.0 20.0 -
event 2025-03-01 12:04:00 125.0 2025-03-01 12:00:00 100.0 -25.0 -
event 2025-03-01 12:04:00 125.0 2025-03-01 12:00:00 100.0 -25.0 -
calibration 2025-03-01 12:10:00 100.0 2025-03-01 12:05:00 110.0 10.0 -
event 2025-03-01 12:10:06 90.07795 - - - calibrated
event 2025-03-01 12:20:00 90.07795 - - - no_reading
`
	if got := table(t, db, `select meter_source, time_utc, meter_mgdl, reading_utc, sensor_mgdl, difference_mgdl, unusable_reason
		from meter_pairs order by time_utc, record_id`); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	// Calibrations: 10 % off. Events: 20 mg/dL of 80, and twice 20 % of 125.
	const agreement = "P1 1 10.0 10.0 10.0 10.0 100.0 100.0 100.0 3 21.67 -10.0 -5.0 23.45 0.0 100.0 100.0 1 3\n"
	if got := table(t, db, `select participant_id, round(columns('meter_.*'), 2) from meter_agreement`); got != agreement {
		t.Errorf("got\n%swant\n%s", got, agreement)
	}
}
