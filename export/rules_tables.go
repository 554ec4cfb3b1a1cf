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

func renamed() Rule { return columns(Renamed, "participant_id", whyRenamed) }
func coded() Rule   { return columns(Coded, "transmitter_id", whyCoded) }

// rulesOf are those of a table that may be in a de-identified export.
func rulesOf(table string) []Rule {
	switch table {
	case "participants":
		return []Rule{
			renamed(),
			columns(Dropped, "site timezone", "where somebody lives or is treated"),
			columns(Dropped, "consent_date", "between the study and the person; nobody needs it for glucose"),
			columns(Named, "cohort arm", "groups to compare, by the study's names for them"),
			columns(Kept, "status region", whyOwn),
			columns(Shared, "status_date study_start study_end", whyShared),
			columns(Moved, "anchor_date", "study day 1, which study_day tells as well"),
		}
	case windowsTable:
		return []Rule{
			renamed(),
			columns(Named, "window_name window", "the study's name for it"),
			columns(Shared, "start_date end_date", "of windows that are alike for all: "+whyShared),
			columns(Kept, "start_day end_day", "study days are no dates"),
		}
	case "exclusions":
		return []Rule{renamed(), columns(Moved, "from_local to_local", whyMoved), columns(Dropped, "reason", whyText)}
	case "withdrawals":
		return []Rule{renamed(), columns(Moved, "effective_at", whyMoved), columns(Dropped, "recorded_at", whyLearned)}
	case "egvs", "events", "calibrations", "alerts":
		return recordRules(table)
	case "devices", "alert_settings":
		return deviceRules(table)
	case "metric_catalogue":
		return []Rule{columns(Kept, "metric unit definition citation denominator loinc parameters edge_cases version views", "of the program, about nobody")}
	case "metric_preset":
		return []Rule{columns(Kept, "preset sentinels metrics_version", "of the program, about nobody")}
	}
	return derivedRules(table)
}

func deviceWords() []Rule {
	return []Rule{
		listed("transmitter_generation", "transmitter-generation"),
		listed("transmitter_generation_variant", "transmitter-generation-variant"),
		listed("display_device", "display-device"),
		columns(Dropped, "display_app", whyText),
	}
}

// recordRules are those of records of a resource.
func recordRules(table string) []Rule {
	rules := slices.Concat([]Rule{
		renamed(), coded(),
		columns(Dropped, "connection_id record_id request_id", whyIDs),
		columns(Kept, "source utc_offset_source", whyOwn),
		columns(Moved, "system_time display_time", whyMoved),
		columns(Kept, "utc_offset_min", "without it nobody can go from UTC to the wall clock; a part of the world, no place"),
		columns(Kept, "transmitter_ticks", "seconds since a start, no date"),
	}, deviceWords(), []Rule{
		columns(Dropped, "extra", whyText),
		columns(Dropped, "first_seen_at vanished_at", whyLearned),
	})
	switch table {
	case "egvs":
		return append(rules, listed("status", "egv-status"), listed("trend", "trend-type"), columns(Kept, "glucose_mgdl trend_rate_mgdl_min", whyValue))
	case "events":
		return append(rules, eventRules()...)
	case "calibrations":
		return append(rules, columns(Kept, "glucose_mgdl", whyValue))
	}
	return append(rules, listed("alert_name", "alert-name"), listed("alert_state", "alert-state"))
}

func eventRules() []Rule {
	return []Rule{
		listed("event_type", "event-type"), listed("event_subtype", "event-subtype"), listed("unit", "event-unit"), listed("event_status", "event-status"),
		columns(Typed, "value", whyValue+"; of a type that nobody knows it may be a telephone number"),
		columns(Dropped, "value_text", whyText),
		columns(Moved, "recorded_system_time recorded_display_time", whyMoved),
	}
}

// eventTypes are those of Dexcom's list.
func eventTypes() []string { return listed("event_type", "event-type").words }

// deviceRules are those of versions of devices and their settings.
func deviceRules(table string) []Rule {
	rules := slices.Concat([]Rule{
		renamed(), coded(),
		columns(Dropped, "connection_id request_id", whyIDs),
		columns(Kept, "source", whyOwn),
	}, deviceWords(), []Rule{
		columns(Dropped, "extra", whyText),
		columns(Dropped, "first_seen_at valid_from valid_to", whyLearned),
	})
	if table == "devices" {
		return append(rules,
			columns(Dropped, "content_hash", "a hash without a key: whoever guesses the settings can test it"),
			columns(Dropped, "last_upload_date", whyLearned),
			columns(Kept, "n_alert_schedules", whyCount))
	}
	weekday, _ := dexcom.TypeNamed("day-of-week")
	return append(rules,
		columns(Dropped, "schedule_name override_end_time", whyText),
		columns(Kept, "schedule_index setting_index", "places in a list"),
		columns(Kept, "is_default_schedule schedule_enabled schedule_active override_enabled enabled", "yes or no"),
		formed("start_time end_time", `[0-9]{1,2}:[0-9]{2}( [AaPp][Mm])?`, "times of day; any other text may be anything"),
		formed("days_of_week", list(weekday.Values), "days of the week; any other text may be anything"),
		listed("alert_name", "alert-name"), listed("unit", "setting-unit"),
		listed("override_mode", "override-mode"), listed("sound_theme", "sound-theme"), listed("sound_output_mode", "sound-output-mode"),
		columns(Kept, "value snooze_min delay_min secondary_trigger_condition", "thresholds that a phone lets people choose"),
		columns(Shared, "setting_system_time setting_display_time", "of a setting that nobody ever changed, the maker's date: "+whyShared))
}
