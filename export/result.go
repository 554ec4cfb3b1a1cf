//go:build linux || darwin

package export

import (
	"cmp"
	"slices"
	"time"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
)

// A Result is what an export has.
type Result struct {
	Format       Format
	Snapshot     lake.ID
	Manifest     string // SHA-256 of its manifest
	Program      string
	Citation     string
	Participants int
	From, To     string // local dates that were asked for
	Window       string
	Deid         bool
	ShiftWeeks   int
	Notes        bool
	Tables       []Written
	LeftOut      []LeftOut

	Gone    []string // participants who are left out; the export does not name them
	Telling Telling  // for whoever hands it over; the export does not say so
}

// A Written is a table of an export.
type Written struct {
	Table string
	Rows  int64
	File  string // in the folder
}

// Reasons are why tables are not there, each with those of which it is so.
func (r Result) Reasons() (all []Reason) {
	for _, l := range r.LeftOut {
		i := slices.IndexFunc(all, func(one Reason) bool { return one.Why == l.Why })
		if i < 0 {
			i, all = len(all), append(all, Reason{Why: l.Why})
		}
		all[i].Tables = append(all[i].Tables, l.Table)
	}
	return all
}

// A Reason is one for which tables are not there.
type Reason struct {
	Why    string
	Tables []string
}

// result is what is known before the tables are written.
func (w *work) result(gone []string) (done Result, err error) {
	done = Result{
		Format: w.Format, Snapshot: w.manifest.ID(), Program: w.Study.Version, Participants: len(w.people),
		From: w.Chosen.From, To: w.Chosen.To, Window: cmp.Or(w.cut.codes[w.Chosen.Window], w.Chosen.Window),
		Deid: w.Deid, ShiftWeeks: w.ShiftWeeks, Notes: w.Notes, LeftOut: w.leftOut, Gone: gone,
	}
	if done.Manifest, _, err = w.lake.ManifestSHA256(w.manifest.ID()); err != nil {
		return done, err
	}
	cite := study.Citation{Study: w.Study.Config.Study.ID, Snapshot: w.manifest.ID().String(), CreatedAt: w.manifest.CreatedAt,
		Manifest: done.Manifest, Program: done.Program, Metrics: sql.MetricsVersion()}
	if lake.IsTagName(w.Snapshot) {
		cite.Tag = w.Snapshot
	}
	if w.Deid { // near that time ends whoever was still recording
		cite.CreatedAt = time.Time{}
	}
	if w.moves() && hasDate(cite.Tag) {
		cite.Tag = ""
	}
	done.Citation = cite.String()
	return done, err
}

// Values are the members of schemas.Export, in their order.
func (r Result) Values() []any {
	tables, leftOut := []map[string]any{}, []map[string]any{}
	for _, t := range r.Tables {
		tables = append(tables, map[string]any{"table": t.Table, "rows": t.Rows, "file": t.File})
	}
	for _, l := range r.LeftOut {
		leftOut = append(leftOut, map[string]any{"table": l.Table, "why": l.Why})
	}
	return []any{string(r.Format), r.Snapshot.Number, r.Manifest, r.Program, r.Citation, r.Participants,
		orNull(r.From), orNull(r.To), orNull(r.Window), r.Deid, r.ShiftWeeks, r.Notes, tables, leftOut}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
