package schemas

// ReportPages is the form of dexetl report, and of report.json in the folder that it writes.
func ReportPages() Form {
	return Form{"report_pages", 1, "What dexetl report prints, and report.json in the folder that it writes.", []part{
		{"snapshot", aText, "the snapshot that it is of: its number, with the edition if it was issued again", ""},
		{"shows", wordOf("usual", "blinded", "unblinded"), "usual: all but arms; blinded: neither glucose, alerts and events nor arms; unblinded: all", ""},
		{"participants", aCount, "participants with a place in it", ""},
		{"pages", aCount, "pages written", ""},
		{"left_out", texts(), "participants of whom nothing may be shown: they withdrew after the snapshot, or were deleted", ""},
		{"folder", aText, "name of the folder", ""},
	}}
}

// ReportRun is the form of dexetl report --run.
func ReportRun() Form {
	return Form{"report_run", 1, "What dexetl report --run prints: where the page about a run is.", []part{
		{"run_id", anID, "the run", ""},
		{"file", aText, "path of the page", ""},
	}}
}
