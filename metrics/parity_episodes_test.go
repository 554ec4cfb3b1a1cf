package metrics

import (
	"fmt"
)

// episodeParity claims episodes on iglu's grid, and the personal glycemic state,
// which counts them.
func episodeParity() []parityRow {
	trace := once(igluTrace)
	var rows []parityRow
	for _, p := range [][2]float64{{15, 15}, {20, 30}, {120, 15}} {
		rules := IGLUEpisodes(p[0], p[1])
		params := fmt.Sprintf("dur=%v,end=%v", p[0], p[1])
		episodes := once(func(s series) []Episode { return trace(s).Episodes(rules) })
		for kind, is := range igluKinds() {
			for what, of := range igluRates() {
				rows = append(rows, parityRow{"episodes." + kind + "." + what, params, 1e-9, func(s series) float64 {
					return of(RateOf(episodes(s), trace(s).ExposureDays(), is))
				}})
			}
		}
	}
	return append(rows, parityRow{"pgs", "", 1e-9, igluPGS})
}

func igluKinds() map[string]func(Episode) bool {
	return map[string]func(Episode) bool{
		"hypo_lv1":       Of(Hypo1),
		"hypo_lv2":       Of(Hypo2),
		"hypo_extended":  Of(HypoExtended),
		"hyper_lv1":      Of(Hyper1),
		"hyper_lv2":      Of(Hyper2),
		"hypo_lv1_excl":  OnlyLevel1(Hypo1),
		"hyper_lv1_excl": OnlyLevel1(Hyper1),
	}
}

func igluRates() map[string]func(Rate) float64 {
	return map[string]func(Rate) float64{
		"total_episodes":  func(r Rate) float64 { return float64(r.N) },
		"avg_ep_per_day":  func(r Rate) float64 { return r.PerWeek / 7 },
		"avg_ep_duration": func(r Rate) float64 { return zeroOfNone(r.MeanDurationMin) },
		"avg_ep_gl":       func(r Rate) float64 { return r.MeanMgdL },
	}
}

// igluTrace is the grid of a series as readings.
func igluTrace(s series) *Trace {
	grid := igluGrids(s.readings).Elapsed
	var readings []Reading
	for at, g := range grid.Cells() {
		readings = append(readings, Reading{Time: at, Local: at, GlucoseMgdL: g, HasValue: true, CadenceMin: grid.StepMin})
	}
	return NewTrace(readings, grid.StepMin, DefaultNight())
}

// igluPGS takes iglu's own GVP, so that it tests what is added to it.
func igluPGS(s series) float64 {
	d := DistributionOf(s.readings)
	trace := igluTrace(s)
	episodes, days := trace.Episodes(PGSEpisodes()), trace.ExposureDays()
	return PGS(PGSInput{
		GVPPct: s.iglu("gvp", ""), TIRPct: d.Pct(d.Within(70, 180)), MeanMgdL: d.Mean(),
		Hypo1OnlyPerWeek: RateOf(episodes, days, OnlyLevel1(Hypo1)).PerWeek,
		Hypo2PerWeek:     RateOf(episodes, days, Of(Hypo2)).PerWeek,
	})
}
