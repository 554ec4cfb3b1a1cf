package metrics

import (
	"math"
	"slices"
	"time"
)

// meterApart is how long before the meter's value the sensor's may lie.
const meterApart = 5 * time.Minute

// A MeterValue is glucose of a fingerstick.
type MeterValue struct {
	Time        time.Time // UTC
	MgdL        float64
	Calibration bool // entered to calibrate the sensor, else an event
}

// A MeterPair is a value of the meter and the sensor's before it.
type MeterPair struct {
	Meter  MeterValue
	Sensor Reading
}

// MeterPairs are the values of the meter with the latest reading that is at most
// 5 minutes older. Left out are events that calibrated the sensor: a calibration
// is at most 5 minutes away. They are among the calibrations already, and the
// sensor may have been told them. A calibration is compared with a reading
// that is before it.
type MeterPairs struct {
	Calibrations, Events []MeterPair // by time
	Calibrated           int         // events left out
	Unpaired             int         // values without a reading
}

// PairMeter pairs values of the meter, in any order, with readings, in any order.
// Values that are not above 0 have no pair.
func PairMeter(readings []Reading, meters []MeterValue) MeterPairs {
	sorted := inOrder(readings)
	var pairs MeterPairs
	calibrations := calibrationTimes(meters)
	for _, m := range slices.SortedStableFunc(slices.Values(meters), func(a, b MeterValue) int { return a.Time.Compare(b.Time) }) {
		sensor, ok := sensorBefore(sorted, m)
		switch {
		case !m.Calibration && calibrated(calibrations, m.Time):
			pairs.Calibrated++
		case !ok || !(m.MgdL > 0):
			pairs.Unpaired++
		case m.Calibration:
			pairs.Calibrations = append(pairs.Calibrations, MeterPair{m, sensor})
		default:
			pairs.Events = append(pairs.Events, MeterPair{m, sensor})
		}
	}
	return pairs
}

// sensorBefore is the latest reading up to a value of the meter.
func sensorBefore(sorted []Reading, m MeterValue) (Reading, bool) {
	end := m.Time
	if !m.Calibration {
		end = end.Add(1) // one at the same instant, too
	}
	around := between(sorted, m.Time.Add(-meterApart), end)
	if len(around) == 0 {
		return Reading{}, false
	}
	return around[len(around)-1], true
}

// calibrationTimes are the instants of calibrations, in their order.
func calibrationTimes(meters []MeterValue) []time.Time {
	var times []time.Time
	for _, m := range meters {
		if m.Calibration {
			times = append(times, m.Time)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// calibrated tells whether a calibration is at most 5 minutes away.
func calibrated(sorted []time.Time, at time.Time) bool {
	i, _ := slices.BinarySearchFunc(sorted, at.Add(-meterApart), time.Time.Compare)
	return i < len(sorted) && !sorted[i].After(at.Add(meterApart))
}

// An Agreement says how far the sensor is from the meter, with g the sensor's
// value and m the meter's. All are NaN without pairs.
type Agreement struct {
	N           int
	MARDPct     float64 // mean of |g-m|/m in percent
	BiasMgdL    float64 // mean of g-m
	BiasPct     float64 // mean of (g-m)/m in percent
	RMSEMgdL    float64 // √ mean of (g-m)²
	Within15Pct float64 // pairs within 15 mg/dL where m is below 100 mg/dL, else within 15 percent of m
	Within20Pct float64 // the same with 20
	Within40Pct float64 // the same with 40
}

// AgreementOf is that of some pairs.
func AgreementOf(pairs []MeterPair) Agreement {
	mean := func(of func(g, m float64) float64) float64 {
		var sum float64
		for _, p := range pairs {
			sum += of(p.Sensor.GlucoseMgdL, p.Meter.MgdL)
		}
		return sum / float64(len(pairs))
	}
	within := func(limit float64) float64 {
		return 100 * mean(func(g, m float64) float64 {
			if math.Abs(g-m)*100 <= limit*math.Max(m, 100) {
				return 1
			}
			return 0
		})
	}
	return Agreement{
		N:           len(pairs),
		MARDPct:     100 * mean(func(g, m float64) float64 { return math.Abs(g-m) / m }),
		BiasMgdL:    mean(func(g, m float64) float64 { return g - m }),
		BiasPct:     100 * mean(func(g, m float64) float64 { return (g - m) / m }),
		RMSEMgdL:    math.Sqrt(mean(func(g, m float64) float64 { return (g - m) * (g - m) })),
		Within15Pct: within(15),
		Within20Pct: within(20),
		Within40Pct: within(40),
	}
}
