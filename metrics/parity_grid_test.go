package metrics

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// gridParity claims what is computed on the day grid.
func gridParity() []parityRow {
	var rows []parityRow
	claim := func(metric, params string, tolerance float64, of func(*Grids) float64) {
		readings := asIGLU(metric, params)
		rows = append(rows, parityRow{metric, params, tolerance, func(s series) float64 { return of(igluGrids(readings(s.readings))) }})
	}
	for metric, of := range gridMetrics() {
		claim(metric[0], metric[1], 1e-12, of)
	}
	for params, of := range mageMetrics() {
		claim("mage", params, 1e-9, of)
	}
	for name, metric := range inAllMetrics() {
		claim("all_metrics."+name, "default", 1e-12, gridMetrics()[metric])
	}
	claim("all_metrics.MAGE", "default", 1e-9, mageMetrics()["ma5/32,dir=avg"])
	return rows
}

// gridNotCompared says which numbers of the day grid no row claims, and why.
func gridNotCompared() map[string]string {
	return map[string]string{
		"all_metrics.MAG ": "there iglu 4.3 still divides by a wrong number of hours; its own mag does not",
	}
}

// asIGLU is what iglu makes of readings at one time where it is not the last
// that counts, as elsewhere on its grid. Ours is always the last one.
func asIGLU(metric, params string) func([]Reading) []Reading {
	switch {
	case strings.HasPrefix(metric, "sd_measures."):
		return averaged
	case params == "naive,sd=1":
		return apart
	}
	return func(readings []Reading) []Reading { return readings }
}

// averaged replaces readings at one time by their mean.
func averaged(readings []Reading) []Reading {
	var result []Reading
	for from := 0; from < len(readings); {
		to, sum := from, 0.0
		for ; to < len(readings) && readings[to].Time.Equal(readings[from].Time); to++ {
			sum += readings[to].GlucoseMgdL
		}
		r := readings[from]
		r.GlucoseMgdL = sum / float64(to-from)
		result = append(result, r)
		from = to
	}
	return result
}

// apart moves readings at one time a microsecond apart, so that each counts.
func apart(readings []Reading) []Reading {
	result := slices.Clone(readings)
	for i := 1; i < len(result); i++ {
		if result[i].Local.Equal(readings[i-1].Local) {
			result[i].Local = result[i-1].Local.Add(time.Microsecond)
		}
	}
	return result
}

// The one series with readings at one time is where iglu differs from itself.
func TestIGLUTreatsDuplicatesInThreeWays(t *testing.T) {
	duplicates := readSeries(t, "edge.csv")["dups"]
	last, mean, both := igluGrids(duplicates).Variability(), igluGrids(averaged(duplicates)).Variability(), igluGrids(apart(duplicates)).Variability()
	if last.Daily.SDwMgdL == mean.Daily.SDwMgdL || last.NaiveMAGEMgdL == both.NaiveMAGEMgdL {
		t.Errorf("duplicates make no difference: SDw %v, naive MAGE %v", last.Daily.SDwMgdL, last.NaiveMAGEMgdL)
	}
	for id, readings := range readSeries(t, "edge.csv") {
		if id != "dups" && len(averaged(readings)) != len(readings) {
			t.Errorf("%s has duplicates too", id)
		}
	}
}

func igluGrids(readings []Reading) *Grids {
	var g Grids
	g.Lay(readings, IGLUGrid())
	return &g
}

