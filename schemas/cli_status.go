package schemas

var aPercentage = shape{kind: "number", more: object{{"minimum", 0}, {"maximum", 100}}}

// Status is the form of dexetl status.
func Status() Form {
	const unread, none = "the lake could not be read", "no reading was expected in them, or the lake could not be read"
	return rows("status", 4, "What dexetl status prints: how it stands with everybody.", "one for each participant, the call list first", []part{
		{"participant_id", anID, "study pseudonym from the roster", ""},
		{"cohort", aText, "cohort, any name", "the roster does not say"},
		consentPart,
		{"egvs", aCount, "EGVs held", unread},
		newestEGV,
		{"lag_min", aReal, "minutes from the newest EGV to when a newer one was last asked for, or to the end of the study before that", "no EGV is held, or " + unread},
		{"coverage_14d_pct", aPercentage, "percent of the expected readings held, of the last 14 days", none},
		{"coverage_30d_pct", aPercentage, "percent of the expected readings held, of the last 30 days", none},
		{"open_windows", aCount, "windows that are due", unread},
		{"last_success", anInstant, "newest complete fetch, UTC", "there was none"},
		{"clock_offset_min", aWhole, "minutes by which the wall clock was ahead of the roster's zone for more than two days; negative: behind", "it agreed"},
		{"clock_offset_from", aDate, "first day of it, UTC", "it agreed"},
		{"clock_offset_to", aDate, "last day of it, UTC", "it agreed, or it goes on"},
		{"assumed_start", aDate, "study_start, which the API assumed because nobody named one (serve.default_history); a roster corrects it", "somebody named it"},
		{"to_do", aText, "what to do, in words", "nothing"},
	},
		part{"resources", resourceParts(), "one for each participant and resource", ""},
		part{"webhooks", silentEndpoints(), "one for each endpoint of webhooks that gets nothing; none for keys of a cohort", ""},
		outdatedTables, damagedFiles)
}

func resourceParts() shape {
	const whole = "the resource is not asked by windows"
	return listOf(
		part{"participant_id", anID, "study pseudonym from the roster", ""},
		part{"resource", aResource, "endpoint", ""},
		part{"records", aCount, "records held", ""},
		part{"newest_record", anInstant, "system time of the newest record held, UTC", "none is held"},
		part{"lag_min", aReal, "minutes from the newest record to when a newer one was last asked for, or to the end of the study before that", "none is held"},
		part{"coverage_14d_pct", aPercentage, "percent of the expected readings held, of the last 14 days", "no reading was expected, or the resource has none"},
		part{"coverage_30d_pct", aPercentage, "percent of the expected readings held, of the last 30 days", "no reading was expected, or the resource has none"},
		part{"open_windows", aCount, "windows that are due", whole},
		part{"no_reading_h", anAge, "hours asked in which there is no reading", "no reading is expected of the resource"},
		part{"pending_h", anAge, "hours since the newest record that may still be uploaded", whole},
		part{"empty_h", anAge, "hours of windows that were answered and have no record", whole},
		part{"never_asked_h", anAge, "hours that were never asked for", whole},
		part{"failed_h", anAge, "hours that were asked for in vain", whole},
		part{"last_success", anInstant, "newest answer, UTC", "there was none"},
		part{"last_error", aText, "what went wrong last, in words", "nothing"},
		part{"to_do", aText, "what to do, in words", "nothing"},
	)
}

// Withdraw is the form of dexetl withdraw.
func Withdraw() Form {
	return Form{"withdraw", 1, "What dexetl withdraw prints: what left, and what is still to be done.", []part{
		{"participant_id", anID, "study pseudonym from the roster", ""},
		{"effective_at", anOffsetTime, "instant from which nothing is used any more", ""},
		{"connections_ended", aCount, "accounts whose access ended now", ""},
		{"snapshot", aCount, "newest snapshot; 0: nothing was loaded yet", ""},
		{"tables", byTable(rowCounts()), "what became of the rows, by table", ""},
		{"older_snapshots", aCount, "older snapshots that still have the rows", ""},
		{"quarantine", objectOf(
			part{"folder", aText, "folder of what left the tables, sealed", ""},
			part{"rows", byTable(aCount), "rows in there, by table", "no row is"},
		), "where the rows went", ""},
		{"to_do", aText, "what only the participant can do, in words", ""},
	}}
}

// Erase is the form of dexetl withdraw --erase.
func Erase() Form {
	return Form{"erase", 1, "What dexetl withdraw --erase prints: what went, and what is still to be done.", []part{
		{"participant_id", anID, "study pseudonym from the roster: all that is kept", ""},
		{"erased_at", anInstant, "when it was done, UTC", ""},
		{"receipt", aText, "file that says what went, file by file", ""},
		{"counts", objectOf(
			part{"answers", aCount, "answers in the raw log that were overwritten", ""},
			part{"rows", aCount, "rows of data files that went, those of older snapshots too", ""},
			part{"data_files", aCount, "data files that had them", ""},
			part{"segments", aCount, "segments of the raw log that were written anew", ""},
			part{"snapshots", aCount, "snapshots that were dropped", ""},
			part{"reissued", aCount, "tags that are on a snapshot that was issued again", ""},
			part{"quarantine", aCount, "sealed files that were removed", ""},
			part{"state_rows", aCount, "rows of state.db that were deleted", ""},
			part{"audit_lines", aCount, "lines of the audit trail whose text went", ""},
		), "how much went", ""},
		{"to_do", aText, "what only the participant can do, in words", ""},
	}}
}

// Absent is the form of dexetl verify --absent.
func Absent() Form {
	return Form{"absent", 2, "What dexetl verify --absent prints: whether somebody who was erased is anywhere.", []part{
		{"participant_id", anID, "study pseudonym that was looked for", ""},
		{"absent", aBool, "nothing but the name was found, and only where it is kept", ""},
		{"files", aCount, "files that were looked into", ""},
		{"found", listOf(
			part{"path", aText, "file, from the study folder if it is in there", ""},
			part{"where", aText, "where in the file, in words", ""},
			part{"count", aCount, "how often", ""},
		), "where they are", ""},
		{"beside", texts(), "other files of the study folder that name them, such as reports and rosters: what is in neither lake nor state is not erased", ""},
	}}
}
