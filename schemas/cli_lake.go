package schemas

import (
	"slices"
	"strings"

	"github.com/dexetl/dexetl/sql"
)

// differenceParts say how two snapshots differ.
func differenceParts() []part {
	counts := []part{
		{"table", anID, "table", ""},
		{"added", aCount, "rows that the first one lacks", ""},
		{"changed", aCount, "rows that say something else", ""},
		{"removed", aCount, "rows that the second one lacks", ""},
		{"history", aCount, "rows that differ only in when and by which request they were learned, and vanished ones that differ at all", ""},
	}
	return []part{
		{"equal", aBool, "all was compared, and the rows say the same", ""},
		{"identical", aBool, "so is their history", ""},
		{"not_compared", listOf(
			part{"snapshot", aCount, "snapshot whose file is damaged", ""},
			part{"table", anID, "table", ""},
			part{"partition", aText, "month; empty: the table has none", ""},
			part{"file", aText, "the file, as a path below the lake", ""},
			part{"reason", aText, "what is wrong with it, in words", ""},
		), "what could not be compared", ""},
		{"totals", listOf(counts...), "rows that differ, by table", ""},
		{"rows", listOf(slices.Insert(slices.Clone(counts), 1, part{"participant_id", anID, "study pseudonym from the roster", "the table has none"})...),
			"rows that differ, by table and participant", ""},
	}
}

// Difference is how two snapshots differ, as an object with these values, one for each of
// differenceParts.
func Difference(values ...any) map[string]any {
	out := make(map[string]any)
	for i, p := range differenceParts() {
		out[p.name] = values[i]
	}
	return out
}

// Replay is the form of dexetl replay.
func Replay() Form {
	return Form{"replay", 1, "What dexetl replay prints: what it made, and how that differs from what was there.", append(differenceParts(),
		part{"snapshot", aCount, "newest snapshot", ""},
		part{"parent", aCount, "the one it is compared with; 0: there was none", ""},
		part{"dry_run", aBool, "the lake stays as it is", ""},
		part{"answers", aCount, "answers of the raw log", ""},
		part{"held", aCount, "of them, those that could not be applied", ""},
		part{"new_answers", aCount, "of them, those that came after the parent", ""},
		part{"records", aCount, "records in them", ""},
		part{"seconds", anAge, "seconds that it took", ""},
	)}
}

// Diff is the form of dexetl snapshots diff.
func Diff() Form {
	return Form{"diff", 1, "What dexetl snapshots diff prints: how two snapshots differ.", append(differenceParts(),
		part{"from", aCount, "the first one", ""},
		part{"to", aCount, "the second one", ""},
	)}
}

// Snapshots is the form of dexetl snapshots list.
func Snapshots() Form {
	const harmed = "its manifest is damaged"
	return rows("snapshots", 2, "What dexetl snapshots list prints: the newest snapshots and all that are tagged, newest first.", "one for each snapshot", []part{
		{"snapshot", aCount, "number", ""},
		{"created_at", anInstant, "when it was committed, UTC", harmed},
		{"run_id", aULID, "run that made it", "no run did, or " + harmed},
		{"program", aText, "version of the program that made it", "not known, or " + harmed},
		{"glucose", aCount, "rows of table glucose", harmed},
		{"egvs", aCount, "rows of table egvs", harmed},
		{"files", aCount, "files", harmed},
		{"new_files", aCount, "files that its parent does not have", "nobody knows, or " + harmed},
		{"bytes", aCount, "bytes of all files", harmed},
		{"folder", wordOf("latest", "published", "none", "manifest damaged"), "whether it can be opened without dexetl", ""},
		{"tags", aText, "its tags, with a comma between them", "it has none"},
		{"reissue", aCount, "which issue of the number it is, such as 1 for 12e1, where rows had to go for good", "it is as it was committed"},
		{"damaged", aCount, "files that are known to be lost: who reads their tables is told", "none, or " + harmed},
	})
}

// Tag is the form of dexetl snapshots tag with a name.
func Tag() Form {
	return Form{"tag", 2, "What dexetl snapshots tag NAME prints: a snapshot with a name.", append(tagParts(),
		part{"folder", aText, "its folder, with SHA256SUMS and CITATION.txt", "none: it was issued again, or somebody has withdrawn since"},
	)}
}

