package metrics

// allParity claims iglu's all_metrics, which has the metrics that others claim
// under other names. What the day grid claims is not in it.
func allParity(others []parityRow) []parityRow {
	claimed := map[string]parityRow{}
	for _, row := range others {
		claimed[row.metric+" "+row.params] = row
	}
	var rows []parityRow
	for name, of := range igluAliases() {
		row, known := claimed[of]
		if !known {
			panic("no row claims " + of)
		}
		row.metric, row.params = name, "default"
		rows = append(rows, row)
	}
	return rows
}

func igluAliases() map[string]string {
	const all, consensus = "all_metrics.", "all_metrics_consensus."
	aliases := map[string]string{
		all + "ADRR": "adrr ", all + "COGI": "cogi ", all + "eA1C": "ea1c ", all + "GRADE": "grade ",
		all + "GRADE_eugly": "grade_eugly 70-140", all + "GRADE_hyper": "grade_hyper 140", all + "GRADE_hypo": "grade_hypo 80",
		all + "HBGI": "hbgi ", all + "LBGI": "lbgi ", all + "IGC": "igc default", all + "IQR": "iqr_glu ",
		all + "hyper_index": "hyper_index 140,a1.1,c30", all + "hypo_index": "hypo_index 80,b2,d30",
		all + "J_index": "j_index ", all + "M_value": "m_value r=90", all + "MAD": "mad_glu c=1.4826",
		all + "PGS": "pgs ", all + "range": "range_glu ",
		all + "above_140":       "above_percent.above_140 targets=120,140,180,200,250,300",
		all + "in_range_63_140": "in_range_percent.in_range_63_140 ",
		consensus + "mean":      "mean_glu ", consensus + "in_range_70_140": "in_range_percent.in_range_70_140 ",
		consensus + "total_extended_hypo_episodes":  "episodes.hypo_extended.total_episodes dur=15,end=15",
		consensus + "total_extended_hyper_episodes": "episodes.hyper_lv2.total_episodes dur=120,end=15",
	}
	for _, part := range []string{"Min.", "1st Qu.", "Median", "Mean", "3rd Qu.", "Max."} {
		aliases[all+part] = "summary_glu." + part + " "
	}
	for kind := range igluKinds() {
		aliases[all+kind] = "episodes." + kind + ".avg_ep_per_day dur=15,end=15"
	}
	for name, of := range map[string]string{
		"CV": "cv_glu ", "GMI": "gmi ", "GRI": "gri ", "SD": "sd_glu ",
		"active_percent":  "active_percent.active_percent default",
		"above_180":       "above_percent.above_180 targets=120,140,180,200,250,300",
		"above_250":       "above_percent.above_250 targets=120,140,180,200,250,300",
		"below_54":        "below_percent.below_54 targets=50,54,60,63,70",
		"below_70":        "below_percent.below_70 targets=50,54,60,63,70",
		"in_range_70_180": "in_range_percent.in_range_70_180 ",
	} {
		aliases[all+name], aliases[consensus+name] = of, of
	}
	return aliases
}
