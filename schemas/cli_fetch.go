package schemas

var (
	aResource = wordOf("egvs", "events", "calibrations", "alerts", "devices", "dataRange")
	aMode     = wordOf("backfill", "sync", "refresh")

	flagParts = listOf(
		part{"kind", wordOf("empty_with_range", "clipped_range", "nothing_consented", "no_connection", "claimed", "withdrawn", "clipped_interval"), "what it is about", ""},
		part{"detail", maybe(aText), "in words; missing: the kind says all", ""},
	)
	outdatedTables = part{"outdated_tables", texts(), "tables with rows that an older program wrote: dexetl replay writes them anew", ""}
	damagedFiles   = part{"damaged", texts(), "files of the lake that are damaged or gone, as paths below it: dexetl replay writes them anew", ""}
)

// Plan is the form of dexetl plan.
func Plan() Form {
	return rows("plan", 1, "What dexetl plan prints: what a job would ask for.", "one for each participant and resource", []part{
		{"participant_id", anID, "study pseudonym from the roster", ""},
		{"resource", aResource, "endpoint that is asked", ""},
		{"beat", aText, "rules that make it due, with + between them: news, trailing, deep", "none: it is not there yet"},
		{"from_utc", anInstant, "begin of what is asked for, UTC", "no window: dataRange and devices"},
		{"to_utc", anInstant, "end of what is asked for, exclusive, UTC", "no window: dataRange and devices"},
		{"calls", aCount, "calls if nothing was uploaded since the participant was last asked", ""},
		{"with_news", aCount, "calls if records of every kind were", ""},
		{"bytes", aCount, "bytes of the answers, with news; an estimate", ""},
		{"as_of_utc", anInstant, "when Dexcom was last asked what it has, UTC", "never"},
	},
		part{"mode", aMode, "kind of job", ""},
		part{"totals", totalParts(), "sums over all rows", ""},
		part{"participants", listOf(
			part{"participant_id", anID, "study pseudonym from the roster", ""},
			part{"flags", flagParts, "remarks", ""},
		), "whom there are remarks on", ""})
}

func totalParts() shape {
	return objectOf(
		part{"participants", aCount, "people the job is about", ""},
		part{"windows", aCount, "windows that are asked for, with news", ""},
		part{"calls", aCount, "calls without news", ""},
		part{"calls_with_news", aCount, "calls with news", ""},
		part{"token_calls", aCount, "tokens to renew, each a call", ""},
		part{"bytes", aCount, "bytes of the answers, with news; an estimate", ""},
		part{"calls_per_hour", aCount, "limit that the study keeps", ""},
		part{"seconds", aCount, "seconds that the limit makes it last, without news", ""},
		part{"seconds_with_news", aCount, "seconds that the limit makes it last, with news", ""},
		part{"estimated", aCount, "people of whom nothing is known yet: all of their consented interval is assumed", ""},
	)
}

// countParts are what a run did, for all participants or one.
func countParts() shape {
	return objectOf(
		part{"calls", aCount, "requests sent, repetitions included", ""},
		part{"answers", aCount, "answers that are kept", ""},
		part{"records", aCount, "records in them", ""},
		part{"bytes", aCount, "bytes of their bodies as received", ""},
		part{"planned", aCount, "windows that were due", ""},
		part{"fetched", aCount, "of them, answered", ""},
		part{"open", aCount, "of them, not answered: the next run asks for them", ""},
	)
}

// rowCounts are what became of the rows of a table.
func rowCounts() shape {
	return objectOf(
		part{"added", aCount, "rows never held before", ""},
		part{"changed", aCount, "rows whose content changed", ""},
		part{"restored", aCount, "rows that had vanished and came back unchanged", ""},
		part{"vanished", aCount, "rows that an answer lacked", ""},
		part{"withheld", aCount, "rows that an answer lacked, and of which a second one must say so", ""},
		part{"contradicted", aCount, "rows that an empty answer lacked against dataRange: they stay", ""},
		part{"removed", aCount, "rows that no record supports any more, or that a withdrawal took", ""},
	)
}

// Run is the form of backfill, sync and refresh.
func Run() Form {
	return Form{"run", 2, "What dexetl backfill, sync and refresh print: what they did.", []part{
		{"run_id", aULID, "the run, as in table runs", ""},
		{"mode", aMode, "kind of job", ""},
		{"outcome", wordOf("done", "partial", "later", "consent_missing", "stopped", "interrupted"), "how it ended", ""},
		{"counts", countParts(), "sums over all participants", ""},
		{"token_calls", aCount, "calls that renewed tokens", ""},
		{"participants", listOf(
			part{"participant_id", anID, "study pseudonym from the roster", ""},
			part{"counts", countParts(), "what was done for them", ""},
			part{"flags", flagParts, "remarks", ""},
			part{"refused", listOf(
				part{"resource", aResource, "endpoint that refused", ""},
				part{"status", aWhole, "HTTP status; 200: the answer is too large even for a day", ""},
				part{"words", aText, "what the server said; empty: nothing", ""},
			), "what Dexcom refused, and no run brings", ""},
			part{"error", maybe(aText), "what went wrong, in words; missing: nothing", ""},
		), "one for each participant", ""},
		{"snapshot", aCount, "newest snapshot; 0: none yet", ""},
		{"tables", byTable(rowCounts()), "what became of the rows, by table", ""},
		outdatedTables, damagedFiles,
		{"rejected", aCount, "records that could not become a row: table rejects", ""},
		{"held", aCount, "answers that could not be applied: requests.held_reason", ""},
		{"without_user", aCount, "answers that do not say of which Dexcom account they are", ""},
		{"other_account", texts(), "participants of whom another account answered", ""},
		{"unread", listOf(
			part{"participant_id", anID, "study pseudonym from the roster", ""},
			part{"resource", aResource, "endpoint that was asked", ""},
			part{"records", aCount, "records that came, all of them rejected", ""},
		), "whose records could not be read at all", ""},
		{"seconds", anAge, "seconds that it took", ""},
		{"compacted", objectOf(
			part{"segments", aCount, "segments of the raw log that were written anew", ""},
			part{"answers", aCount, "answers in them", ""},
			part{"bodies_dropped", aCount, "of them, those that only confirmed what is held and lost their bodies", ""},
			part{"bytes_before", aCount, "bytes of the segments before", ""},
			part{"bytes_after", aCount, "bytes of the segments after", ""},
		), "what the raw log lost", ""},
		freedPart(),
	}}
}

// Runs is the form of dexetl runs.
func Runs() Form {
	return rows("runs", 1, "What dexetl runs prints: the runs, newest first.", "one for each run", []part{
		{"started_at", anInstant, "begin, UTC", ""},
		{"command", aText, "command that ran", ""},
		{"state", wordOf("ended", "running", "died"), "whether it has ended", ""},
		{"exit_code", aWhole, "exit code", "it has not ended"},
		{"calls", aCount, "requests sent", "it has not ended"},
		{"answers", aCount, "answers that are kept", "it has not ended, and none of it is loaded; or the study is blinded for the key"},
		{"records", aCount, "records in them", "none of it is loaded, or the study is blinded for the key"},
		{"snapshots", aText, "snapshots that have its answers, as numbers and spans, such as 3-5 8", "none of it is loaded"},
		{"took_s", anAge, "seconds from begin to end, or until now", "it died"},
		{"run_id", aULID, "the run, as in table runs", ""},
	})
}
