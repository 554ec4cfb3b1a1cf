package metrics

import (
	"math"
	"testing"
	"time"
)

func TestMetricsOfValues(t *testing.T) {
	iglu := IGLUValues()
	of := func(values ...float64) Distribution { return Distribute(values) }
	sd := math.Sqrt(5000) // of 100 and 200: both are 50 from the mean, 2·50²/1
	tests := []struct {
		name      string
		got, want float64
	}{
		{"IQR", of(5, 1, 4, 2, 3).IQR(), 4 - 2},
		{"IQR between ranks", of(10, 20).IQR(), 17.5 - 12.5},
		{"MAD, away 2 1 0 1 97", of(1, 2, 3, 4, 100).MAD(1), 1},
		{"MAD as SD", of(1, 2, 3, 4, 100).MAD(MADScale), 1.4826},
		{"J-index", of(100, 200).JIndex(), 0.001 * (150 + sd) * (150 + sd)},
		{"CV", of(100, 200).CV(), 100 * sd / 150},
		{"hypo index", of(60, 79, 80, 200).HypoIndex(80), (20*20 + 1) / 30.0 / 4},
		{"hyper index", of(60, 140, 150).HyperIndex(140), math.Pow(10, 1.1) / 30 / 3},
		{"IGC", of(60, 150).IGC(80, 140), (20*20 + math.Pow(10, 1.1)) / 30 / 2},
		{"M-value of the reference", of(90).MValue(90), 0},
		{"M-value a tenth and ten times", of(9, 900).MValue(90), 1000},
		{"M-value of 0 counts as 1", of(0).MValue(100), 1000 * 8},
		{"GRADE, log10(180/18) = 1", of(180).Grade(iglu).Mean, 425 * 0.16 * 0.16},
		{"GRADE is capped", of(39, 800).Grade(iglu).Mean, (gradeOf(39, 18) + 50) / 2},
		{"GRADE where it does not exist", of(0, 10, 18).Grade(iglu).Mean, 50},
		{"COGI at its best", of(100, 100).COGI(iglu.COGI()), 100},
		{"COGI, TIR 50 %, TBR past 15 %", of(60, 60, 100, 100).COGI(iglu.COGI()), 100 * (0.5*0.5 + 0.15*(108-math.Sqrt(1600/3.0))/90)},
		{"COGI, wild", of(401, 401, 401, 39, 39).COGI(iglu.COGI()), 0},
		{"PGS at its centres", PGS(PGSInput{65.47, 55.04, 72.08, 0, 0}), 5.5 + 5.5 + 1 + 9*(0.5+1/(1+math.Exp(0.09195*85.49))) + 0.5 + 0.625},
		{"PGS with as many hypos as count", PGS(PGSInput{65.47, 55.04, 72.08, 7.65, 0}), 5.5 + 5.5 + 1 + 9*(0.5+1/(1+math.Exp(0.09195*85.49))) + 0.5 + 0.625 + 0.5714*7.65},
		{"PGS with many hypos", PGS(PGSInput{65.47, 55.04, 72.08, 7.66, 1e3}), 5.5 + 5.5 + 1 + 9*(0.5+1/(1+math.Exp(0.09195*85.49))) + 5 + 5},
	}
	for _, test := range tests {
		if !near(test.got, test.want, 1e-12) {
			t.Errorf("%s: got %v, want %v", test.name, test.got, test.want)
		}
	}
}

