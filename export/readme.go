//go:build linux || darwin

package export

import (
	"fmt"
	"strings"
)

// readme is what people read first.
func (w *work) readme(done Result) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("# CGM data of study %s\n", w.Study.Config.Study.ID)
	say("Continuous glucose monitoring of %d participants, exported by dexetl %s.\n", done.Participants, done.Program)
	say("Cite it as: %s\n", done.Citation)
	say("## Tables\n")
	say("| table | rows | what a row is |\n|---|---|---|")
	for i, t := range done.Tables {
		say("| `%s` | %d | %s |", t.Table, t.Rows, strings.ReplaceAll(w.chosen[i].Comment, "|", "\\|"))
	}
	say("\n%s", w.howToRead())
	say("`codebook.csv` explains every column, `schemas/` has a JSON Schema of the rows of each table, and `metric_catalogue` defines each metric with its source.")
	say("`sha256sum -c SHA256SUMS` tells whether the files are as they were written.\n")
	say("Times are without a zone: `system_time` and what ends in `_utc` is UTC, `display_time`, what ends in `_local`, `local_time` and `local_date` are the wall clock of the person.")
	say("Glucose is in mg/dL; 39 and 401 stand for below 40 and above 400.\n")
	w.sayChosen(say, done)
	if done.Deid {
		say("%s", deidWords(done.ShiftWeeks))
	}
	if len(done.LeftOut) > 0 {
		say("## Not in it\n")
		for _, l := range done.Reasons() {
			say("- `%s`: %s", strings.Join(l.Tables, "`, `"), l.Why)
		}
	}
	return b.String()
}

// howToRead says how tables are opened.
func (w *work) howToRead() string {
	switch w.Format {
	case DuckDB:
		return "`duckdb -readonly " + databaseName + "` opens them; `describe glucose` lists the columns, and `select comment from duckdb_columns() where table_name = 'glucose'` what they mean.\n" +
			"Tables `codebook` and `export_documents` have what lies beside the database, too."
	case Parquet:
		return "`pandas.read_parquet(\"glucose.parquet\")`, `arrow::read_parquet(\"glucose.parquet\")` in R, or `from 'glucose.parquet'` in DuckDB opens one."
	}
	return "The files are UTF-8 with a header, separated by commas; an empty field is null, and `\"\"` is an empty text."
}

// sayChosen says which dates and texts it has.
func (w *work) sayChosen(say func(string, ...any), done Result) {
	switch {
	case done.Window != "":
		say("It has the local dates of window %s of each participant, first and last one included.\n", done.Window)
	case done.From+done.To != "":
		say("It has the local dates from %s to %s, both included.\n", either(done.From, "the beginning of the study"), either(done.To, "its end"))
	case w.cut.dated:
		say("It has a part of the study's dates.\n")
	}
	if w.cut.dated {
		say("Metrics of a participant are those of these dates; what sums up several days is there if all of them are.\n")
	}
	switch {
	case done.Notes:
		say("**`event_notes`, and reasons in `exclusions` and `audit`, are text that people wrote. It may name them.**\n")
	case !done.Deid:
		say("Text that people wrote was not asked for, and is not in it: neither `event_notes`, nor `reason` of `exclusions`, nor `reason`, `before` and `after` of `audit`.\n")
	}
}

func either(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// deidWords say what was done so that people are not known, and what not.
func deidWords(weeks int) string {
	moved := "Times and dates are **as they were**."
	if weeks > 0 {
		moved = fmt.Sprintf("All times and dates of a participant are moved back by the same number of whole weeks, from 1 to %d, another one for each: weekdays, times of day, intervals and study days are as they were.", weeks) +
			"\nDates that several participants share would tell by how many weeks." +
			" They are null: `study_start`, `study_end` and `status_date` of `participants`, `first_date` and `last_date` of `participant_metrics`, dates of windows that are alike for many and not in study days, dates of periods without an `anchor_date`, their first and last readings (`first_local`, `last_local`), and times of alert settings." +
			"\n`daily_metrics` and `completeness` have the days from the first reading of a participant to the last."
	}
	return `## What was done so that people are not known

Participants have other names, and so have transmitters; the key to that is with the study.
` + moved + `
Ids of records, requests, connections, accounts and devices are left out, and so are sites, time zones, dates of consent, the app, all text that people may have written, fields that dexetl does not know, and when data were received.
Words that are in no list of Dexcom's are "other".
Records that have vanished are left out, and so are gaps that had no end yet.

These are controls, and no promise that nobody can be known again.
Glucose of a person is like no other: whoever has it from elsewhere finds it here.
The offset to UTC tells a part of the world, and where a clock change lies in the data, or a date is known that many share, such as the first or last day of the study, an anchor date, or the end of the data of those who were still recording, weeks can be counted back.
Names of cohorts, arms and windows are the study's own, or codes where such a name has an id, a site, the city of a time zone or a date in it, as far as a program finds these.
`
}
