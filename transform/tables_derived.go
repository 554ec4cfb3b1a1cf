package transform

func glucose() Table {
	return Table{
		Name: "glucose", Comment: "analysis-ready: one row per participant and moment, phone, receiver and watch merged",
		Kind: Derived, Time: "time_utc", HotDays: true,
		Columns: []Column{
			participantID(),
			{"time_utc", instant, !null, "UTC by the device's clock (system_time of the chosen record)"},
			{"local_time", instant, null, "wall clock; null when local_time_source is unknown"},
			{"local_date", date, null, "date of local_time"},
			{"local_time_source", text, !null, "sent (offset sent), derived (display - system), roster (participant's time zone), unknown"},
			{"study_day", integer, null, "1 on anchor_date, -1 the day before, no 0; null without anchor_date"},
			{"glucose_mgdl", small, null, "mg/dL; 39 and 401 as sent count as such; null when there is no value from 39 to 401"},
			{"glucose_source", text, null, "value (sent), status (39 or 401 for a null value with status low or high), implausible (egvs has a value outside 39 to 401, a code or an error); null when no value was sent"},
			{"status", text, null, "as in egvs"},
			{"trend", text, null, "as in egvs"},
			{"trend_rate_mgdl_min", double, null, "mg/dL/min"},
			{"transmitter_id", text, null, "as in egvs"},
			{"n_sources", small, !null, "records of egvs merged into this reading"},
			{"overlap", boolean, !null, "another transmitter measured within 150 s of this moment; that is left out"},
			{"clock_suspect", boolean, !null, "offset more than 2 h from the roster's zone for less than 24 h"},
			{"cadence_min", small, null, "minutes the reading stands for: 1, 5 or 15, the grid that the readings around this one keep to; null, from an older program, counts as 5"},
			{"excluded", text, null, "why metrics leave the reading out: exclusion (local_time lies in an interval of exclusions), implausible (see glucose_source), no_value; null: it counts wherever it lies in the dates asked for"},
		},
		Key: []string{"participant_id", "time_utc"},
		Values: values{
			"local_time_source": {"sent", "derived", "roster", "unknown"},
			"glucose_source":    {"value", "status", "implausible"},
			"cadence_min":       cadences(), "excluded": reasons(),
		},
		// 2: cadence_min, transmitters in runs, implausible values; 3: excluded;
		// 4: glucose_days goes with it
		Version: 4, Sound: 3,
	}
}

// cadences are those that a reading can have.
func cadences() []any { return []any{1, 5, 15} }

// reasons are those for which metrics leave a reading out.
func reasons() []any { return []any{"exclusion", "implausible", "no_value"} }