// Of no value nothing exists; of one, nothing that needs two.
func TestMetricsOfFewValues(t *testing.T) {
	none, one := Distribute(nil).Values(DexetlValues().Scores()), Distribute([]float64{120}).Values(DexetlValues().Scores())
	for name, v := range map[string]float64{
		"mean": none.MeanMgdL, "sd": none.SDMgdL, "min": none.MinMgdL, "max": none.MaxMgdL, "iqr": none.IQRMgdL, "mad": none.MADMgdL,
		"j_index": none.JIndex, "gri": none.Risk.GRI, "bgri": none.BGRI, "grade": none.Grade.Mean, "grade hypo": none.Grade.HypoPct,
		"igc": none.IGC, "m_value": none.MValue, "cogi": none.COGI, "censored": none.CensoredPct, "q05": none.PercentilesMgdL[0],
		"adrr": ADRR(nil, RiskScale), "adrr of empty days": ADRR([]Distribution{{}, {}}, RiskScale),
		"sd of one": one.SDMgdL, "cv of one": one.CVPct, "j_index of one": one.JIndex, "cogi of one": one.COGI,
	} {
		if !math.IsNaN(v) {
			t.Errorf("%s: got %v, want NaN", name, v)
		}
	}
	if one.MeanMgdL != 120 || one.MinMgdL != 120 || one.IQRMgdL != 0 || one.MADMgdL != 0 || one.PercentilesMgdL[6] != 120 {
		t.Errorf("one value: got %+v", one)
	}
}

// A part that is not known makes the whole unknown.
func TestPGSOfUnknown(t *testing.T) {
	nan := math.NaN()
	for _, in := range []PGSInput{{nan, 70, 150, 0, 0}, {30, nan, 150, 0, 0}, {30, 70, nan, 0, 0}, {30, 70, 150, nan, 0}, {30, 70, 150, 0, nan}} {
		if got := PGS(in); !math.IsNaN(got) {
			t.Errorf("PGS(%+v): got %v, want NaN", in, got)
		}
	}
	if got := NewTrace(nil, 45, DefaultNight()).PGS(Distribution{}, 30); !math.IsNaN(got) {
		t.Errorf("PGS of nothing: got %v, want NaN", got)
	}
}

// All at once they are what each is alone, also of values that no score is known
// of.
func TestValuesAreTheMetrics(t *testing.T) {
	rules := DexetlValues()
	for _, values := range [][]float64{{39, 53, 69, 70, 112, 141, 180, 251, 401}, {0, 54.5, 99.9, 140.52, 250.25, 1000, 1200}} {
		d := Distribute(values)
		v := d.Values(rules.Scores())
		low, high := d.BloodGlucoseIndices(rules.RiskScale)
		grade := d.Grade(rules)
		for name, pair := range map[string][2]float64{
			"lbgi": {v.LBGI, low}, "hbgi": {v.HBGI, high}, "bgri": {v.BGRI, low + high},
			"grade": {v.Grade.Mean, grade.Mean}, "grade hypo": {v.Grade.HypoPct, grade.HypoPct}, "grade eu": {v.Grade.EuPct, grade.EuPct},
			"hyper index": {v.HyperIndex, d.HyperIndex(140)}, "igc": {v.IGC, d.IGC(80, 140)}, "m_value": {v.MValue, d.MValue(90)},
			"mean": {v.MeanMgdL, d.Mean()}, "sd": {v.SDMgdL, d.SD()}, "mad": {v.MADMgdL, d.MAD(MADScale)}, "iqr": {v.IQRMgdL, d.IQR()},
			"cogi": {v.COGI, d.COGI(rules.COGI())}, "q05": {v.PercentilesMgdL[0], d.Quantile(0.05)}, "tbr50": {float64(v.Further[0]), float64(d.Below(50))},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s of %v: got %v, alone %v", name, values, pair[0], pair[1])
			}
		}
	}
}

// The shares of preset dexetl-1 are shares; those of iglu overlap.
func TestGradeShares(t *testing.T) {
	d := Distribute([]float64{60, 70, 75, 100, 140, 141, 200})
	sum := func(g Grade) float64 { return g.HypoPct + g.EuPct + g.HyperPct }
	if got := sum(d.Grade(DexetlValues())); !near(got, 100, 1e-12) {
		t.Errorf("shares of dexetl-1 add up to %v, want 100", got)
	}
	if got := sum(d.Grade(IGLUValues())); got <= 100 {
		t.Errorf("shares of iglu add up to %v, want more than 100", got)
	}
}

