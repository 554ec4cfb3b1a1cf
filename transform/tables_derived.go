package transform

func glucose() Table {
	return Table{
		Name:      "glucose",
		Comment:   "analysis-ready: one row per participant and moment, phone and receiver merged",
		Partition: ByMonth,
		Columns: []Column{
			participantID(),
			{"time_utc", instant, !null, "UTC by the device's clock (system_time of the chosen record)"},
			{"local_time", instant, null, "wall clock; null when local_time_source is unknown"},
			{"local_date", date, null, "date of local_time"},
			{"local_time_source", text, !null, "sent (offset sent), derived (display - system), roster (participant's time zone), unknown"},
			{"study_day", integer, null, "1 on anchor_date, -1 the day before, no 0; null without anchor_date"},
			{"glucose_mgdl", small, null, "mg/dL; 39 and 401 as sent count as such; null when there is no value"},
			{"glucose_source", text, null, "value (sent), status (39 or 401 for a null value with status low or high); null when there is no value"},
			{"status", text, null, "as in egvs"},
			{"trend", text, null, "as in egvs"},
			{"trend_rate_mgdl_min", double, null, "mg/dL/min"},
			{"transmitter_id", text, null, "as in egvs"},
			{"n_sources", small, !null, "records of egvs merged into this reading"},
			{"overlap", boolean, !null, "another transmitter was running at this moment; its readings are left out"},
			{"clock_suspect", boolean, !null, "offset more than 2 h from the roster's zone for less than 24 h"},
			{"cadence_min", small, null, "minutes the reading stands for: 1, 5 or 15, the grid that its transmitter's run keeps to; null, from an older program, counts as 5"},
		},
		Key: []string{"participant_id", "time_utc"}, Order: []string{"participant_id", "time_utc"},
	}
}

func coverage() Table {
	return Table{
		Name:    "coverage",
		Comment: "one row per participant, resource and merged interval asked",
		Columns: []Column{
			participantID(),
			{"resource", text, !null, "egvs, events, calibrations, alerts, devices, dataRange"},
			{"asked_from", instant, null, "UTC; start of the interval, inclusive; null for resources without a window"},
			{"asked_to", instant, null, "UTC; end of the interval, exclusive"},
			{"asked_at", instant, !null, "UTC; newest answer for any part of the interval"},
			{"records", long, !null, "present records in the interval"},
			{"data_from", instant, null, "UTC; oldest record the API says it has (newest dataRange without lastSyncTime)"},
			{"data_to", instant, null, "UTC; newest record the API says it has"},
		},
		Key: []string{"participant_id", "resource", "asked_from"}, Order: []string{"participant_id", "resource", "asked_from"},
	}
}

func coverageDays() Table {
	return Table{
		Name:      "coverage_days",
		Comment:   "one row per participant, resource and UTC day with a present record: how many there are, without reading them",
		Partition: ByMonth,
		Columns: []Column{
			participantID(),
			{"resource", text, !null, "egvs, events, calibrations, alerts"},
			{"day", instant, !null, "UTC; midnight that begins the day of system_time"},
			{"records", long, !null, "present records of the day"},
			{"slots", long, null, "egvs: of the day's 288 slots of 5 minutes, those with a value, from whichever device; one that stands for 15 minutes fills three; null for other resources"},
			{"first_record", instant, !null, "UTC; system_time of the oldest"},
			{"last_record", instant, !null, "UTC; system_time of the newest"},
			{"clock_offset_min", small, null, "egvs: minutes that the wall clock of most of the day's readings is ahead of the roster's zone; null if under 30 or unknown"},
		},
		Key: []string{"participant_id", "resource", "day"}, Order: []string{"participant_id", "resource", "day"},
	}
}

func rejects() Table {
	return Table{
		Name: "rejects", Comment: "one row per distinct record that could not become a row", Partition: ByReceipt,
		Columns: []Column{
			{"reject_id", text, !null, "sha256 of participant, resource and raw"},
			participantID(),
			{"connection_id", text, !null, "see connections"},
			{"resource", text, !null, "endpoint"},
			{"reason", text, !null, "why, in words that do not change"},
			{"field", text, null, "field at fault"},
			{"raw", text, !null, "the record as sent; of an event, what a person may have written is replaced by its length and is in the raw log only"},
			{"request_id", text, !null, "request that first brought it"},
			{"seen_at", instant, !null, "UTC; when it was first received"},
		},
		Key: []string{"reject_id"}, Order: []string{"participant_id", "seen_at", "reject_id"},
	}
}

func changes() Table {
	return Table{
		Name: "changes", Comment: "one row per change of a record after it was first received", Partition: ByReceipt,
		Columns: []Column{
			participantID(),
			{"resource", text, !null, "endpoint"},
			{"record_id", text, !null, "see the resource's table"},
			{"kind", text, !null, "edited, deleted, vanished, restored, moved"},
			{"before", text, !null, "JSON object of the row before the change; free text of notes is left out"},
			{"request_id", text, !null, "request whose answer showed the change"},
			{"seen_at", instant, !null, "UTC; when that answer was received"},
		},
		Key: []string{"participant_id", "resource", "record_id", "request_id", "kind"}, Order: []string{"participant_id", "seen_at", "resource", "record_id"},
	}
}

func vanishPending() Table {
	return Table{
		Name:    "vanish_pending",
		Comment: "one row per record that a later answer lacked together with so many others that a second answer must agree",
		Columns: []Column{
			participantID(),
			{"resource", text, !null, "endpoint"},
			{"record_id", text, !null, "see the resource's table"},
			{"missing_since", instant, !null, "UTC; when the first answer without the record was received"},
		},
		Key: []string{"participant_id", "resource", "record_id"}, Order: []string{"participant_id", "resource", "record_id"},
	}
}
