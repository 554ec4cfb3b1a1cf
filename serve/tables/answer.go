package tables

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/frozen"
	"github.com/dexetl/dexetl/transform"
)

// A rowsAnswer is rows on their way to somebody.
type rowsAnswer struct {
	tables   *Tables
	snapshot *frozen.Snapshot
	chosen   frozen.Rows
	table    transform.Table // with the columns that were asked for
	format   format
	limit    int64
	list     string // that cursors are of
	blind    study.Blind
	hidden   []string
	asked    time.Time // when hidden was
	etag     string

	first  []frozen.Piece                     // of a page: all there is; else the first, if any
	next   func() (frozen.Piece, error, bool) // those after it; nil: none
	cursor string                             // of the next page
	end    func()
}

// begin reads the first rows, or the page: what goes wrong here is still told as such.
func (a *rowsAnswer) begin(next func() (frozen.Piece, error, bool)) error {
	if a.limit == 0 {
		piece, err, ok := next()
		if ok && err == nil {
			a.first, a.next = []frozen.Piece{piece}, next
		}
		return err
	}
	for left := a.limit; ; {
		piece, err, ok := next()
		if err != nil || !ok {
			return err
		}
		if piece.NumRows() > left { // there is more than the page
			a.goesOn(piece.Head(left))
			return nil
		}
		a.first, left = append(a.first, piece), left-piece.NumRows()
	}
}

// goesOn ends a page with the last rows of it, and says where the next one begins.
func (a *rowsAnswer) goesOn(last frozen.Piece) {
	if last.NumRows() > 0 {
		a.first = append(a.first, last)
	}
	c := api.Cursor{Snapshot: a.snapshot.Name(), Last: fmt.Sprintf("%d:%d", last.End.File, last.End.Row)}
	a.cursor = api.NextCursor(a.list, c)
}

func (a *rowsAnswer) headers(to huma.Context) {
	to.SetHeader("ETag", a.etag)
	to.SetHeader(api.SnapshotHeader, a.snapshot.Name())
	to.SetHeader("Cache-Control", "private, no-cache")
	to.SetHeader("Vary", api.KeyHeader+", Authorization, "+api.ManageHeader)
	if a.cursor != "" {
		to.SetHeader(CursorHeader, a.cursor)
	}
}

// write writes the rows while they are read. If that breaks, so does the connection: half
// a table must not look whole.
func (a *rowsAnswer) write(to huma.Context) {
	defer a.end()
	a.headers(to)
	to.SetHeader("Content-Type", a.format.mediaType)
	to.SetHeader("Content-Disposition", fmt.Sprintf("attachment; filename=%q", fmt.Sprintf("%s-%s.%s", a.table.Name, a.snapshot.Name(), a.format.suffix)))
	if to.Method() == http.MethodHead {
		return
	}
	if err := a.rows(to); err != nil {
		if to.Context().Err() == nil {
			a.tables.API.Log.Warn("table broken off", "table", a.table.Name, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// askAgain is how often is looked who is hidden while a table is on its way.
const askAgain = time.Second

// errHidden says that rows on their way are of somebody who withdrew or was deleted since
// they were asked for.
var errHidden = errors.New("somebody in it has withdrawn or was deleted meanwhile")

// errBlinded says that the study is blinded, or no longer, since rows were asked for.
var errBlinded = errors.New("what the key may see of it has changed meanwhile")

// stillShown refuses to go on with rows of somebody who is hidden now, or of a table that
// the key may not read any more.
func (a *rowsAnswer) stillShown(ctx context.Context) error {
	now := a.tables.API.Now()
	if !hasPeople(a.chosen.Table) || now.Sub(a.asked) < askAgain {
		return nil
	}
	a.asked = now
	if err := a.tables.mayRead(ctx, a.chosen.Table); err != nil {
		return err
	}
	if !reflect.DeepEqual(a.tables.blind(ctx, a.chosen.Table.Name), a.blind) {
		return errBlinded
	}
	hidden, err := a.tables.hidden(ctx, a.snapshot)
	for _, id := range hidden {
		if !slices.Contains(a.hidden, id) && (a.chosen.Participants == nil || slices.Contains(a.chosen.Participants, id)) {
			return errHidden
		}
	}
	return err
}

func (a *rowsAnswer) rows(to huma.Context) error {
	out := bufio.NewWriterSize(to.BodyWriter(), 64<<10)
	e, err := a.format.begin(a.table, out)
	if err != nil {
		return err
	}
	write := func(piece frozen.Piece) {
		defer piece.Release()
		if err = cmp.Or(err, a.stillShown(to.Context())); err == nil {
			err = e.Write(piece.RecordBatch)
		}
	}
	for _, piece := range a.first {
		write(piece)
	}
	for err == nil && a.next != nil {
		piece, failed, ok := a.next()
		if err = failed; err != nil || !ok {
			break
		}
		write(piece)
	}
	if err != nil {
		e.Abort()
		return err
	}
	return errors.Join(e.Close(), out.Flush())
}
