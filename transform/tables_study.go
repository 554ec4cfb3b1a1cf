package transform

func participants() Table {
	return Table{
		Name: "participants", Comment: "one row per participant of the roster, as of this snapshot",
		Columns: []Column{
			participantID(),
			{"site", text, null, "study site"},
			{"cohort", text, null, "cohort"},
			{"arm", text, null, "treatment arm"},
			{"status", text, null, "screening, screen_failed, enrolled, randomised, completed, withdrawn, lost"},
			{"status_date", date, null, "date of status"},
			{"consent_date", date, null, "date of consent"},
			{"anchor_date", date, null, "study day 1"},
			{"study_start", date, null, "first local date of the study"},
			{"study_end", date, null, "last local date of the study"},
			{"timezone", text, null, "IANA time zone"},
			{"region", text, null, "Dexcom region: us, eu, jp, sandbox"},
		},
		Key: []string{"participant_id"}, Order: []string{"participant_id"},
	}
}

func connections() Table {
	return Table{
		Name: "connections", Comment: "one row per connection of a participant to a Dexcom account, as of this snapshot",
		Columns: []Column{
			{"connection_id", text, !null, "identifier of the connection"},
			participantID(),
			{"region", text, null, "Dexcom region"},
			{"account_hash", text, null, "keyed hash of the Dexcom userId"},
			{"status", text, !null, "connected, auth_suspect, needs_reconsent, exported (to another machine), ended"},
			{"valid_from", instant, null, "UTC; records before it belong to nobody"},
			{"valid_to", instant, null, "UTC; records from it on belong to nobody"},
		},
		Key: []string{"connection_id"}, Order: []string{"participant_id", "connection_id"},
	}
}

func windows() Table {
	return Table{
		Name: "windows", Comment: "one row per analysis window of windows.csv",
		Columns: []Column{
			{"participant_id", text, !null, "study pseudonym, or * for everyone"},
			{"window", text, !null, "name, such as baseline"},
			{"start_date", date, null, "first local date, inclusive"},
			{"end_date", date, null, "last local date, inclusive"},
			{"start_day", integer, null, "first study day, inclusive; study day 1 is anchor_date"},
			{"end_day", integer, null, "last study day, inclusive"},
		},
		Key: []string{"participant_id", "window"}, Order: []string{"participant_id", "window"},
	}
}

func exclusions() Table {
	return Table{
		Name: "exclusions", Comment: "one row per interval that metrics leave out, of exclusions.csv",
		Columns: []Column{
			participantID(),
			{"from_local", instant, !null, "local wall clock, inclusive"},
			{"to_local", instant, !null, "local wall clock, exclusive; a date in exclusions.csv means the whole day"},
			{"reason", text, null, "why"},
		},
		Key: []string{"participant_id", "from_local", "to_local"}, Order: []string{"participant_id", "from_local", "to_local"},
	}
}

func withdrawals() Table {
	return Table{
		Name: "withdrawals", Comment: "one row per participant who has withdrawn: the tables have nothing of theirs from effective_at on",
		Columns: []Column{
			participantID(),
			{"effective_at", instant, !null, "UTC; records with a system_time before it stay"},
			{"recorded_at", instant, !null, "UTC; when the study recorded it; why is not told here"},
		},
		Key: []string{"participant_id"}, Order: []string{"participant_id"},
	}
}

func settings() Table {
	return Table{
		Name: "settings", Comment: "one row per setting that shapes the tables",
		Columns: []Column{
			{"key", text, !null, "dotted name as in dexetl.yaml"},
			{"value", text, null, "value"},
		},
		Key: []string{"key"}, Order: []string{"key"},
	}
}

func audit() Table {
	return Table{
		Name: "audit", Comment: "one row per line of the audit trail, as of this snapshot; dexetl audit verify checks the file itself",
		Columns: []Column{
			{"seq", long, !null, "number of the line, from 1"},
			{"at", instant, !null, "UTC; when the change was made"},
			{"who", text, !null, "account@machine, behind the name in DEXETL_ACTOR if one was given"},
			{"command", text, !null, "command that made the change, such as participants import"},
			{"subject", text, !null, "what was changed: participant, roster, window, windows, exclusion, exclusions, connection, consent, key, ..."},
			{"participant_id", text, null, "whose; null where it is nobody's"},
			{"before", text, null, "JSON object of the changed fields; null where there was nothing"},
			{"after", text, null, "JSON object of the changed fields; null where nothing is left"},
			{"reason", text, null, "as given"},
			{"hash", text, !null, "sha256 of the line, the hash of the line before included"},
		},
		Key: []string{"seq"}, Order: []string{"seq"},
	}
}

func runs() Table {
	return Table{
		Name: "runs", Comment: "one row per run that fetched or loaded", Partition: Whole,
		Columns: []Column{
			{"run_id", text, !null, "ULID"},
			{"command", text, !null, "backfill, sync, demo, ..."},
			{"started_at", instant, !null, "UTC"},
			{"ended_at", instant, null, "UTC; null while it runs, or if it was killed"},
			{"exit_code", integer, null, "see the documentation of exit codes"},
			{"calls", long, null, "requests sent, tokens included; null without an end: not known"},
			{"answers", long, null, "answers kept in the raw log; null without an end: requests has those of the run"},
			{"version", text, !null, "version of dexetl"},
		},
		Key: []string{"run_id"}, Order: []string{"run_id"},
	}
}

func requests() Table {
	return Table{
		Name: "requests", Comment: "one row per answer in the raw log", Partition: ByReceipt,
		Columns: []Column{
			{"request_id", text, !null, "ULID"},
			{"run_id", text, !null, "see runs"},
			participantID(),
			{"connection_id", text, !null, "see connections"},
			{"resource", text, !null, "endpoint"},
			{"beat", text, !null, "why it was asked: backfill, news, trailing, deep, refresh, connect; stray: the answer is of another account, and answers nothing"},
			{"window_start", instant, null, "UTC, inclusive; null where the endpoint takes no window; lastSyncTime for dataRange"},
			{"window_end", instant, null, "UTC, exclusive"},
			{"asked_at", instant, !null, "UTC; when the answer was complete, by our clock"},
			{"server_date", instant, null, "UTC; Date header of the answer"},
			{"status", integer, !null, "HTTP status"},
			{"bytes", long, !null, "length of the body as received"},
			{"sha256", text, !null, "of the body as received"},
			{"records", long, !null, "records in the answer"},
			{"new", long, !null, "records never seen before"},
			{"changed", long, !null, "records whose content differs from the row held"},
			{"vanished", long, !null, "rows held that the answer lacks, withheld ones included"},
			{"rejected", long, !null, "records that could not become a row, repeats included"},
			{"log_position", text, !null, "segment:offset in the raw log"},
			{"outcome", text, !null, "applied, held"},
			{"held_reason", text, null, "why the answer could not be applied"},
			{"confirms", boolean, !null, "it changed no row, so that compaction of the raw log drops its body; never for dataRange, nor for the answer that first said of which account its connection is"},
		},
		Key: []string{"request_id"}, Order: []string{"asked_at", "request_id"},
	}
}
