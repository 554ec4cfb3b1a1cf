//go:build linux || darwin

package report

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/report/number"
	"github.com/dexetl/dexetl/report/page"
	"github.com/dexetl/dexetl/schemas"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

// An Order says what is to be reported, and where to.
type Order struct {
	Study *study.Study // with its state

	Snapshot string          // as study.Snapshot takes it; empty: the newest
	People   []study.Person  // whom, with all that is known of them
	Chosen   views.Selection // which local dates of theirs; its participants are those of People
	Compare  [2]string       // names of two windows; empty: none are compared

	Blinded   bool // glucose, events, alerts and arms are not shown, whatever the study says
	Unblinded bool // all is shown, whatever the study says; noted in the audit trail
	Palette   page.Palette
	Unit      number.Unit

	Path string // of the folder; a report that is there already is replaced

	Say  Words
	Busy func(what string) (end func()) // of what takes long
}

// Words are how the program says what a study knows of somebody.
type Words struct {
	Run     func(study.PastRun) (outcome string, good bool) // how it ended, and whether nothing has to be done
	Consent func(study.Person) string                       // how it stands with the consent
	ToDo    func(study.Person) string                       // what has to be done next; empty: nothing
}

// Result is what was written.
type Result struct {
	Snapshot     string
	Sight        page.Sight
	Participants int // whom the snapshot knows, and of whom it may be shown
	Pages        int
	Gone         []string // left out: they have withdrawn since the snapshot, or were deleted
	Path         string   // of the folder, absolute
}

// Begin is the page to open first.
func (r Result) Begin() string { return filepath.Join(r.Path, Index) }

// hides reports whether glucose, events, alerts and arms stay hidden.
func (o Order) hides() bool {
	return o.Blinded || o.Study.Blinded() && !o.Unblinded
}

// sight is what the pages show.
func (w *work) sight() page.Sight {
	switch {
	case w.blinded:
		return page.Blinded
	case w.Unblinded:
		return page.Unblinded
	}
	return page.Usual
}

// Run carries an order out. Nothing is at the path before all of it is.
func (o Order) Run(ctx context.Context) (done Result, err error) {
	if o.Path, err = filepath.Abs(o.Path); err != nil {
		return done, err
	}
	place := durable.Place{Path: o.Path, Overwrite: true, Ours: isReport}
	if err := cmp.Or(place.CheckFolder(), o.Study.CheckOutside(o.Path), o.checkRunPages()); err != nil {
		return done, err
	}
	w, err := o.begin(ctx)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if w.staging, err = place.Stage(); err != nil {
		return done, err
	}
	if err := w.write(ctx); err != nil {
		return done, errors.Join(snapshot.Explain(ctx, w.lake, w.manifest, err), w.staging.Discard())
	}
	if err := keepRunPages(o.Path, w.staging.Dir); err != nil {
		return done, errors.Join(err, w.staging.Discard())
	}
	if err := w.audit(ctx); err != nil {
		return done, errors.Join(err, w.staging.Discard())
	}
	if err := w.staging.Publish(""); err != nil {
		return done, err
	}
	return w.result(), nil
}

// RunPage is the page about a run (its id, or [LastRun]), by what the newest snapshot
// knows, and the id of the run.
func (o Order) RunPage(ctx context.Context, run string) (id string, html []byte, err error) {
	w, err := o.begin(ctx)
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	found, err := findRun(ctx, o.Study, run, w.stamp.Written)
	if err != nil {
		return "", nil, err
	}
	title, p, err := w.aboutRun(ctx, found)
	if err != nil {
		return "", nil, snapshot.Explain(ctx, w.lake, w.manifest, err)
	}
	html, err = w.html(title, nil, p)
	return found.ID, html, err
}

// audit notes that somebody saw what is hidden from most.
func (w *work) audit(ctx context.Context) error {
	if !w.Unblinded {
		return nil
	}
	return w.Study.Store.Audit(ctx, state.Act{Subject: "report", After: state.Fields{
		"snapshot": w.manifest.ID().String(), "participants": len(w.people), "unblinded": true, "path": filepath.Base(w.Path),
	}})
}

// mark writes the file by which the folder is known.
func (w *work) mark() error {
	var b strings.Builder
	if err := table.WriteJSON(&b, schemas.ReportPages().Schema(), schemas.ReportPages().Object(w.result().Values()...)); err != nil {
		return err
	}
	return w.put(markName, []byte(b.String()))
}

// Values are the members of schemas.ReportPages, in their order.
func (r Result) Values() []any {
	return []any{r.Snapshot, string(r.Sight), r.Participants, r.Pages, r.Gone, filepath.Base(r.Path)}
}
