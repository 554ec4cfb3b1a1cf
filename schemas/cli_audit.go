package schemas

// Audit is the form of dexetl audit.
func Audit() Form {
	return rows("audit", 1, "What dexetl audit prints: lines of the audit trail, newest last.", "one for each line", []part{
		{"seq", aCount, "number of the line, from 1 on", ""},
		{"at", anInstant, "when it was written, UTC", ""},
		{"who", aText, "user and machine", ""},
		{"command", aText, "command that made the change", ""},
		{"subject", wordOf("backup", "connection", "consent", "erasure", "exclusion", "exclusions", "export", "key", "link", "participant", "report", "roster", "snapshot", "trail", "webhook", "window", "windows", "withdrawal"), "what kind of thing changed", ""},
		{"participant_id", anID, "whose it is", "nobody's"},
		{"before", aText, "how it was, as JSON", "it was not there"},
		{"after", aText, "how it is, as JSON", "it is gone"},
		{"reason", aText, "reason that was given", "none was given"},
		{"prev", aHash, "hash of the line before; the first one has zeros", ""},
		{"hash", aHash, "SHA-256 of the line", ""},
	})
}

// AuditVerify is the form of dexetl audit verify.
func AuditVerify() Form {
	return Form{"audit_verify", 2, "What dexetl audit verify prints: the trail is whole.", []part{
		{"lines", aCount, "lines of the trail", ""},
		{"hash", patterned(`^([0-9a-f]{64})?$`), "SHA-256 of the last one; empty: there is none", ""},
		{"snapshots", aCount, "snapshots whose trail is a part of it", ""},
		{"snapshots_lost", aCount, "snapshots whose trail ends with a line that is lost", ""},
		{"snapshots_without", aCount, "snapshots without a trail", ""},
		{"snapshots_unread", aCount, "snapshots that can no longer be read", ""},
		{"lost_lines", lostLines(), "lines that are lost for good, as dexetl repair --accept-loss has noted in the trail", ""},
	}}
}

// lostLines is the type of losses of the audit trail.
func lostLines() shape {
	return listOf(
		part{"first", aCount, "number of the first line", ""},
		part{"last", aCount, "number of the last one", ""},
		part{"older", aBool, "they are of an older trail, which snapshots have", ""},
		part{"at", anInstant, "when the loss was accepted, UTC", ""},
		part{"who", aText, "by whom: user and machine", ""},
		part{"reason", aText, "why", ""},
	)
}

// AuditHead is the form of dexetl audit head.
func AuditHead() Form {
	return Form{"audit_head", 1, "What dexetl audit head prints: where the trail ends, to keep elsewhere.", []part{
		{"lines", aCount, "lines of the trail", ""},
		{"hash", aHash, "SHA-256 of the last one", ""},
		{"at", anInstant, "when it was asked, UTC", ""},
		{"study", aText, "study.id of the configuration", ""},
		{"head", anID, "the whole as one line, for dexetl audit verify --head", ""},
	}}
}
