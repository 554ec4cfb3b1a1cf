package metrics

// gridParity claims what is computed on the day grid.
func gridParity() []parityRow { return nil }

// gridNotCompared says which numbers of the day grid no row claims, and why.
func gridNotCompared() map[string]string {
	reasons := map[string]string{}
	for _, start := range []string{
		"auc", "conga", "cv_measures", "gvp", "mag ", "mage", "modd", "roc_summary", "sd_measures", "sd_roc",
		"all_metrics.AUC", "all_metrics.CV_Measures", "all_metrics.Conga", "all_metrics.GVP", "all_metrics.MAG", "all_metrics.MODD",
		"all_metrics.SD.Roc", "all_metrics.SDb", "all_metrics.SDdm", "all_metrics.SDhhmm", "all_metrics.SDw",
	} {
		reasons[start] = "on the day grid"
	}
	return reasons
}
