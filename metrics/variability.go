package metrics

import "iter"

// Variability holds the metrics of one span that depend on the order of its
// readings. What does not exist is NaN; each metric's method says when.
type Variability struct {
	// Points are the cells of the elapsed grid with a value, Missing those without
	// between the first and the last of them, StepMin minutes each. What follows
	// rests on them, however few they are.
	StepMin, Points, Missing int

	MAGMgdLPerH      float64 // at the grid's step: 5 minutes by dexetl-1, the series' own by iglu
	MAG30MgdLPerH    float64
	MAG60MgdLPerH    float64
	GVPPct           float64
	CONGAMgdL        [5]float64 // at CONGAHours
	Rate             RateOfChange
	AUCMgdL          float64
	SDwshMgdL        float64
	LabilityPerH     float64 // (mg/dL)²
	DistanceMgdL     float64
	ExcursionsPerDay float64
	MAGE             MAGE
	NaiveMAGEMgdL    float64

	Daily    Daily
	MODDMgdL float64
}

// CONGAHours are the lags of [Variability.CONGAMgdL].
func CONGAHours() [5]int { return [5]int{1, 2, 4, 6, 24} }

// Variability computes everything of the grids that were laid.
func (g *Grids) Variability() Variability {
	f, day := g.Elapsed, g.Daily
	v := Variability{
		StepMin: f.StepMin, Points: f.Points, Missing: f.Missing,
		MAGMgdLPerH:      f.MAG(f.StepMin),
		MAG30MgdLPerH:    f.MAG(30),
		MAG60MgdLPerH:    f.MAG(60),
		GVPPct:           f.GVP(),
		Rate:             f.RateOfChange(),
		AUCMgdL:          f.AUC(),
		SDwshMgdL:        f.SDwsh(),
		LabilityPerH:     f.Lability(),
		DistanceMgdL:     distance(g.glucose),
		ExcursionsPerDay: f.Excursions(),
		MAGE:             g.fiveMinutes().MAGE(MAGEDefault()),
		NaiveMAGEMgdL:    naiveMAGE(g.glucose),
		Daily:            day.Daily(),
		MODDMgdL:         day.MODD(1),
	}
	for i, hours := range CONGAHours() {
		v.CONGAMgdL[i] = f.CONGA(hours)
	}
	return v
}

// Columns yields every metric under the name of its column, always in the same
// order.
func (v *Variability) Columns() iter.Seq2[string, float64] {
	return inTurn(v.columns())
}

func (v *Variability) columns() []namedValue {
	class := v.Rate.ClassPct
	return []namedValue{
		{"mag_mgdl_h", v.MAGMgdLPerH}, {"mag30_mgdl_h", v.MAG30MgdLPerH}, {"mag60_mgdl_h", v.MAG60MgdLPerH},
		{"gvp_pct", v.GVPPct},
		{"conga1_mgdl", v.CONGAMgdL[0]}, {"conga2_mgdl", v.CONGAMgdL[1]}, {"conga4_mgdl", v.CONGAMgdL[2]},
		{"conga6_mgdl", v.CONGAMgdL[3]}, {"conga24_mgdl", v.CONGAMgdL[4]},
		{"modd_mgdl", v.MODDMgdL},
		{"roc_mean_mgdl_min", v.Rate.MeanMgdLPerMin}, {"roc_sd", v.Rate.SDMgdLPerMin},
		{"roc_below_m3_pct", class[0]}, {"roc_m3_m2_pct", class[1]}, {"roc_m2_m1_pct", class[2]}, {"roc_m1_1_pct", class[3]},
		{"roc_1_2_pct", class[4]}, {"roc_2_3_pct", class[5]}, {"roc_above_3_pct", class[6]},
		{"auc_mgdl", v.AUCMgdL},
		{"cvmean_pct", v.Daily.CVMeanPct}, {"cvsd_pct", v.Daily.CVSDPct},
		{"sdw_mgdl", v.Daily.SDwMgdL}, {"sdhhmm_mgdl", v.Daily.SDhhmmMgdL}, {"sdwsh_mgdl", v.SDwshMgdL},
		{"sddm_mgdl", v.Daily.SDdmMgdL}, {"sdb_mgdl", v.Daily.SDbMgdL}, {"sdbdm_mgdl", v.Daily.SDbdmMgdL},
		{"lability_mgdl2_h", v.LabilityPerH}, {"distance_mgdl", v.DistanceMgdL}, {"excursions_per_day", v.ExcursionsPerDay},
		{"mage_mgdl", v.MAGE.AvgMgdL}, {"mage_plus_mgdl", v.MAGE.PlusMgdL}, {"mage_minus_mgdl", v.MAGE.MinusMgdL},
		{"mage_service_mgdl", v.MAGE.ServiceMgdL}, {"mage_max_mgdl", v.MAGE.MaxMgdL}, {"mage_naive_mgdl", v.NaiveMAGEMgdL},
	}
}
