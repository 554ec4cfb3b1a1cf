package main

import (
	"maps"
	"strconv"
)

// igluColumns is what iglu calls our metrics, metric and parameters, and by what its
// value is to be multiplied.
func igluColumns() map[string]igluColumn {
	columns := map[string]igluColumn{"active_pct": {"active_percent.active_percent|default", 1}}
	for column, name := range igluNames() {
		columns[column] = igluColumn{name, 1}
	}
	for column, name := range igluSpans() {
		columns[column] = igluColumn{name, 1}
	}
	maps.Copy(columns, igluRates())
	return columns
}

type igluColumn struct {
	name  string
	times float64
}

// igluSpans are the metrics that depend on the order of readings.
func igluSpans() map[string]string {
	columns := map[string]string{
		"auc_mgdl": "auc|tz", "gvp_pct": "gvp|", "pgs": "pgs|", "modd_mgdl": "modd|lag=1",
		"mag_mgdl_h": "mag|n=dt0", "mag30_mgdl_h": "mag|n=30", "mag60_mgdl_h": "mag|n=60",
		"cvmean_pct": "cv_measures.CVmean|", "cvsd_pct": "cv_measures.CVsd|",
		"sdw_mgdl": "sd_measures.SDw|", "sdhhmm_mgdl": "sd_measures.SDhhmm|", "sdwsh_mgdl": "sd_measures.SDwsh|",
		"sddm_mgdl": "sd_measures.SDdm|", "sdb_mgdl": "sd_measures.SDb|", "sdbdm_mgdl": "sd_measures.SDbdm|",
		"roc_mean_mgdl_min": "roc_summary.mean|timelag=15", "roc_sd": "sd_roc|timelag=15",
		"roc_below_m3_pct": "roc_summary.pct_lt_m3|timelag=15", "roc_m1_1_pct": "roc_summary.pct_m1_1|timelag=15",
		"roc_1_2_pct": "roc_summary.pct_1_2|timelag=15", "roc_2_3_pct": "roc_summary.pct_2_3|timelag=15",
		"roc_above_3_pct": "roc_summary.pct_gt3|timelag=15",
		"mage_mgdl":       "mage|ma5/32,dir=avg", "mage_naive_mgdl": "mage|naive,sd=1",
	}
	for _, direction := range []string{"plus", "minus", "service", "max"} {
		columns["mage_"+direction+"_mgdl"] = "mage|ma5/32,dir=" + direction
	}
	for _, hours := range []int{1, 2, 4, 6, 24} {
		columns["conga"+strconv.Itoa(hours)+"_mgdl"] = "conga|n=" + strconv.Itoa(hours)
	}
	return columns
}

// igluRates are the rates of episodes, which iglu has per day.
func igluRates() map[string]igluColumn {
	columns := map[string]igluColumn{}
	for ours, theirs := range map[string]string{
		"hypo1": "hypo_lv1", "hypo2": "hypo_lv2", "hypo_extended": "hypo_extended", "hypo1_only": "hypo_lv1_excl",
		"hyper1": "hyper_lv1", "hyper2": "hyper_lv2", "hyper1_only": "hyper_lv1_excl",
	} {
		columns[ours+"_per_week"] = igluColumn{"episodes." + theirs + ".avg_ep_per_day|dur=15,end=15", 7}
	}
	return columns
}
