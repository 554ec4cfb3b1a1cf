//go:build linux || darwin

package export

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

// A Format is what the tables of an export are written as.
type Format string

// The formats.
const (
	DuckDB  Format = "duckdb"
	Parquet Format = "parquet"
	CSV     Format = "csv"
)

// An Order says what is to be exported, and where to.
type Order struct {
	Study  *study.Study // with its state
	Format Format

	Snapshot  string          // as study.Snapshot takes it; empty: the newest
	Chosen    views.Selection // whom and which local dates, as metrics has them
	Tables    []string        // nil: all that do not repeat others
	Notes     bool            // free text, too
	Unblinded bool            // also what a blinded study hides

	Deid       bool // people who get it are not to know whose it is
	ShiftWeeks int  // of Deid: times are moved back by 1 to so many weeks; 0: they are not
	NewNames   bool // of Deid: other names than in the exports before

	Path      string // of the folder, or of a .duckdb file
	Overwrite bool   // an export that is there already

	Busy func(what string) (end func()) // of what takes long
}

// dated reports whether dates are asked for.
func (o Order) dated() bool { return o.Chosen.From+o.Chosen.To+o.Chosen.Window != "" }

// moves reports whether times are moved.
func (o Order) moves() bool { return o.Deid && o.ShiftWeeks > 0 }

// A BlindedError says that a table is not for everybody of a blinded study.
type BlindedError struct{ Tables []string }

func (e *BlindedError) Error() string {
	return "the study is blinded, and these tables tell of glucose, events or alerts: " + study.ShortList(e.Tables)
}

// A SharedDatesError says that dates of a de-identified export would tell by how much those
// of each participant were moved.
type SharedDatesError struct{ Chosen string }

func (e *SharedDatesError) Error() string {
	return e.Chosen + " with --deid: these dates, the same for everybody and moved for each, would tell by how many weeks"
}

// checkDates refuses dates that everybody shares, if they are moved.
func (o Order) checkDates() error {
	if o.moves() && o.Chosen.From+o.Chosen.To != "" {
		return &SharedDatesError{"--from and --to"}
	}
	return nil
}

// A PathError says that a path has a character that DuckDB takes for a pattern.
type PathError struct{ Path string }

func (e *PathError) Error() string { return e.Path + ": DuckDB cannot write to a path with a ?" }

// place is where the export is to be.
func (o Order) place() durable.Place {
	return durable.Place{Path: o.Path, Overwrite: o.Overwrite, Ours: isExport}
}

func (o Order) checkPath() error {
	if err := cmp.Or(o.place().CheckFolder(), o.Study.CheckOutside(o.Path)); err != nil {
		return err
	}
	if o.Format == DuckDB && strings.Contains(o.Path, "?") {
		return &PathError{o.Path}
	}
	return nil
}

// checkWindow does so for a window. Study days are nobody else's.
func (w *work) checkWindow(ctx context.Context) (err error) {
	shared := false
	if w.moves() && w.Chosen.Window != "" {
		err = w.db.QueryRowContext(ctx, "select coalesce(bool_or(w.participant_id = '"+everyone+"' or "+windowName("w")+" in ("+alikeForMany+
			")), false) from windows w where "+isDated+" and "+windowName("w")+" = ?", w.Chosen.Window).Scan(&shared)
	}
	if shared {
		return &SharedDatesError{"--window " + w.Chosen.Window}
	}
	return err
}

// work is an order being carried out.
type work struct {
	Order
	cut      cut
	lake     *lake.Lake
	manifest lake.Manifest
	chosen   []relation
	leftOut  []LeftOut
	metrics  table.Table // participant_metrics of the dates, if asked for
	staging  *durable.Staging
	db       *sql.DB
	people   []person
	key      Key

	withdrawn map[string]time.Time // as the snapshot has them
}

// Run carries an order out. Nothing is at the path before all of it is.
func (o Order) Run(ctx context.Context) (done Result, err error) {
	if o.Path, err = filepath.Abs(o.Path); err != nil {
		return done, err
	}
	w := &work{Order: o, cut: cut{dated: o.dated(), deid: o.Deid, moved: o.moves()}}
	if err := cmp.Or(o.checkDates(), o.checkPath()); err != nil {
		return done, err
	}
	if w.chosen, w.leftOut, err = o.choose(); err != nil {
		return done, err
	}
	if err := w.blind(); err != nil {
		return done, err
	}
	if w.lake, w.manifest, err = o.Study.Snapshot(o.Snapshot); err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, w.lake.Close()) }()
	w.Chosen.FromReadings = !w.manifest.KeepsDays()
	if err := w.computeMetrics(ctx); err != nil {
		return done, err
	}
	if w.staging, err = o.place().Stage(); err != nil {
		return done, err
	}
	if done, err = w.write(ctx); err != nil {
		return done, errors.Join(w.explain(ctx, err), w.staging.Discard())
	}
	return done, nil
}

// explain is err, or the damaged file, or what the system said of the disk, that is behind it.
func (w *work) explain(ctx context.Context, err error) error {
	if explained := snapshot.Explain(ctx, w.lake, w.manifest, err); study.IsDamage(explained) {
		return explained
	}
	return snapshot.OfDisk(w.staging.Dir, err)
}

// blind refuses tables that a blinded study hides, and leaves out what it hides of others.
func (w *work) blind() error {
	if w.cut.blinded = w.Study.Blinded() && !w.Unblinded; !w.cut.blinded {
		return nil
	}
	var measured []string
	for i, r := range w.chosen {
		of := study.BlindOf(r.Name)
		if of.Hidden {
			measured = append(measured, r.Name)
		}
		w.chosen[i] = r.without(of.Without)
	}
	if len(measured) > 0 {
		return &BlindedError{measured}
	}
	return nil
}

