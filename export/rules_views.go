//go:build linux || darwin

package export

import "slices"

// movedTimes and ofList are what most tables have.
func movedTimes(names string) rule { return columns(move, names, whyMoved) }
func ofList(names string) rule     { return columns(keep, names, whyOwn) }

// derivedRules are those of what follows from records.
func derivedRules(table string) []rule {
	switch table {
	case "glucose":
		return []rule{
			renamed(), coded(), movedTimes("time_utc local_time local_date"),
			listed("trend", "trend-type"), listed("status", "egv-status"),
			ofList("local_time_source glucose_source excluded"),
			columns(keep, "study_day", "a number of days"),
			columns(keep, "glucose_mgdl trend_rate_mgdl_min", whyValue),
			columns(keep, "n_sources overlap clock_suspect cadence_min", "of the reading and its neighbours"),
		}
	case "readings_mmol":
		return []rule{
			renamed(), movedTimes("time_utc local_time local_date"), listed("trend", "trend-type"), ofList("excluded"),
			columns(keep, "study_day", "a number of days"),
			columns(keep, "glucose_mmol_l glucose_mgdl trend_rate_mmol_l_min", whyValue),
		}
	case "iglu":
		return []rule{columns(rename, "id", whyRenamed), movedTimes("time"), columns(keep, "gl", whyValue)}
	case "glucose_days":
		return []rule{
			renamed(), movedTimes("day local_date first_utc last_utc first_local last_local"), ofList("excluded"),
			columns(keep, "cadence_min n_readings n_values sum_mgdl sum_mgdl2 glucose_mgdl counts n_low_status n_high_status n_overlap n_clock_suspect n_slots n_linked linked_us wide_us wide_min", "numbers that add up of a day"),
		}
	case "coverage_days":
		return []rule{renamed(), movedTimes("day first_record last_record"), ofList("resource"), columns(keep, "records slots", whyCount), clockOffset()}
	case "completeness":
		return []rule{
			renamed(), movedTimes("local_date"), clockOffset(),
			columns(keep, "expected_slots n_slots active_window_pct sufficient n_excluded complete_pct", whyCount),
		}
	}
	return momentRules(table)
}

func clockOffset() rule {
	return columns(keep, "clock_offset_min", "minutes between two clocks, no place")
}

// momentRules are those of what happens at times, and of times of day.
func momentRules(table string) []rule {
	switch table {
	case "episodes":
		return []rule{
			renamed(), movedTimes("start_local end_local start_utc end_utc"), ofList("kind preset"),
			columns(keep, "n_values mean_mgdl level night truncated_start truncated_end metrics_version extreme_mgdl duration_min", "numbers, or yes and no, of an episode"),
		}
	case "gaps":
		return []rule{
			renamed(), movedTimes("gap_start gap_end gap_start_local gap_end_local"), ofList("kind"),
			columns(keep, "gap_min missing_readings", whyCount),
		}
	case "sensor_sessions":
		return []rule{
			renamed(), coded(), listed("transmitter_generation", "transmitter-generation"), ofList("boundary"),
			movedTimes("session_start session_end session_start_local session_end_local"),
			columns(keep, "session n_records", "numbers in a row, and "+whyCount),
		}
	case "current_events":
		return append(eventRules(), renamed(), movedTimes("system_time display_time"), columns(drop, "record_id", whyIDs))
	case "meals":
		return []rule{
			renamed(), movedTimes("start_utc start_local"), ofList("unusable_reason"),
			columns(keep, "n_entries carbs_g baseline_mgdl peak_mgdl delta_mgdl peak_min recovery_pct present_pct usable", "numbers, or yes and no, of a meal"),
		}
	case "meter_pairs":
		return []rule{
			renamed(), movedTimes("time_utc local_time reading_utc"), ofList("meter_source unusable_reason"),
			columns(drop, "record_id", whyIDs),
			columns(keep, "meter_mgdl sensor_mgdl difference_mgdl usable", whyValue),
		}
	case "agp_profile":
		return []rule{
			renamed(), ofList("preset sentinels"),
			columns(keep, "metrics_version bin_min bin_start_min n_values n_days sufficient p5_mgdl p10_mgdl p25_mgdl p50_mgdl p75_mgdl p90_mgdl p95_mgdl", "times of day and numbers, of many days together"),
		}
	}
	return metricRules(table)
}

// metricRules are those of views of metrics.
func metricRules(table string) []rule {
	all := []rule{ofList("preset sentinels episode_preset gri_zone"), metrics()}
	ofDates := append(all, movedTimes("first_local last_local"))
	switch table {
	case "participant_metrics":
		return slices.Concat([]rule{renamed(), columns(moveOwn, "first_date last_date", "those of the study: "+whyShared)}, ofDates)
	case "daily_metrics":
		return slices.Concat([]rule{renamed(), movedTimes("local_date")}, ofDates)
	case "period_metrics":
		return slices.Concat([]rule{
			renamed(), columns(keep, "period", "a number in a row"),
			columns(moveOwn, "period_start period_end first_local last_local", "from the first day of the study, where somebody has no anchor_date: "+whyShared),
		}, all)
	case "window_metrics":
		return slices.Concat([]rule{
			renamed(), columns(keepName, "window_name window", "the study's name for it"),
			columns(moveOwn, "window_start window_end first_local last_local", "of windows that are alike for many: "+whyShared),
		}, all)
	case "sensor_metrics":
		return slices.Concat([]rule{
			renamed(), coded(), columns(keep, "session", "a number in a row"),
			movedTimes("session_start session_end first_date last_date"),
		}, ofDates)
	case "consensus_metrics":
		return []rule{renamed(), ofList("gri_zone preset sentinels"), metrics()}
	case "day_night_metrics":
		return []rule{renamed(), ofList("part preset sentinels"), metrics()}
	case "meal_metrics", "meter_agreement":
		return []rule{renamed(), ofList("preset sentinels"), metrics()}
	}
	return nil
}
