//go:build linux || darwin

package export

import (
	"slices"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Why columns are as they are, where several tables say the same.
const (
	whyRenamed = "the key stays with the study"
	whyCoded   = "another code for whoever else wore it; the same in all tables"
	whyMoved   = "weekday, time of day and intervals stay"
	whyValue   = "what was measured, or entered as a number"
	whyCount   = "how many there are"
	whyOwn     = "words that dexetl wrote, of a list of its own"
	whyIDs     = "names records, requests and accounts"
	whyLearned = "when this machine or Dexcom's learned it: alike for many, so that it would tell the weeks"
	whyText    = "text that people, phones or programs may have written"
	whyShared  = "one date for many, which would tell the weeks"
)

func renamed() rule { return columns(rename, "participant_id", whyRenamed) }
func coded() rule   { return columns(recode, "transmitter_id", whyCoded) }

// rulesOf are those of a table that may be in a de-identified export.
func rulesOf(table string) []rule {
	switch table {
	case "participants":
		return []rule{
			renamed(),
			columns(drop, "site timezone", "where somebody lives or is treated"),
			columns(drop, "consent_date", "between the study and the person; nobody needs it for glucose"),
			columns(keepName, "cohort arm", "groups to compare, by the study's names for them"),
			ofList("status region"),
			columns(moveOwn, "status_date study_start study_end", whyShared),
			columns(move, "anchor_date", "study day 1, which study_day tells as well"),
		}
	case windowsTable:
		return []rule{
			renamed(),
			columns(keepName, "window_name window", "the study's name for it"),
			columns(moveOwn, "start_date end_date", "of windows that are alike for many: "+whyShared),
			columns(keep, "start_day end_day", "study days are no dates"),
		}
	case "exclusions":
		return []rule{renamed(), movedTimes("from_local to_local"), columns(drop, "reason", whyText)}
	case "withdrawals":
		return []rule{renamed(), movedTimes("effective_at"), columns(drop, "recorded_at", whyLearned)}
	case "egvs", "events", "calibrations", "alerts":
		return recordRules(table)
	case "devices", "alert_settings":
		return deviceRules(table)
	case "metric_catalogue":
		return []rule{columns(keep, "metric unit definition citation denominator loinc parameters edge_cases version views", "of the program, about nobody")}
	case "metric_preset":
		return []rule{columns(keep, "preset sentinels metrics_version", "of the program, about nobody")}
	}
	return derivedRules(table)
}

func deviceWords() []rule {
	return []rule{
		listed("transmitter_generation", "transmitter-generation"),
		listed("transmitter_generation_variant", "transmitter-generation-variant"),
		listed("display_device", "display-device"),
		columns(drop, "display_app", whyText),
	}
}

// recordRules are those of records of a resource.
func recordRules(table string) []rule {
	rules := slices.Concat([]rule{
		renamed(), coded(),
		columns(drop, "connection_id record_id request_id", whyIDs),
		ofList("source utc_offset_source"),
		movedTimes("system_time display_time"),
		columns(keep, "utc_offset_min", "without it nobody can go from UTC to the wall clock; a part of the world, no place"),
		columns(drop, "transmitter_ticks", "a counter of the device; sensor_sessions has what follows of it"),
	}, deviceWords(), []rule{
		columns(drop, "extra", whyText),
		columns(drop, "first_seen_at vanished_at", whyLearned),
	})
	switch table {
	case "egvs":
		return append(rules, listed("status", "egv-status"), listed("trend", "trend-type"), columns(keep, "glucose_mgdl trend_rate_mgdl_min", whyValue))
	case "events":
		return append(rules, eventRules()...)
	case "calibrations":
		return append(rules, columns(keep, "glucose_mgdl", whyValue))
	}
	return append(rules, listed("alert_name", "alert-name"), listed("alert_state", "alert-state"))
}

func eventRules() []rule {
	return []rule{
		listed("event_type", "event-type"), listed("event_subtype", "event-subtype"), listed("unit", "event-unit"), listed("event_status", "event-status"),
		columns(keepTyped, "value", whyValue+"; of a type that nobody knows it may be a telephone number"),
		columns(drop, "value_text", whyText),
		movedTimes("recorded_system_time recorded_display_time"),
	}
}

// eventTypes are those of Dexcom's list.
func eventTypes() []string { return listed("event_type", "event-type").words }

// deviceRules are those of versions of devices and their settings.
func deviceRules(table string) []rule {
	rules := slices.Concat([]rule{
		renamed(), coded(),
		columns(drop, "connection_id request_id", whyIDs),
		ofList("source"),
	}, deviceWords(), []rule{
		columns(drop, "extra", whyText),
		columns(drop, "first_seen_at valid_from valid_to", whyLearned),
	})
	if table == "devices" {
		return append(rules,
			columns(drop, "content_hash", "a hash without a key: whoever guesses the settings can test it"),
			columns(drop, "last_upload_date", whyLearned),
			columns(keep, "n_alert_schedules", whyCount))
	}
	weekday, _ := dexcom.TypeNamed("day-of-week")
	return append(rules,
		columns(drop, "schedule_name override_end_time", whyText),
		columns(keep, "schedule_index setting_index", "places in a list"),
		columns(keep, "is_default_schedule schedule_enabled schedule_active override_enabled enabled", "yes or no"),
		formed("start_time end_time", `[0-9]{1,2}:[0-9]{2}( [AaPp][Mm])?`, "times of day; any other text may be anything"),
		formed("days_of_week", list(weekday.Values), "days of the week; any other text may be anything"),
		listed("alert_name", "alert-name"), listed("unit", "setting-unit"),
		listed("override_mode", "override-mode"), listed("sound_theme", "sound-theme"), listed("sound_output_mode", "sound-output-mode"),
		columns(keep, "value snooze_min delay_min secondary_trigger_condition", "thresholds that a phone lets people choose"),
		columns(moveOwn, "setting_system_time setting_display_time", "of settings that nobody ever changed, a date of the maker: "+whyShared))
}
