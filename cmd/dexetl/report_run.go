//go:build linux || darwin

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/report"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

// lastRunPage always is about the newest run.
const lastRunPage = "run-last.html"

// runPage is the name of the page about a run. Ids of runs are in the order of time.
func runPage(id string) string { return "run-" + id + ".html" }

// reportRun writes the page about a run that somebody asked for.
func (p *program) reportRun(ctx context.Context, o reportOptions, run string) error {
	if o.narrowed() {
		return usage("--run tells of a run as it was: only -o, --palette, --blinded and --open go with it")
	}
	order := o.order
	if err := p.everybody(ctx, &order); err != nil {
		return err
	}
	id, html, err := order.RunPage(ctx, run)
	if err != nil {
		return err
	}
	dir := cmp.Or(order.Path, order.Study.RunPages(), ".")
	if err := putPages(order.Study, dir, html, runPage(id)); err != nil {
		return err
	}
	at, err := filepath.Abs(filepath.Join(dir, runPage(id)))
	if err != nil {
		return err
	}
	if o.open {
		p.openPage(at)
	}
	if p.flags.json {
		return p.object(schemas.ReportRun(), id, at)
	}
	return p.tell("%s", at)
}

// narrowed reports whether an option was given that a page about a run does not have.
func (o reportOptions) narrowed() bool {
	return o.selection.narrows() || o.given || o.compare != "" || o.order.Snapshot != "" || o.order.Unblinded
}

// everybody makes an order about all participants.
func (p *program) everybody(ctx context.Context, order *report.Order) error {
	all, err := order.Study.Cohort.Participants(ctx)
	if err != nil {
		return err
	}
	persons, harm := order.Study.People(ctx, all)
	order.People, order.Say, order.Busy = persons, p.reportWords(), func(string) func() { return func() {} }
	return study.UnlessData(harm)
}

// A danglingError says that a link leads to a folder that is not there.
type danglingError struct{ path string }

func (e *danglingError) Error() string { return e.path + " is a link to what is not there" }

// putPages writes a page under some names into a folder, which is made, outside of what the
// study keeps.
func putPages(s *study.Study, dir string, html []byte, names ...string) error {
	if err := s.CheckOutside(dir); err != nil {
		return err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(dir); err == nil {
			return &danglingError{dir}
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range names {
		if err := durable.Publish(filepath.Join(dir, name), html); err != nil {
			return err
		}
	}
	return nil
}

// afterRun writes the page about a run that has ended, if report.dir says where. A run
// that brought nothing, and of which nothing failed, has only the page about the last one.
func (p *program) afterRun(ctx context.Context, s *study.Study, done study.Result, ended error) error {
	dir := s.RunPages()
	if dir == "" || done.Run.ID == "" {
		return nil
	}
	names := []string{lastRunPage}
	if ended != nil || len(changedTables(done.Loaded)) > 0 {
		names = append(names, runPage(done.Run.ID))
	}
	order := report.Order{Study: s}
	if err := p.everybody(ctx, &order); err != nil {
		return err
	}
	_, html, err := order.RunPage(ctx, done.Run.ID)
	if as[*study.EmptyLakeError](err) {
		return nil // a page is of a snapshot, and there is none yet
	}
	return cmp.Or(err, putPages(s, dir, html, names...))
}

// runWords say how a run ended.
func runWords(r study.PastRun) (outcome string, good bool) {
	switch {
	case r.Run.EndedAt.IsZero() && r.Alive:
		return "The run goes on.", true
	case r.Run.EndedAt.IsZero():
		return "The run was killed. What it had brought is kept, and the next run goes on with it.", false
	case r.Run.ExitCode == exitDone:
		return "Done: all that was due is held.", true
	}
	words := codeWords(r.Run.ExitCode)
	return fmt.Sprintf("%s (exit code %d).", strings.ToUpper(words[:1])+words[1:], r.Run.ExitCode), false
}