// Tags is the form of dexetl snapshots tag.
func Tags() Form {
	return rows("tags", 2, "What dexetl snapshots tag prints without a name: the tags.", "one for each tag, by name", tagParts())
}

func tagParts() []part {
	return []part{
		{"tag", anID, "name", ""},
		{"snapshot", anID, "number of the snapshot, with its issue if there is one, such as 12 or 12e1", ""},
		{"created_at", anInstant, "when it was tagged, UTC", ""},
		{"reason", aText, "why", ""},
		{"manifest_sha256", aText, "SHA-256 of the manifest's file, which has those of all data files", ""},
		{"citation", aText, "line by which a paper names it", ""},
		{"replaces_sha256", aText, "SHA-256 of the manifest in whose place it was issued, which papers may cite; of several, the oldest first, with spaces between", "it is as it was committed"},
	}
}

// TagDropped is the form of dexetl snapshots drop.
func TagDropped() Form {
	return Form{"tag_dropped", 1, "What dexetl snapshots drop prints.", []part{
		{"tag", anID, "name, which is free", ""},
		{"snapshot", anID, "snapshot that it was", ""},
	}}
}

// Collection is the form of dexetl gc.
func Collection() Form {
	return Form{"collection", 1, "What dexetl gc prints: which snapshots went, and why others stay.", []part{
		{"dry_run", aBool, "nothing was removed: it is what would be", ""},
		{"keep_last", aCount, "newest snapshots that stay", ""},
		{"keep_daily", aCount, "days of which the last snapshot stays", ""},
		freedPart(),
		{"kept", keptParts(), "snapshots that stay, by the first reason that there is", ""},
	}}
}

// freedPart is what went with snapshots.
func freedPart() part {
	return part{"freed", objectOf(
		part{"snapshots", texts(), "snapshots that nothing keeps, oldest first", ""},
		part{"files", aCount, "data files that no other snapshot has", ""},
		part{"bytes", aCount, "bytes of them", ""},
	), "what was removed", ""}
}

func keptParts() shape {
	return objectOf(
		part{"tagged", aCount, "they have a tag", ""},
		part{"newest", aCount, "it is the newest", ""},
		part{"previous", aCount, "it is the one before", ""},
		part{"last", aCount, "they are among the newest so many", ""},
		part{"daily", aCount, "they are the last of their day", ""},
		part{"opened", aCount, "somebody opened them less than 24 hours ago", ""},
		part{"webhooks", aCount, "what they brought is not told yet", ""},
		part{"published", aCount, "they have a folder, and are younger than 24 hours", ""},
		part{"recent", aCount, "they are younger than an hour", ""},
	)
}

// Query is the form of dexetl query: the columns are those of the statement.
func Query() Form {
	return Form{"query", 1, "What dexetl query prints: the rows of the statement.", []part{
		{rowsName, shape{kind: "array", more: object{{"items", object{{"type", "object"}}}}},
			"rows with the columns of the statement; numbers without loss, NaN and infinities as text, times as ISO 8601", ""},
	}}
}

// Metrics is the form of dexetl metrics.
func Metrics() Form {
	enough := part{sql.SelectionSufficient, maybe(aBool), "there are as many days in a row as --select asks for, and enough of them; false: these are the last ones; without --select the member is missing", ""}
	return rows("metrics", 1, "What dexetl metrics prints: the metrics that papers report, as metric_catalogue defines them.",
		"one for each participant", append(viewParts("participant_metrics", "participant_id"), enough,
			part{"active_pct", maybe(aReal), "%; active_span_pct as the R package iglu calls it; by the preset iglu only", "there is nothing to compute it from"}))
}

// viewParts are the columns of a view, of which all but those named may be null.
func viewParts(name string, never ...string) (parts []part) {
	views := sql.Views()
	view := views[slices.IndexFunc(views, func(v sql.View) bool { return v.Name == name })]
	for _, c := range view.Columns {
		p := part{c.Name, shapeOf(view.Types[c.Name]), c.Comment, "there is nothing to compute it from"}
		if slices.Contains(never, c.Name) {
			p.null = ""
		}
		parts = append(parts, p)
	}
	return parts
}