// computeMetrics are those of the dates: the same as dexetl metrics has.
func (w *work) computeMetrics(ctx context.Context) (err error) {
	if !slices.ContainsFunc(w.chosen, func(r relation) bool { return slices.Contains(ofSelection(), r.Name) }) {
		return nil
	}
	defer w.Busy("metrics")()
	w.metrics, err = w.Study.Metrics(ctx, w.manifest.ID().String(), w.Chosen)
	return err
}

// mostMemory is what DuckDB may take; what does not fit goes to disk.
const mostMemory = "1GB"

func (w *work) write(ctx context.Context) (done Result, err error) {
	w.db, err = snapshot.OpenToExport(ctx, w.lake, w.manifest, study.ComputeSpans, snapshot.Limits{Memory: mostMemory}, w.staging.Dir, w.hidden()...)
	if err != nil {
		return done, err
	}
	w.db.SetMaxOpenConns(1)
	if done, err = w.writeTables(ctx); err != nil {
		return done, errors.Join(err, w.db.Close())
	}
	if err := w.db.Close(); err != nil {
		return done, err
	}
	if err := sum(w.staging.Dir); err != nil {
		return done, err
	}
	if err := w.checkGone(ctx); err != nil {
		return done, err
	}
	if err := w.audit(ctx, done); err != nil {
		return done, err
	}
	return done, w.staging.Publish(w.onlyFile())
}

// hidden are the tables that no other session shows.
func (w *work) hidden() []string {
	if w.Notes {
		return []string{notesTable}
	}
	return nil
}

// onlyFile is the file that is all of the export; empty: all of the folder is.
func (w *work) onlyFile() string {
	if w.Format == DuckDB && strings.HasSuffix(w.Path, "."+string(DuckDB)) {
		return databaseName
	}
	return ""
}

// writeTables writes the tables of an export into its folder.
func (w *work) writeTables(ctx context.Context) (done Result, err error) {
	if err := w.execute(ctx, "create schema "+ownSchema); err != nil {
		return done, err
	}
	if done, err = w.begin(ctx); err != nil {
		return done, err
	}
	out := w.writer()
	if err := w.execute(ctx, out.begin()...); err != nil {
		return done, err
	}
	for _, r := range w.chosen {
		end := w.Busy(r.Name)
		rows, err := w.writeTable(ctx, out, r)
		end()
		if err != nil {
			return done, fmt.Errorf("%s: %w", r.Name, err)
		}
		done.Tables = append(done.Tables, Written{r.Name, rows, out.file(r.Name)})
	}
	if err := w.writePapers(done); err != nil {
		return done, err
	}
	return done, w.execute(ctx, out.end(w.described())...)
}

// begin finds out whom the export is of.
func (w *work) begin(ctx context.Context) (done Result, err error) {
	if err := w.checkWindow(ctx); err != nil {
		return done, err
	}
	gone, err := w.findPeople(ctx)
	if err != nil {
		return done, err
	}
	if err := w.rename(ctx); err != nil {
		return done, err
	}
	if err := w.findCodes(ctx); err != nil {
		return done, err
	}
	if done, err = w.result(gone); err != nil {
		return done, err
	}
	if err := errors.Join(w.putPeople(ctx), w.putSensors(ctx), w.putMetrics(ctx)); err != nil {
		return done, err
	}
	done.Telling, err = w.telling(ctx)
	return done, err
}

// putMetrics makes tables of the metrics of the dates.
func (w *work) putMetrics(ctx context.Context) error {
	if w.metrics.Columns == nil {
		return nil
	}
	names := make([]string, len(w.metrics.Columns))
	for i, c := range w.metrics.Columns {
		names[i] = quoted(c)
	}
	into, from := ownSchema+"."+ofSelection()[0], strings.Join(names, ", ")
	if err := w.execute(ctx, "create table "+into+" as select "+from+" from participant_metrics limit 0"); err != nil {
		return err
	}
	insert := "insert into " + into + " (" + from + ") values (" + strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", ") + ")"
	for _, row := range w.metrics.Rows {
		if _, err := w.db.ExecContext(ctx, insert, row...); err != nil {
			return err
		}
	}
	return w.execute(ctx, "create view "+ownSchema+"."+ofSelection()[1]+" as from "+into)
}

func (w *work) execute(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := w.db.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// audit notes what leaves the study, before it does.
func (w *work) audit(ctx context.Context, done Result) error {
	names := make([]string, len(done.Tables))
	for i, t := range done.Tables {
		names[i] = t.Table
	}
	after := state.Fields{
		"format": string(w.Format), "path": filepath.Base(w.staging.Path), "snapshot": w.manifest.ID().String(), "participants": done.Participants,
		"tables": strings.Join(names, " "), "deid": w.Deid, "notes": w.Notes, "unblinded": w.Unblinded,
	}
	if w.Deid {
		after["key"], after["key_mark"], after["shift_weeks"] = w.key.ID, study.ExportKeyMark(w.key.Secret), w.ShiftWeeks
	}
	for name, value := range map[string]string{"from": w.Chosen.From, "to": w.Chosen.To, "window": w.Chosen.Window} {
		if value != "" {
			after[name] = value
		}
	}
	return w.Study.Store.Audit(ctx, state.Act{Subject: "export", After: after})
}
