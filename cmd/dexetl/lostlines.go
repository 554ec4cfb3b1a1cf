package main

import (
	"fmt"

	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/table"
)

// acceptLoss is how a person says that lines of the audit trail are lost for good. It gives
// up what a backup may have, so it is never the next command.
func acceptLoss() string {
	return plain.ShellLine(dexetl("repair", "--accept-loss", "--reason", "no backup has them"))
}

// trailAdvice is about a damaged audit trail. Of lines that are there, none may be other than
// whole when a loss is accepted.
func trailAdvice(e *state.AuditError) string {
	switch {
	case e.Ahead:
		return "keep " + state.AuditFile + ": it has what state.db, which is older, does not know, or lines were added; a repair, or the next change of the study, goes on behind them, and status says what the study has to be told again"
	case e.Gap:
		return "restore state/audit.jsonl from a backup that has all lines; if there is none, accept that they are lost: " + acceptLoss()
	}
	return "restore state/audit.jsonl from a backup that has all lines; if there is none, move it away, put a file with those lines in its place that are not named here, and accept that the others are lost: " + acceptLoss()
}

// tellLostLines tells of lines of the audit trail that are lost for good.
func (p *program) tellLostLines(lost []state.Loss) {
	for _, l := range lost {
		p.say("%s", lostLineWords(l))
	}
}

func lostLineWords(l state.Loss) string {
	lines := fmt.Sprintf("line %d of the audit trail is lost", l.First)
	if l.First < l.Last {
		lines = fmt.Sprintf("lines %d to %d of the audit trail are lost", l.First, l.Last)
	}
	if l.Older() {
		lines += ", an older one that snapshots have"
	}
	if l.Who == "" {
		return lines
	}
	return fmt.Sprintf("%s, as %s accepted at %s: %s", lines, l.Who, l.At.Format("2006-01-02T15:04:05Z"), l.Reason)
}

// lostLineObjects are the member lost_lines of a form.
func lostLineObjects(f schemas.Form, lost []state.Loss) []map[string]any {
	t := table.Table{Columns: f.Columns("lost_lines")}
	for _, l := range lost {
		t.Rows = append(t.Rows, []any{l.First, l.Last, l.Older(), l.At, l.Who, l.Reason})
	}
	return t.Objects()
}
