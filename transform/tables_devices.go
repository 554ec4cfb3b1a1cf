package transform

import "slices"

// versions is a table of the versions of a device: the columns common to both
// of them around its own. Beyond the device and its version, more is its key.
func versions(name, comment string, more []string, own ...Column) Table {
	columns := []Column{
		participantID(),
		{"connection_id", text, !null, "see connections"},
		{"source", text, !null, "api"},
		{"transmitter_id", text, null, "hashed by Dexcom; null when absent or empty"},
	}
	validity := []Column{
		{"valid_from", instant, !null, "UTC; when this version was first received"},
		{"valid_to", instant, null, "UTC; when a different version was received; null for the current one"},
	}
	device := []string{"participant_id", "transmitter_id", "transmitter_generation", "display_device", "display_app"}
	return Table{
		Name: name, Comment: comment,
		Kind: Version, Resource: "devices", History: true,
		Columns: slices.Concat(columns, deviceColumns(), own, lineage(), validity),
		Key:     slices.Concat(device, []string{"valid_from"}, more),
		Learned: []string{"request_id", "first_seen_at"}, Unique: []string{"extra"}, Values: values{"source": {"api"}},
	}
}

func devices() Table {
	return versions("devices", "one row per version of a device and its settings", nil,
		Column{"content_hash", text, !null, "sha256 of the version's content without upload and change times"},
		Column{"last_upload_date", instant, null, "UTC by Dexcom's servers; the newest one received for this version"},
		Column{"n_alert_schedules", integer, !null, "alert schedules in this version; see alert_settings"},
	)
}

func alertSettings() Table {
	return versions("alert_settings", "one row per alert setting of a device version", []string{"schedule_index", "setting_index"},
		Column{"schedule_index", small, !null, "place of the schedule in the device's list, from 0"},
		Column{"setting_index", small, !null, "place of the setting in its schedule, from 0"},
		Column{"schedule_name", text, null, "empty for the default schedule"},
		Column{"is_default_schedule", boolean, null, "as sent"},
		Column{"schedule_enabled", boolean, null, "as sent"},
		Column{"schedule_active", boolean, null, "as sent"},
		Column{"start_time", text, null, "HH:mm as sent"},
		Column{"end_time", text, null, "HH:mm as sent"},
		Column{"days_of_week", text, null, "comma-separated, as sent"},
		Column{"override_enabled", boolean, null, "as sent"},
		Column{"override_mode", text, null, overrideModes.orAsSent()},
		Column{"override_end_time", text, null, "as sent"},
		Column{"alert_name", text, null, "as in alerts; null for a schedule without settings"},
		Column{"value", double, null, "threshold in unit, as sent"},
		Column{"unit", text, null, "mg/dL, mg/dL/min, minutes, ..., or as sent"},
		Column{"snooze_min", integer, null, "minutes, as sent"},
		Column{"enabled", boolean, null, "as sent"},
		Column{"delay_min", integer, null, "minutes, as sent"},
		Column{"secondary_trigger_condition", integer, null, "mg/dL, as sent"},
		Column{"sound_theme", text, null, soundThemes.orAsSent()},
		Column{"sound_output_mode", text, null, outputModes.orAsSent()},
		Column{"setting_system_time", instant, null, "UTC by the device's clock; last change by the person"},
		Column{"setting_display_time", instant, null, "wall clock of that change"},
	)
}
