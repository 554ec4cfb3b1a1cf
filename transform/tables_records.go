package transform

import "slices"

func participantID() Column {
	return Column{"participant_id", text, !null, "study pseudonym from the roster"}
}

func deviceColumns() []Column {
	return []Column{
		{"transmitter_generation", text, null, generations.orAsSent()},
		{"transmitter_generation_variant", text, null, "d1+ (ONE+), g6, g7, g715day (G7 15 Day), or as sent; absent before 2025"},
		{"display_device", text, null, displayDevices.orAsSent()},
		{"display_app", text, null, "app that sent the record; free text"},
	}
}

func lineage() []Column {
	return []Column{
		{"extra", text, null, "JSON object of what was sent and has no column, or was normalised; else null"},
		{"request_id", text, !null, "request whose answer brought this content; see requests"},
		{"first_seen_at", instant, !null, "UTC; when this content was first received"},
	}
}

// record is a table of the records of a resource: the columns common to all of
// them around its own.
func record(name, resource, comment string, own ...Column) Table {
	columns := []Column{
		participantID(),
		{"connection_id", text, !null, "Dexcom account connection that delivered the record; see connections"},
		{"source", text, !null, "api"},
		{"record_id", text, !null, "as sent; sha256:<hex> of resource and content where none was sent"},
		{"system_time", instant, !null, "UTC by the device's clock"},
		{"display_time", instant, null, "wall clock the person saw"},
		{"utc_offset_min", small, null, "minutes display_time is ahead of UTC; null if unknown or implausible"},
		{"utc_offset_source", text, !null, "sent (by the device), derived (display - system, rounded to 15 min), unknown"},
		{"transmitter_id", text, null, "hashed by Dexcom; null when absent or empty"},
		{"transmitter_ticks", long, null, "seconds since the transmitter was started"},
	}
	vanished := Column{"vanished_at", instant, null, "UTC; when a later answer for the window first lacked the record; null while present"}
	return Table{
		Name: name, Comment: comment,
		Kind: Record, Resource: resource, Time: "system_time",
		Columns: slices.Concat(columns, deviceColumns(), own, lineage(), []Column{vanished}),
		Key:     []string{"participant_id", "record_id"}, Order: []string{"participant_id", "system_time", "record_id"},
		Learned: []string{"request_id", "first_seen_at", "vanished_at"}, Unique: []string{"record_id", "extra"},
		Values: values{"source": {"api"}, "utc_offset_source": {"sent", "derived", "unknown"}},
	}
}

func egvs() Table {
	t := record("egvs", "egvs", "one row per estimated glucose value the API sent",
		Column{"glucose_mgdl", small, null, "mg/dL as sent; 39 means below 40, 401 above 400"},
		Column{"status", text, null, statuses.orAsSent() + "; null in range"},
		Column{"trend", text, null, "doubleUp ... doubleDown, none, notComputable, rateOutOfRange, unknown, or as sent"},
		Column{"trend_rate_mgdl_min", double, null, "mg/dL/min as sent"},
	)
	t.HotDays = true
	return t
}

func events() Table {
	t := record("events", "events", "one row per event the person entered, in its last state",
		Column{"event_type", text, null, eventTypes.orAsSent()},
		Column{"event_subtype", text, null, "fastActing, longActing; light, medium, heavy; illness ... alcohol; unknown, or as sent"},
		Column{"value", double, null, "in unit; null where value_text is no number"},
		Column{"value_text", text, null, "the value exactly as sent; null for notes and whatever else is no number: that may be free text and is in event_notes"},
		Column{"unit", text, null, "units, grams, minutes, mg/dL, unknown, or as sent"},
		Column{"event_status", text, null, eventStatuses.orAsSent()},
		Column{"recorded_system_time", instant, null, "UTC by the device's clock; when the entry was made"},
		Column{"recorded_display_time", instant, null, "wall clock when the entry was made"},
	)
	t.Version, t.Sound = 2, 2 // 2: no text of people in extra
	return t
}

// eventNotes holds free text apart from everything analysts open.
func eventNotes() Table {
	t := record("event_notes", "events", "one row per event with text that has no place in events: a note, any other value that is no number, fields without a column; it may identify a person",
		Column{"note", text, null, "the value exactly as sent; null where events has it"},
	)
	t.Hidden, t.Unique = true, append(t.Unique, "note")
	t.Version, t.Sound = 2, 2 // 2: also of events with a number
	return t
}

func calibrations() Table {
	return record("calibrations", "calibrations", "one row per fingerstick value entered to calibrate a sensor",
		Column{"glucose_mgdl", small, null, "mg/dL as sent"},
	)
}

func alerts() Table {
	return record("alerts", "alerts", "one row per change of an alert's state",
		Column{"alert_name", text, null, alertNames.orAsSent()},
		Column{"alert_state", text, null, alertStates.orAsSent()},
	)
}
