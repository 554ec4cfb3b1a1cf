package tables

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/frozen"
	"github.com/dexetl/dexetl/transform"
)

// CursorHeader has next_cursor of the next page; absent: there is none.
const CursorHeader = "X-Next-Cursor"

// rowsInput is a request for rows.
type rowsInput struct {
	Table string `path:"table"`
	Choice
	From       string   `query:"from" doc:"Date or ISO date-time, UTC, inclusive, of the time that the table has"`
	To         string   `query:"to" doc:"Date, inclusive, or ISO date-time, exclusive; UTC"`
	Columns    []string `query:"columns" doc:"Only these, divided by commas, in the order of the table"`
	Snapshot   string   `query:"snapshot" doc:"Number, tag, or latest, which is the default"`
	Format     string   `query:"format" enum:"parquet,csv,ndjson,arrow" default:"parquet"`
	Limit      int64    `query:"limit" minimum:"0" maximum:"50000" doc:"A page of so many rows; 0: all rows"`
	NextCursor string   `query:"next_cursor" doc:"X-Next-Cursor of the page before; pages of one sequence show one snapshot"`
	IfNone     string   `header:"If-None-Match" doc:"ETag of an answer to the same request"`
}

func (t *Tables) registerRows() {
	content := map[string]*huma.MediaType{}
	for _, f := range formats() {
		content[f.mediaType] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	etag := &huma.Param{Description: "As long as it is the same, so are the rows", Schema: &huma.Schema{Type: huma.TypeString}}
	op := huma.Operation{
		OperationID: "table", Method: http.MethodGet, Path: "/v1/tables/{table}", Tags: []string{"tables"},
		Summary: "Rows of a table, as a file",
		Responses: map[string]*huma.Response{
			"200": {Description: "OK", Content: content, Headers: map[string]*huma.Param{
				"ETag": etag, api.SnapshotHeader: api.SnapshotParam(),
				CursorHeader: cursorParam()}},
			"304": {Description: "The rows are those of If-None-Match"},
			"410": {Description: "The snapshot is of before a withdrawal, and is no longer shown"},
		},
	}
	api.Register(t.API, op, api.Needs{Scope: access.Read, Besides: rightsOfSome()}, t.rows)
}

func (t *Tables) rows(ctx context.Context, in *rowsInput) (*huma.StreamResponse, error) {
	a := &rowsAnswer{tables: t, format: formatNamed(in.Format), limit: in.Limit}
	if err := a.choose(ctx, in); err != nil {
		return nil, err
	}
	if matches(in.IfNone, a.etag) {
		return &huma.StreamResponse{Body: func(to huma.Context) { a.headers(to); to.SetStatus(http.StatusNotModified) }}, nil
	}
	end, err := t.streams.Take(ctx)
	if err != nil {
		return nil, err
	}
	next, stop := iter.Pull2(a.snapshot.Rows(ctx, a.chosen))
	a.end = func() { stop(); end() }
	if err := a.begin(next); err != nil {
		a.end()
		return nil, err
	}
	return &huma.StreamResponse{Body: a.write}, nil
}

// choose finds out what is asked for.
func (a *rowsAnswer) choose(ctx context.Context, in *rowsInput) (err error) {
	known := offered()
	i := slices.IndexFunc(known, func(t transform.Table) bool { return t.Name == in.Table })
	if i < 0 {
		return api.Refusal(http.StatusNotFound, "there is no such table: /v1/tables lists them")
	}
	a.chosen.Table = known[i]
	a.blind = a.tables.blind(ctx, a.chosen.Table.Name) // first: whoever is blinded since then is refused
	if err := a.tables.mayRead(ctx, a.chosen.Table); err != nil {
		return err
	}
	if a.chosen.From, a.chosen.To, err = interval(a.chosen.Table, in.From, in.To); err != nil {
		return err
	}
	if a.table, err = columnsOf(without(a.chosen.Table, a.blind.Without), in.Columns); err != nil {
		return err
	}
	a.chosen.Resources = a.blind.Resources
	if len(in.Columns)+len(a.blind.Without) > 0 {
		for _, c := range a.table.Columns {
			a.chosen.Columns = append(a.chosen.Columns, c.Name)
		}
	}
	if err := a.chooseSnapshot(in); err != nil {
		return err
	}
	return a.choosePeople(ctx, in.Choice)
}

// choosePeople finds out whose rows of the snapshot are shown, and the ETag: for that may
// change without another snapshot.
func (a *rowsAnswer) choosePeople(ctx context.Context, c Choice) error {
	t := a.chosen.Table
	people, err := a.tables.people(ctx, c)
	if err != nil {
		return err
	}
	if !hasPeople(t) && people != nil {
		return api.Invalid("query.participant", "the rows of %s are nobody's: leave out participant and cohort", t.Name)
	}
	if hasPeople(t) {
		if err := a.leaveOut(ctx, c, people); err != nil {
			return err
		}
	}
	a.etag = fmt.Sprintf("%q", a.snapshot.Name())
	kept := slices.Concat(a.blind.Without, a.blind.Resources)
	if a.chosen.Participants != nil || len(a.chosen.Without)+len(kept) > 0 {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s-%s-%s", strings.Join(a.chosen.Participants, ","), strings.Join(a.chosen.Without, ","), strings.Join(kept, ",")))
		a.etag = fmt.Sprintf(`"%s-%x"`, a.snapshot.Name(), sum[:6])
	}
	return nil
}

// leaveOut leaves out who is hidden; people are nil for everybody.
func (a *rowsAnswer) leaveOut(ctx context.Context, c Choice, people []cohort.Participant) (err error) {
	a.hidden, err = a.tables.hidden(ctx, a.snapshot)
	if err != nil || people == nil { // rows that are nobody's stay
		a.chosen.Without = a.hidden
		return err
	}
	if people, err = a.tables.shown(ctx, c, people, a.hidden); err != nil {
		return err
	}
	a.chosen.Participants = idsOf(people)
	if a.chosen.Table.Name == "windows" {
		a.chosen.Participants = append(a.chosen.Participants, everyone)
	}
	slices.Sort(a.chosen.Participants)
	return nil
}

// chooseSnapshot finds the snapshot, or that of the page before.
func (a *rowsAnswer) chooseSnapshot(in *rowsInput) (err error) {
	a.list = strings.Join([]string{in.Table, strings.Join(in.Participant, ","), in.Cohort, in.From, in.To, strings.Join(in.Columns, ","), in.Snapshot}, "\x00")
	which := in.Snapshot
	if in.NextCursor != "" {
		c, err := api.ParseCursor("next_cursor", a.list, in.NextCursor)
		if err != nil {
			return err
		}
		if a.chosen.After, err = placeIn(c); err != nil {
			return err
		}
		which = c.Snapshot
	}
	if a.snapshot, err = a.tables.snapshot(which); err != nil {
		return err
	}
	if has, err := a.snapshot.Has(a.chosen.Table); err != nil || !has {
		return cmp.Or(err, error(api.Refusal(http.StatusNotFound, "this snapshot does not have this table: the newest one does, after a run of this program")))
	}
	return nil
}

// placeIn is the place that a cursor says: whoever reads this can make one.
func placeIn(c api.Cursor) (frozen.Place, error) {
	file, row, _ := strings.Cut(c.Last, ":")
	f, err := strconv.ParseUint(file, 10, 31)
	r, wrong := strconv.ParseUint(row, 10, 63)
	if _, ok := lake.ParseID(c.Snapshot); !ok || err != nil || wrong != nil {
		return frozen.Place{}, api.NoCursor("next_cursor")
	}
	return frozen.Place{File: int(f), Row: int64(r)}, nil
}

// snapshot is the one called which; the newest for "" and latest.
func (t *Tables) snapshot(which string) (*frozen.Snapshot, error) {
	f, err := t.Reader.Snapshot(which)
	none, isNone := errors.AsType[*study.NoSnapshotError](err)
	switch {
	case isEmpty(err):
		err = &nothingLoaded{api.Refusal(http.StatusNotFound, "nothing was loaded yet")}
	case isNone && none.ID.Number == 0:
		err = api.Invalid("query.snapshot", "a number such as 12, a tag, or latest")
	case isNone:
		err = api.Refusal(http.StatusNotFound, "there is no such snapshot: /v1/snapshots lists them")
	case is[*frozen.GoneError](err):
		err = api.Refusal(http.StatusGone, "this snapshot is of before a withdrawal, and is no longer shown: ask for the newest one")
	}
	return f, err
}

// nothingLoaded is the refusal where there is no snapshot yet.
type nothingLoaded struct{ *api.Problem }

// Unwrap is for those who look for a Problem.
func (e *nothingLoaded) Unwrap() error { return e.Problem }

func isEmpty(err error) bool { return is[*study.EmptyLakeError](err) || is[*nothingLoaded](err) }

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// matches reports whether If-None-Match names an ETag.
func matches(ifNone, etag string) bool {
	for one := range strings.SplitSeq(ifNone, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == etag {
			return true
		}
	}
	return false
}