// glucoseDays is what adds up of glucose, in whole numbers: metrics of any dates are
// sums over its rows. What lies between two days, views add.
func glucoseDays() Table {
	return Table{
		Name: "glucose_days", Comment: "what adds up of glucose: one row per participant, UTC day, local date, reason to leave readings out, and cadence, with a reading; metrics are sums over it",
		Kind: Derived, Time: "day", HotDays: true,
		Key:    []string{"participant_id", "day", "local_date", "excluded", "cadence_min"},
		Values: values{"cadence_min": cadences(), "excluded": reasons()},
		Columns: []Column{
			participantID(),
			{"day", instant, !null, "UTC; midnight that begins the day of time_utc"},
			{"local_date", date, null, "as in glucose; null: the readings without local time"},
			{"excluded", text, null, "why metrics leave the readings out, as in glucose: exclusion, implausible, no_value; null: they count"},
			{"cadence_min", small, !null, "minutes that each reading stands for: 1, 5 or 15; 5 where glucose has null"},
			{"n_readings", long, !null, "readings"},
			{"n_values", long, !null, "readings with a value; all others count in n_readings and in nothing that follows but n_overlap and n_clock_suspect"},
			{"sum_mgdl", long, !null, "mg/dL; sum of the values"},
			{"sum_mgdl2", long, !null, "(mg/dL)²; sum of their squares"},
			{"glucose_mgdl", smalls, !null, "mg/dL; which values there are, ascending"},
			{"counts", smalls, !null, "how often each of them occurs, in the same order; at most 32767"},
			{"n_low_status", long, !null, "values of 39 that a status said (glucose_source is status)"},
			{"n_high_status", long, !null, "values of 401 that a status said"},
			{"n_overlap", long, !null, "readings where overlap is true"},
			{"n_clock_suspect", long, !null, "readings where clock_suspect is true"},
			{"n_slots", long, !null, "slots of cadence_min minutes, from midnight UTC, in which a value lies; one that lies in two rows, because the local date changes in it, counts in that of its first value"},
			{"first_utc", instant, null, "UTC; the first value; null without one"},
			{"last_utc", instant, null, "UTC; the last value; null without one"},
			{"first_local", instant, null, "wall clock of first_utc"},
			{"last_local", instant, null, "wall clock of last_utc"},
			{"n_linked", long, !null, "values that follow another one of the day, whatever its row, neither of them excluded: as many gaps, which count in the row of the later value; 0 where excluded"},
			{"linked_us", long, !null, "µs; how long these gaps are"},
			{"wide_us", long, !null, "µs; how long those of them are that, rounded to minutes (half to even), are longer than the larger cadence of the two values"},
			{"wide_min", long, !null, "minutes; the sum of these larger cadences"},
		},
	}
}

// recordEndpoints are the endpoints whose records have ids.
func recordEndpoints() []any { return []any{"egvs", "events", "calibrations", "alerts"} }

// endpoints are all that have records.
func endpoints() []any { return append(recordEndpoints(), "devices") }