// 3.9 mmol/L are 70.26 mg/dL: 70 is low in GRADE of dexetl-1, and is not in range.
func TestGradeCutOffs(t *testing.T) {
	if got := Distribute([]float64{70}).Grade(DexetlValues()); got.HypoPct != 100 {
		t.Errorf("70 mg/dL: got %+v, want hypo 100 %%", got)
	}
	if got := Distribute([]float64{71, 140}).Grade(DexetlValues()); got.EuPct != 100 {
		t.Errorf("71 and 140 mg/dL: got %+v, want eu 100 %%", got)
	}
}

// A day counts with its lowest and its highest value, by local date.
func TestADRR(t *testing.T) {
	risk := func(g float64) float64 {
		h := math.Pow(math.Log(g), 1.084) - 5.381
		return RiskScale * h * h
	}
	readings := every(12*time.Hour, 50, 300, 60, 100, 200) // days: 50 300 | 60 100 | 200
	var days []Distribution
	for _, day := range LocalDays(readings) {
		days = append(days, DistributionOf(day.Readings))
	}
	want := (risk(50) + risk(300) + risk(60) + risk(200)) / 3
	if got := ADRR(days, RiskScale); !near(got, want, 1e-12) {
		t.Errorf("ADRR: got %v, want %v", got, want)
	}
}

func TestFurtherRangesBorders(t *testing.T) {
	d := Distribute([]float64{49, 50, 53, 54, 59, 60, 62, 63, 69, 70, 120, 121, 140, 141, 180, 181, 200, 201, 250, 251, 300, 301, 350, 351})
	want := map[string]int64{
		"tbr50": 1, "tbr54": 3, "tbr60": 5, "tbr63": 7, "tbr70": 9, "tir63_140": 6, "tir70_250": 10,
		"tar120": 13, "tar140": 11, "tar180": 9, "tar200": 7, "tar250": 5, "tar300": 3, "tar350": 1,
	}
	for _, r := range FurtherRanges() {
		if got := d.In(r); got != want[r.Name] {
			t.Errorf("%s: got %d values, want %d", r.Name, got, want[r.Name])
		}
	}
	if got := (Range{Name: "point", Low: 39, High: 39}); !got.Contains(39) || got.Contains(39.5) {
		t.Errorf("39 to 39 holds 39 alone")
	}
}

func TestTargets(t *testing.T) {
	tir := Targets()[0]
	for value, want := range map[float64]bool{70.01: true, 70: false, 69.9: false} {
		if met, known := tir.Met(value); met != want || !known {
			t.Errorf("%+v of %v: got %v, %v, want %v", tir, value, met, known, want)
		}
	}
	if met, known := tir.Met(math.NaN()); met || known {
		t.Errorf("of no value: got %v, %v, want unknown", met, known)
	}
	if met, known := (Target{Adults, "tar250_pct", false, false, 5}).Met(5); met || !known {
		t.Error("5 % above 250 mg/dL: got met, want not: less than that is the target")
	}
	cv := Target{Adults, "cv_pct", false, true, 36}
	if met, _ := cv.Met(36); !met {
		t.Error("CV of 36 %: got not met, want met")
	}
	// 3 of 4 from 63 to 140; 1 of 4 above 140; SD 0 of none below.
	d := Distribute([]float64{63, 100, 140, 141})
	want := map[string]float64{"tir63_140_pct": 75, "tbr63_pct": 0, "tbr54_pct": 0, "tar140_pct": 25, "tir_pct": 75, "tbr70_pct": 25, "tar180_pct": 0, "tar250_pct": 0, "cv_pct": d.CV()}
	missed := map[string]bool{"tbr70_pct": true, "tar140_pct": true}
	for _, o := range Outcomes(d) {
		if o.Value != want[o.Metric] || !o.Known || o.Met == missed[o.Metric] && o.Metric != "cv_pct" {
			t.Errorf("%+v: want %v, missed %v", o, want[o.Metric], missed[o.Metric])
		}
	}
	if o := Outcomes(Distribution{})[0]; o.Known || !math.IsNaN(o.Value) {
		t.Errorf("of no values: got %+v, want unknown", o)
	}
}
