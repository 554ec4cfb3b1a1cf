//go:build linux || darwin

package export

import "slices"

// derivedRules are those of what follows from records.
func derivedRules(table string) []rule {
	rules := []rule{renamed()}
	moved := func(names string) { rules = append(rules, columns(move, names, whyMoved)) }
	kept := func(names, why string) { rules = append(rules, columns(keep, names, why)) }
	switch table {
	case "glucose", "readings_mmol":
		moved("time_utc local_time local_date")
		rules = append(rules, listed("trend", "trend-type"))
		kept("study_day", "a number of days")
		kept("excluded", whyOwn)
		if table == "readings_mmol" {
			kept("glucose_mmol_l glucose_mgdl trend_rate_mmol_l_min", whyValue)
			break
		}
		rules = append(rules, coded(), listed("status", "egv-status"))
		kept("local_time_source glucose_source", whyOwn)
		kept("glucose_mgdl trend_rate_mgdl_min", whyValue)
		kept("n_sources overlap clock_suspect cadence_min", "of the reading and its neighbours")
	case "glucose_days":
		moved("day local_date first_utc last_utc first_local last_local")
		kept("excluded", whyOwn)
		kept("cadence_min n_readings n_values sum_mgdl sum_mgdl2 glucose_mgdl counts n_low_status n_high_status n_overlap n_clock_suspect n_slots n_linked linked_us wide_us wide_min", "numbers that add up of a day")
	case "coverage_days":
		moved("day first_record last_record")
		kept("resource", whyOwn)
		kept("records slots", whyCount)
		kept("clock_offset_min", "minutes between two clocks, no place")
	case "episodes":
		moved("start_local end_local start_utc end_utc")
		kept("kind preset", whyOwn)
		kept("n_values mean_mgdl level night truncated_start truncated_end extreme_mgdl duration_min", "numbers, or yes and no, of an episode")
	case "gaps":
		moved("gap_start gap_end gap_start_local gap_end_local")
		kept("kind", whyOwn)
		kept("gap_min missing_readings", whyCount)
	case "sensor_sessions":
		rules = append(rules, coded(), listed("transmitter_generation", "transmitter-generation"))
		moved("session_start session_end session_start_local session_end_local")
		kept("session n_records", "numbers in a row, and "+whyCount)
		kept("boundary", whyOwn)
	case "completeness":
		moved("local_date")
		kept("expected_slots n_slots active_window_pct sufficient n_excluded complete_pct", whyCount)
		kept("clock_offset_min", "minutes between two clocks, no place")
	case "current_events":
		moved("system_time display_time")
		rules = append(rules, columns(drop, "record_id", whyIDs))
		rules = append(rules, eventRules()...)
	case "meals":
		moved("start_utc start_local")
		kept("unusable_reason", whyOwn)
		kept("n_entries carbs_g baseline_mgdl peak_mgdl delta_mgdl peak_min recovery_pct present_pct usable", "numbers, or yes and no, of a meal")
	case "meter_pairs":
		moved("time_utc local_time reading_utc")
		rules = append(rules, columns(drop, "record_id", whyIDs))
		kept("meter_source unusable_reason", whyOwn)
		kept("meter_mgdl sensor_mgdl difference_mgdl usable", whyValue)
	case "iglu":
		rules = []rule{columns(rename, "id", whyRenamed)}
		moved("time")
		kept("gl", whyValue)
	case "agp_profile":
		kept("bin_min bin_start_min n_values n_days sufficient p5_mgdl p10_mgdl p25_mgdl p50_mgdl p75_mgdl p90_mgdl p95_mgdl", "times of day and numbers, of many days together")
	default:
		return metricRules(table)
	}
	return rules
}

// metricRules are those of views of metrics.
func metricRules(table string) []rule {
	ofDates := []rule{
		columns(move, "first_local last_local", whyMoved),
		columns(keep, "preset sentinels episode_preset gri_zone", whyOwn),
		metrics(),
	}
	switch table {
	case "participant_metrics":
		return slices.Concat([]rule{renamed(), columns(moveOwn, "first_date last_date", "those of the study: "+whyShared)}, ofDates)
	case "daily_metrics":
		return slices.Concat([]rule{renamed(), columns(move, "local_date", whyMoved)}, ofDates)
	case "period_metrics":
		return slices.Concat([]rule{
			renamed(), columns(keep, "period", "a number in a row"),
			columns(moveOwn, "period_start period_end", "from the first day of the study, where somebody has no anchor_date: "+whyShared),
		}, ofDates)
	case "window_metrics":
		return slices.Concat([]rule{
			renamed(), columns(keepName, "window_name window", "the study's name for it"),
			columns(moveOwn, "window_start window_end", "of windows that are alike for all: "+whyShared),
		}, ofDates)
	case "sensor_metrics":
		return slices.Concat([]rule{
			renamed(), coded(), columns(keep, "session", "a number in a row"),
			columns(move, "session_start session_end first_date last_date", whyMoved),
		}, ofDates)
	case "consensus_metrics":
		return []rule{renamed(), columns(keep, "gri_zone", whyOwn), metrics()}
	case "day_night_metrics":
		return []rule{renamed(), columns(keep, "part", whyOwn), metrics()}
	case "meal_metrics", "meter_agreement":
		return []rule{renamed(), metrics()}
	}
	return nil
}
