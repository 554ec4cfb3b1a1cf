package schemas

// Export is the form of dexetl export, and of export.json in what it writes.
func Export() Form {
	const notAsked = "not asked for"
	return Form{"export", 1, "What dexetl export prints, and export.json in the folder that it writes: what an export has.", []part{
		{"format", wordOf("duckdb", "parquet", "csv"), "what the tables are written as", ""},
		{"snapshot", aCount, "number of the snapshot that it is of", ""},
		{"manifest_sha256", aHash, "SHA-256 of the snapshot's manifest", ""},
		{"program", aText, "version of dexetl that wrote it", ""},
		{"citation", aText, "a line to cite it by", ""},
		{"participants", aCount, "participants that it is of", ""},
		{"from", aDate, "first local date, inclusive", notAsked},
		{"to", aDate, "last local date, inclusive", notAsked},
		{"window", aText, "window of windows.csv", "not asked for"},
		{"deid", aBool, "participants have other names, and what identifies them is left out", ""},
		{"shift_weeks", aCount, "their times are moved back by 1 to so many whole weeks; 0: they are not", ""},
		{"notes", aBool, "free text of events is in it", ""},
		{"tables", listOf(
			part{"table", anID, "table", ""},
			part{"rows", aCount, "rows", ""},
			part{"file", aText, "file that it is in, as a path below the folder", ""},
		), "what it has", ""},
		{"left_out", listOf(
			part{"table", anID, "table", ""},
			part{"why", aText, "why, in words", ""},
		), "tables that it does not have", ""},
	}}
}

// ExportNames is the form of dexetl export names.
func ExportNames() Form {
	return rows("export_names", 1, "What dexetl export names prints: who is who in de-identified exports.", "one for each key and participant", []part{
		{"name", anID, "what the participant is called in exports", ""},
		{"participant_id", anID, "study pseudonym from the roster", ""},
		{"key", aCount, "number of the key; exports use the newest", ""},
		{"key_made_at", anInstant, "when the key was made, UTC", ""},
		{"weeks", aCount, "whole weeks by which times are moved back, by the default of --shift-weeks", ""},
	})
}
