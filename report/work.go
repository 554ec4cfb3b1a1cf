//go:build linux || darwin

package report

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/report/page"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
)

// work is an order being carried out.
type work struct {
	Order
	blinded  bool // see Order.hides: all of a report is as its beginning
	lake     *lake.Lake
	manifest lake.Manifest
	db       *sql.DB // a session of the snapshot
	staging  *durable.Staging
	stamp    page.Stamp
	people   []person // whom the snapshot knows, in the order of People
	gone     []string
	lastRun  runAmong     // up to the snapshot; zero: there was none
	pages    atomic.Int64 // written
}

// mostMemory is what DuckDB may take; what does not fit goes to disk.
const mostMemory = "1GB"

// begin opens the snapshot, and finds out whom the report is of.
func (o Order) begin(ctx context.Context) (w *work, err error) {
	w = &work{Order: o, blinded: o.hides()}
	if w.lake, w.manifest, err = o.Study.Snapshot(o.Snapshot); err != nil {
		return nil, err
	}
	if w.db, err = snapshot.Open(ctx, w.lake, w.manifest, study.ComputeSpans, snapshot.Limits{Memory: mostMemory}); err != nil {
		return nil, errors.Join(err, w.lake.Close())
	}
	if err := w.look(ctx); err != nil {
		return nil, errors.Join(snapshot.Explain(ctx, w.lake, w.manifest, err), w.close())
	}
	return w, nil
}

func (w *work) close() error { return errors.Join(w.db.Close(), w.lake.Close()) }

// look finds out what every page needs.
func (w *work) look(ctx context.Context) error {
	manifest, _, err := w.lake.ManifestSHA256(w.manifest.ID())
	if err != nil {
		return err
	}
	w.stamp = page.Stamp{
		Snapshot: w.manifest.ID().String(), Manifest: manifest, Committed: w.manifest.CreatedAt, Written: w.Study.Now(),
		Program: w.Study.Version, MetricsVersion: views.MetricsVersion(), Preset: string(views.Dexetl1),
	}
	w.lastRun, err = findRun(ctx, w.Study, LastRun, w.manifest.CreatedAt)
	if _, none := errors.AsType[*NoRunError](err); err != nil && !none {
		return err
	}
	if err := w.findPeople(ctx); err != nil {
		return err
	}
	return w.chooseWindows(ctx)
}

// The pages of a report, by their paths in its folder.
const (
	Index            = "index.html" // the cohort, where one begins
	cohortCSV        = "cohort.csv"
	completenessPath = "completeness.html"
	comparePath      = "compare.html"
	runPath          = "run.html"
	dictionaryPath   = "dictionary.html"
	profiles         = "participants" // a folder, with a page for each
)

// write writes all pages.
func (w *work) write(ctx context.Context) error {
	for _, one := range w.sections() {
		end := w.Busy(one.what)
		err := one.write(ctx)
		end()
		if err != nil {
			return err
		}
	}
	return w.mark()
}

// A section is a page of the report, or many of a kind.
type section struct {
	what  string // for whoever waits
	title string // in the links between pages; empty: it is none of them
	path  string
	write func(context.Context) error
}

// sections are the pages that the report has, in the order of their links.
func (w *work) sections() []section {
	all := []section{
		{"the cohort", "Cohort", Index, w.writeCohort},
		{"completeness", "Completeness", completenessPath, w.writeCompleteness},
	}
	if !w.blinded {
		all = append(all, section{"profiles", "", profiles, w.writeProfiles})
	}
	if !w.blinded && w.Compare[0] != "" {
		all = append(all, section{"the comparison", "Compare", comparePath, w.writeCompare})
	}
	if w.lastRun.ID != "" {
		all = append(all, section{"the last run", "Last run", runPath, w.writeRun})
	}
	return append(all, section{"the dictionary", "Dictionary", dictionaryPath, w.writeDictionary})
}

// links lead from the page at path to all others.
func (w *work) links(path string) (links []page.Link) {
	up := ""
	if filepath.Dir(path) != "." {
		up = "../"
	}
	for _, one := range w.sections() {
		if one.title != "" {
			links = append(links, page.Link{Title: one.title, Path: up + one.path, Here: one.path == path})
		}
	}
	return links
}

// putPage writes a page whole into the staging folder. Several may be written at once.
func (w *work) putPage(path, title string, content page.Content) error {
	html, err := w.html(title, w.links(path), content)
	if err != nil {
		return err
	}
	w.pages.Add(1)
	return w.put(path, html)
}

// html is a page.
func (w *work) html(title string, links []page.Link, content page.Content) ([]byte, error) {
	var b bytes.Buffer
	err := page.Write(&b, page.Frame{Study: w.Study.Config.Study.ID, Title: title, Links: links, Palette: w.Palette, Sight: w.sight(), Stamp: w.stamp}, content)
	return b.Bytes(), err
}

// put writes a file into the staging folder.
func (w *work) put(path string, content []byte) error {
	at := filepath.Join(w.staging.Dir, path)
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		return err
	}
	return os.WriteFile(at, content, 0o600)
}

func (w *work) result() Result {
	return Result{Snapshot: w.stamp.Snapshot, Sight: w.sight(), Participants: len(w.people), Pages: int(w.pages.Load()), Gone: append([]string{}, w.gone...), Path: w.Path}
}

// written is when the report is written: now, in words and ages.
func (w *work) written() time.Time { return w.stamp.Written }