// books are the tables that a fold keeps beside the records.
func books() []Table {
	return []Table{
		{Name: "coverage", Comment: "one row per participant, resource and merged interval asked",
			Kind: Memory, History: true, Learned: []string{"asked_at"}, Values: values{"resource": append(endpoints(), "dataRange")},
			Key: []string{"participant_id", "resource", "asked_from"}, Columns: []Column{
				participantID(),
				{"resource", text, !null, "egvs, events, calibrations, alerts, devices, dataRange"},
				{"asked_from", instant, null, "UTC; start of the interval, inclusive; null for resources without a window"},
				{"asked_to", instant, null, "UTC; end of the interval, exclusive"},
				{"asked_at", instant, !null, "UTC; newest answer for any part of the interval"},
				{"records", long, !null, "present records in the interval"},
				{"data_from", instant, null, "UTC; oldest record the API says it has (newest dataRange without lastSyncTime)"},
				{"data_to", instant, null, "UTC; newest record the API says it has"},
			}},
		{Name: "coverage_days", Comment: "one row per participant, resource and UTC day with a present record: how many there are, without reading them",
			Version: 2, Sound: 2, // 2: clock_offset_min, slots by cadence
			Kind: Derived, Time: "day", Key: []string{"participant_id", "resource", "day"}, Values: values{"resource": recordEndpoints()},
			Columns: []Column{
				participantID(),
				{"resource", text, !null, "egvs, events, calibrations, alerts"},
				{"day", instant, !null, "UTC; midnight that begins the day of system_time"},
				{"records", long, !null, "present records of the day"},
				{"slots", long, null, "egvs: of the day's 288 slots of 5 minutes, those that a reading with a value covers; at 15 minutes one covers three; null for other resources"},
				{"first_record", instant, !null, "UTC; system_time of the oldest"},
				{"last_record", instant, !null, "UTC; system_time of the newest"},
				{"clock_offset_min", small, null, "egvs: minutes that most of the day's readings' wall clock is ahead of the participant's time zone, at most 32767 either way; null under 30 minutes, without a zone or a wall clock, and for other resources"},
			}},
		{Name: "rejects", Comment: "one row per distinct record that could not become a row",
			// 2: no text that a person may have written into an event; 3: raw_bytes, raw_sha256, raw is cut
			Version: 3, Sound: 2,
			Kind: Appended, Time: "seen_at", History: true, Unique: []string{"reject_id", "raw"}, Values: values{"resource": endpoints()},
			Key: []string{"reject_id"}, Order: []string{"participant_id", "seen_at", "reject_id"}, Columns: []Column{
				{"reject_id", text, !null, "sha256 of participant, resource and raw"},
				participantID(),
				{"connection_id", text, !null, "see connections"},
				{"resource", text, !null, "endpoint"},
				{"reason", text, !null, "why, in words that do not change"},
				{"field", text, null, "field at fault"},
				{"raw", text, !null, "the first 4096 bytes of the record as sent; of an event, whatever may be text that a person wrote is replaced by its length and is in the raw log only"},
				{"request_id", text, !null, "request that first brought it"},
				{"seen_at", instant, !null, "UTC; when it was first received"},
				{"raw_bytes", long, null, "length of the record as sent; null, from an older program: raw is all of it"},
				{"raw_sha256", text, null, "of the record as sent; null, from an older program"},
			}},
		{Name: "changes", Comment: "one row per change of a record after it was first received",
			Version: 2, Sound: 2, // 2: no text that a person may have written into an event
			Kind: Appended, Time: "seen_at", History: true, Unique: []string{"record_id", "before"},
			Key:    []string{"participant_id", "resource", "record_id", "request_id", "kind"},
			Values: values{"kind": {"edited", "deleted", "vanished", "restored", "moved"}},
			Order:  []string{"participant_id", "seen_at", "resource", "record_id"}, Columns: []Column{
				participantID(),
				{"resource", text, !null, "endpoint"},
				{"record_id", text, !null, "see the resource's table"},
				{"kind", text, !null, "edited, deleted, vanished, restored, moved"},
				{"before", text, !null, "JSON object of the row before the change; free text of events is left out"},
				{"request_id", text, !null, "request whose answer showed the change"},
				{"seen_at", instant, !null, "UTC; when that answer was received"},
			}},
		{Name: "vanish_pending", Comment: "one row per record that a later answer lacked together with so many others that a second answer must agree",
			Kind: Memory, History: true, Unique: []string{"record_id"}, Key: []string{"participant_id", "resource", "record_id"}, Columns: []Column{
				participantID(),
				{"resource", text, !null, "endpoint"},
				{"record_id", text, !null, "see the resource's table"},
				{"missing_since", instant, !null, "UTC; when the first answer without the record was received"},
			}},
		{Name: "connection_accounts", Comment: "one row per connection through which an answer came that says of which Dexcom account it is",
			Kind: Memory, History: true, Key: []string{"participant_id", "connection_id"}, Hidden: true, Columns: []Column{
				participantID(),
				{"connection_id", text, !null, "see connections"},
				{"user_hash", text, !null, "sha256 of connection_id, a line feed and the userId: it links no two connections"},
				{"request_id", text, !null, "request whose answer said so first; see requests"},
			}},
		{Name: "connection_ranges", Comment: "one row per connection and resource of which a dataRange answer showed records: what an empty answer is held against",
			Kind: Memory, History: true, Key: []string{"participant_id", "connection_id", "resource", "news"}, Hidden: true, Columns: []Column{
				participantID(),
				{"connection_id", text, !null, "see connections"},
				{"resource", text, !null, "egvs, events, calibrations"},
				{"news", boolean, !null, "asked with lastSyncTime: what was uploaded since, not everything"},
				{"shown_at", instant, !null, "UTC; when the newest such answer was received"},
				{"first_record", instant, !null, "UTC; system_time of the oldest record it showed"},
				{"last_record", instant, !null, "UTC; system_time of the newest"},
			}},
	}
}