// gridMetrics maps iglu's metric and parameters to ours.
func gridMetrics() map[[2]string]func(*Grids) float64 {
	result := map[[2]string]func(*Grids) float64{
		{"auc", "tz"}:                           func(g *Grids) float64 { return g.Elapsed.AUC() },
		{"gvp", ""}:                             func(g *Grids) float64 { return g.Elapsed.GVP() },
		{"mag", "n=dt0"}:                        func(g *Grids) float64 { return g.Variability().MAGMgdLPerH },
		{"mag", "n=30"}:                         func(g *Grids) float64 { return g.Variability().MAG30MgdLPerH },
		{"mag", "n=60"}:                         func(g *Grids) float64 { return g.Variability().MAG60MgdLPerH },
		{"modd", "lag=1"}:                       func(g *Grids) float64 { return g.Variability().MODDMgdL },
		{"modd", "lag=2"}:                       func(g *Grids) float64 { return g.Daily.MODD(2) },
		{"cv_measures.CVmean", ""}:              func(g *Grids) float64 { return g.Variability().Daily.CVMeanPct },
		{"cv_measures.CVsd", ""}:                func(g *Grids) float64 { return g.Variability().Daily.CVSDPct },
		{"sd_measures.SDw", ""}:                 func(g *Grids) float64 { return g.Variability().Daily.SDwMgdL },
		{"sd_measures.SDhhmm", ""}:              func(g *Grids) float64 { return g.Variability().Daily.SDhhmmMgdL },
		{"sd_measures.SDwsh", ""}:               func(g *Grids) float64 { return g.Variability().SDwshMgdL },
		{"sd_measures.SDdm", ""}:                func(g *Grids) float64 { return g.Variability().Daily.SDdmMgdL },
		{"sd_measures.SDb", ""}:                 func(g *Grids) float64 { return g.Variability().Daily.SDbMgdL },
		{"sd_measures.SDbdm", ""}:               func(g *Grids) float64 { return g.Variability().Daily.SDbdmMgdL },
		{"roc_summary.n", "timelag=15"}:         func(g *Grids) float64 { return float64(g.Variability().Rate.N) },
		{"roc_summary.mean", "timelag=15"}:      func(g *Grids) float64 { return g.Variability().Rate.MeanMgdLPerMin },
		{"roc_summary.mean_abs", "timelag=15"}:  func(g *Grids) float64 { return g.Variability().Rate.MeanAbsMgdLPerMin },
		{"roc_summary.min", "timelag=15"}:       func(g *Grids) float64 { return g.Variability().Rate.MinMgdLPerMin },
		{"roc_summary.max", "timelag=15"}:       func(g *Grids) float64 { return g.Variability().Rate.MaxMgdLPerMin },
		{"roc_summary.pct_lt_m3", "timelag=15"}: func(g *Grids) float64 { return g.Variability().Rate.ClassPct[0] },
		{"roc_summary.pct_m1_1", "timelag=15"}:  func(g *Grids) float64 { return g.Variability().Rate.ClassPct[3] },
		{"roc_summary.pct_1_2", "timelag=15"}:   func(g *Grids) float64 { return g.Variability().Rate.ClassPct[4] },
		{"roc_summary.pct_2_3", "timelag=15"}:   func(g *Grids) float64 { return g.Variability().Rate.ClassPct[5] },
		{"roc_summary.pct_gt3", "timelag=15"}:   func(g *Grids) float64 { return g.Variability().Rate.ClassPct[6] },
	}
	for _, hours := range []int{1, 2, 4, 6, 24} {
		result[[2]string{"conga", fmt.Sprint("n=", hours)}] = func(g *Grids) float64 { return g.Elapsed.CONGA(hours) }
	}
	for _, minutes := range []int{5, 15, 30, 60} {
		result[[2]string{"sd_roc", fmt.Sprint("timelag=", minutes)}] = func(g *Grids) float64 { return g.Elapsed.rateOver(minutes).SDMgdLPerMin }
	}
	return result
}

func mageMetrics() map[string]func(*Grids) float64 {
	mage := func(short, long, gapMin int) func(*Grids) MAGE {
		return func(g *Grids) MAGE { return g.fiveMinutes().MAGE(MAGERules{short, long, gapMin}) }
	}
	usual := func(g *Grids) MAGE { return g.Variability().MAGE }
	return map[string]func(*Grids) float64{
		"ma5/32,dir=avg":     func(g *Grids) float64 { return usual(g).AvgMgdL },
		"ma5/32,dir=plus":    func(g *Grids) float64 { return usual(g).PlusMgdL },
		"ma5/32,dir=minus":   func(g *Grids) float64 { return usual(g).MinusMgdL },
		"ma5/32,dir=service": func(g *Grids) float64 { return usual(g).ServiceMgdL },
		"ma5/32,dir=max":     func(g *Grids) float64 { return usual(g).MaxMgdL },
		"ma7/24,dir=avg":     func(g *Grids) float64 { return mage(7, 24, 180)(g).AvgMgdL },
		"max_gap=60":         func(g *Grids) float64 { return mage(5, 32, 60)(g).AvgMgdL },
		"naive,sd=1":         func(g *Grids) float64 { return g.Variability().NaiveMAGEMgdL },
	}
}

// inAllMetrics maps what iglu's all_metrics repeats.
func inAllMetrics() map[string][2]string {
	return map[string][2]string{
		"AUC":              {"auc", "tz"},
		"Conga":            {"conga", "n=24"},
		"GVP":              {"gvp", ""},
		"MODD":             {"modd", "lag=1"},
		"SD.Roc":           {"sd_roc", "timelag=15"},
		"SDw":              {"sd_measures.SDw", ""},
		"SDhhmm":           {"sd_measures.SDhhmm", ""},
		"SDwsh":            {"sd_measures.SDwsh", ""},
		"SDdm":             {"sd_measures.SDdm", ""},
		"SDb":              {"sd_measures.SDb", ""},
		"SDbdm":            {"sd_measures.SDbdm", ""},
		"CV_Measures_Mean": {"cv_measures.CVmean", ""},
		"CV_Measures_SD":   {"cv_measures.CVsd", ""},
	}
}
