package metrics

import (
	"math/rand/v2"
	"testing"
	"time"
)

// fourteenDays are readings of 14 days every 5 minutes, off the grid, with gaps.
func fourteenDays(zone time.Duration) []Reading {
	random := rand.New(rand.NewPCG(1, 2))
	at, glucose := start.Add(137*time.Second), 140.0
	var readings []Reading
	for at.Before(start.AddDate(0, 0, 14)) {
		glucose = min(400, max(40, glucose+6*random.NormFloat64()+0.02*(140-glucose)))
		readings = append(readings, Reading{Time: at, Local: at.Add(zone), GlucoseMgdL: float64(int(glucose)), HasValue: true, CadenceMin: 5})
		at = at.Add(5 * time.Minute)
		if random.IntN(300) == 0 {
			at = at.Add(time.Duration(random.IntN(300)) * time.Minute)
		}
	}
	return readings
}

// BenchmarkGrid states what each metric of the grid costs per reading.
func BenchmarkGrid(b *testing.B) {
	readings := fourteenDays(-5 * time.Hour)
	var g Grids
	g.Lay(readings, DexetlGrid())
	f := g.Elapsed
	metrics := []struct {
		name string
		do   func()
	}{
		{"Lay", func() { g.Lay(readings, DexetlGrid()) }},
		{"LayIGLU", func() { new(Grids).Lay(readings, IGLUGrid()) }},
		{"MAG5", func() { f.MAG(5) }},
		{"MAG60", func() { f.MAG(60) }},
		{"GVP", func() { f.GVP() }},
		{"CONGA", func() { f.CONGA(24) }},
		{"MODD", func() { g.Daily.MODD(1) }},
		{"RateOfChange", func() { f.RateOfChange() }},
		{"AUC", func() { f.AUC() }},
		{"Daily", func() { g.Daily.Daily() }},
		{"SDwsh", func() { f.SDwsh() }},
		{"Lability", func() { f.Lability() }},
		{"Distance", func() { distance(g.glucose) }},
		{"Excursions", func() { f.Excursions() }},
		{"MAGE", func() { f.MAGE(MAGEDefault()) }},
		{"NaiveMAGE", func() { naiveMAGE(g.glucose) }},
		{"Everything", func() { g.Lay(readings, DexetlGrid()); g.Variability() }},
	}
	for _, m := range metrics {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.do()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(readings)), "ns/reading")
		})
	}
}