// shapeOf is what JSON has of a type of DuckDB.
func shapeOf(duckDB string) shape {
	switch strings.ToLower(duckDB) {
	case "boolean":
		return aBool
	case "bigint", "integer":
		return aWhole
	case "double":
		return aReal
	case "date":
		return aDate
	case "timestamp":
		return aLocal
	}
	return aText
}

// Verify is the form of dexetl verify.
func Verify() Form {
	return Form{"verify", 3, "What dexetl verify prints: what it looked at, and what is not as it was written.", []part{
		{"sound", aBool, "nothing is damaged but what dexetl repair has marked before", ""},
		{"deep", aBool, "the raw log was folded anew and compared, too", ""},
		{"snapshot", aCount, "newest snapshot; 0: there is none, or its manifest cannot be read", ""},
		{"manifests", aCount, "manifests that can be read", ""},
		{"files", aCount, "data files that they name", ""},
		{"bytes", aCount, "bytes of these", ""},
		{"rows", aCount, "rows of the newest snapshot", ""},
		{"views", aCount, "tables and views that answered; 0: nobody asked, because tables are damaged", ""},
		{"segments", aCount, "segments of the raw log", ""},
		{"answers", aCount, "answers in them", ""},
		{"seconds", anAge, "seconds that it took", ""},
		{"damaged", listOf(
			part{"kind", wordOf("manifest", "data", "rows", "folder", "views", "log", "state", "fold"), "what the file is for; rows: it is whole, but its rows break a rule; fold: a table does not say what the raw log says", ""},
			part{"file", aText, "as a path below the lake; of kind state below the state", ""},
			part{"reason", aText, "what is wrong with it, in words", ""},
			part{"table", anID, "table", "it is no data file"},
			part{"partition", aText, "month", "it is no data file, or the table has none"},
			part{"rows", aCount, "rows that the manifest says it has", "it is no data file"},
			part{"first_snapshot", aCount, "first snapshot that has it", "it is no data file"},
			part{"last_snapshot", aCount, "last one", "it is no data file"},
			part{"marked", aBool, "dexetl repair could not mend it, and has marked the snapshots", ""},
		), "one for each damaged file", ""},
		{"difference", maybe(objectOf(differenceParts()...)), "how the newest snapshot differs from what the raw log says; missing without --deep", ""},
		{"erasing", texts(), "participants whose erasure has begun and is not finished: the next command that loads goes on with it", ""},
		{"elsewhere", aText, "folder that latest's dexetl.duckdb reads, because the study was moved or copied: dexetl repair makes it anew", "it reads its own"},
		{"lost_lines", lostLines(), "lines of the audit trail that are lost for good, as dexetl repair --accept-loss has noted there", ""},
	}}
}

// Repair is the form of dexetl repair.
func Repair() Form {
	about := []part{
		{"kind", wordOf("manifest", "data", "rows", "folder", "views", "log", "state"), "what the file is for, as verify says", ""},
		{"file", aText, "as a path below the lake, or below the state", ""},
		{"reason", aText, "what is wrong with it, in words", ""},
		{"table", anID, "table", "it is no data file"},
		{"rows", aCount, "rows that the manifest says it had", "it is no data file"},
	}
	return Form{"repair", 4, "What dexetl repair prints: what it mended, and what nothing here brings back.", []part{
		{"snapshot", aCount, "newest snapshot; 0: there is none", ""},
		{"before", aCount, "newest one that could be read before; 0: none", ""},
		{"seconds", anAge, "seconds that it took", ""},
		{"mended", listOf(append(slices.Clone(about),
			part{"by", wordOf("set aside", "link", "log", "state", "replaced", "folder"), "the manifest was set aside; the file is back from a snapshot's folder; rows are back from the log or the state; older snapshots that alone had them are marked; the folder was made anew or removed", ""},
			part{"equal", aBool, "the rows of its table and month add up to what they were, or the file is the same again", ""},
		)...), "one for each damaged file that was mended", ""},
		{"left", listOf(about...), "one for each that was not: its rows are gone, unless a backup has them", ""},
		{"lost_lines", lostLines(), "lines of the audit trail that are accepted as lost now (--accept-loss)", ""},
	}}
}
