package tables

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/answer"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

// registerReports adds the routes that answer what commands print with --json.
func (t *Tables) registerReports() {
	read, whole := api.Needs{Scope: access.Read}, api.Needs{Scope: access.Read, Besides: []string{"no cohort"}}
	metrics := reportOf("metrics", schemas.Metrics(), "The metrics that papers report, by participant; format=csv has them as CSV")
	ok := metrics.Responses["200"]
	ok.Content["text/csv"], ok.Headers[api.SnapshotHeader] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}, api.SnapshotParam()
	metrics.Errors = []int{http.StatusGone}
	api.Register(t.API, metrics, api.Needs{Scope: access.Read, Glucose: true}, t.metrics)
	api.Register(t.API, reportOf("status", schemas.Status(), "By participant: consent, newest record, coverage, what to do"), read, t.status)
	api.Register(t.API, reportOf("snapshots", schemas.Snapshots(), "The snapshots, newest first; not for a key of a cohort"), whole, t.snapshots)
	api.Register(t.API, reportOf("runs", schemas.Runs(), "The runs, newest first; not for a key of a cohort"), whole, t.runs)
}

// reportOf describes a route whose answers are of a form.
func reportOf(name string, form schemas.Form, summary string) huma.Operation {
	return huma.Operation{
		OperationID: name, Method: http.MethodGet, Path: "/v1/" + name, Tags: []string{"study"}, Summary: summary,
		Responses: map[string]*huma.Response{"200": {Description: form.Schema(), Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf(form)}},
			Headers: map[string]*huma.Param{CursorHeader: cursorParam()}}},
	}
}

// schemaOf is the schema of a form, which is JSON Schema as OpenAPI has it.
func schemaOf(form schemas.Form) *huma.Schema {
	all := schemas.All()
	i := slices.IndexFunc(all, func(s schemas.Schema) bool { return s.Title == form.Schema() })
	text, _ := all[i].Document(schemas.JSONSchema)
	schema := &huma.Schema{}
	if err := json.Unmarshal(text, &schema.Extensions); err != nil {
		panic(err) // it is embedded, and tested
	}
	for _, own := range []string{"$schema", "$id"} { // a document of its own
		delete(schema.Extensions, own)
	}
	return schema
}

// A place is where a report comes from: the snapshot, if it is of one, and the cursor of the
// page after it.
type place struct{ snapshot, cursor string }

// report is an answer that is written as it stands.
func report(contentType string, body []byte, at place) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(to huma.Context) {
		to.SetHeader("Content-Type", contentType)
		for name, value := range map[string]string{api.SnapshotHeader: at.snapshot, CursorHeader: at.cursor} {
			if value != "" {
				to.SetHeader(name, value)
			}
		}
		if _, err := to.BodyWriter().Write(body); err != nil {
			panic(http.ErrAbortHandler)
		}
	}}
}

// reported is a table as an answer.
func reported(t table.Table, f table.Format, at place, err error) (*huma.StreamResponse, error) {
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Write(&b, f); err != nil {
		return nil, err
	}
	return report(map[table.Format]string{table.JSON: "application/json", table.CSV: "text/csv; charset=utf-8"}[f], b.Bytes(), at), nil
}

type metricsInput struct {
	Choice
	Paging
	From      string `query:"from" doc:"First local date, inclusive"`
	To        string `query:"to" doc:"Last local date, inclusive"`
	Window    string `query:"window" doc:"Name of a window of windows.csv"`
	Select    string `query:"select" doc:"lastN: the latest N days in a row with enough data, such as last14"`
	Preset    string `query:"preset" enum:"dexetl-1,iglu" default:"dexetl-1"`
	Sentinels string `query:"sentinels" enum:"as sent,40-400,exclude" default:"as sent" doc:"What 39 and 401 count as"`
	Snapshot  string `query:"snapshot" doc:"Number, tag, or latest, which is the default"`
	Format    string `query:"format" enum:"json,csv" default:"json"`
}

func (t *Tables) metrics(ctx context.Context, in *metricsInput) (*huma.StreamResponse, error) {
	chosen, err := study.MetricsChoice{From: in.From, To: in.To, Window: in.Window, Select: in.Select, Preset: in.Preset, Sentinels: in.Sentinels}.Selection()
	if err == nil {
		err = t.API.Study.CheckWindow(ctx, in.Snapshot, in.Window)
	}
	if err != nil {
		return nil, invalidOption(err)
	}
	people, err := t.people(ctx, in.Choice)
	if err != nil {
		return nil, err
	}
	list := listOf("metrics", in, &in.Paging)
	after, err := in.after(list)
	if err != nil {
		return nil, err
	}
	f, err := t.snapshot(cmp.Or(after.Snapshot, in.Snapshot))
	if err != nil {
		return nil, err
	}
	hidden, err := t.hidden(ctx, f)
	if err != nil {
		return nil, err
	}
	if people, err = t.shown(ctx, in.Choice, people, hidden); err != nil {
		return nil, err
	}
	people, cursor, err := t.page(ctx, people, in.Paging, list, api.Cursor{Snapshot: f.Name(), Last: after.Last})
	if err != nil {
		return nil, err
	}
	chosen.Participants = idsOf(people)
	end, err := t.sessions.Take(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	found, err := t.API.Study.Metrics(ctx, f.Name(), chosen)
	if err == nil {
		err = t.stillHidden(ctx, f, hidden)
	}
	if is[*answer.MemoryError](err) {
		err = api.Refusal(http.StatusServiceUnavailable, "it needs more memory than it may use: ask for fewer participants, or a shorter interval")
	}
	return reported(found, table.Format(in.Format), place{f.Name(), cursor}, err)
}

// invalidOption is a refusal for what is wrong with a choice of metrics.
func invalidOption(err error) error {
	if is[*study.NoWindowError](err) {
		return api.Invalid("query.window", "there is no such window")
	}
	if !is[*study.OptionError](err) {
		return err
	}
	e := err.(*study.OptionError)
	return api.Invalid("query."+e.Option, "%s", strings.TrimPrefix(e.Error(), e.Option+": "))
}

type statusInput struct {
	Choice
	Paging
}

func (t *Tables) status(ctx context.Context, in *statusInput) (*huma.StreamResponse, error) {
	list := listOf("status", in, &in.Paging)
	after, err := in.after(list)
	if err != nil {
		return nil, err
	}
	people, err := t.people(ctx, in.Choice)
	if err == nil && people == nil {
		people, err = t.API.People(ctx)
	}
	if err == nil {
		people, err = t.shownNow(ctx, in.Choice, people)
	}
	if err != nil {
		return nil, err
	}
	people, cursor, err := t.page(ctx, people, in.Paging, list, after)
	if err != nil {
		return nil, err
	}
	object, err := t.Status(ctx, people)
	if err != nil {
		return nil, err
	}
	text, err := table.JSONText(object, "", "  ")
	return report("application/json", append(text, '\n'), place{cursor: cursor}), err
}

// shownNow is shown of the newest snapshot.
func (t *Tables) shownNow(ctx context.Context, c Choice, people []cohort.Participant) ([]cohort.Participant, error) {
	f, err := t.snapshot("")
	if isEmpty(err) {
		return people, nil
	}
	if err != nil {
		return nil, err
	}
	hidden, err := t.hidden(ctx, f)
	if err != nil {
		return nil, err
	}
	return t.shown(ctx, c, people, hidden)
}

// A lately is how much of the past is asked for.
type lately struct {
	Limit      int    `query:"limit" minimum:"0" maximum:"100000" default:"20" doc:"A page of so many, the newest first; 0: all"`
	NextCursor string `query:"next_cursor" doc:"X-Next-Cursor of the page before: what is older"`
}

// past answers with what a list has before the last row of another page. All tells of that
// many rows; the column of this name has their keys.
func (in *lately) past(ctx context.Context, name, key string, all func(before string, limit int) (table.Table, error)) (*huma.StreamResponse, error) {
	if err := wholeStudy(ctx); err != nil {
		return nil, err
	}
	after, err := Paging{NextCursor: in.NextCursor}.after(name)
	if err != nil {
		return nil, err
	}
	more := in.Limit
	if more > 0 {
		more++ // whether there is another page
	}
	rows, err := all(after.Last, more)
	cursor := ""
	if in.Limit > 0 && len(rows.Rows) > in.Limit {
		rows.Rows = rows.Rows[:in.Limit]
		last := rows.Rows[in.Limit-1][slices.Index(rows.Columns, key)]
		cursor = api.NextCursor(name, api.Cursor{Last: fmt.Sprint(last)})
	}
	return reported(rows, table.JSON, place{cursor: cursor}, err)
}

func (t *Tables) snapshots(ctx context.Context, in *lately) (*huma.StreamResponse, error) {
	return in.past(ctx, "snapshots", "snapshot", func(before string, limit int) (table.Table, error) {
		id, ok := lake.ParseID(before)
		if before != "" && !ok {
			return table.Table{}, api.NoCursor("next_cursor")
		}
		return t.Reader.SnapshotTable(study.Past{Before: id, Limit: limit})
	})
}

func (t *Tables) runs(ctx context.Context, in *lately) (*huma.StreamResponse, error) {
	return in.past(ctx, "runs", "run_id", func(before string, limit int) (table.Table, error) {
		list, damage, err := t.API.Study.RunTable(ctx, before, limit)
		if damage != nil {
			t.API.Log.Warn("what the runs brought is not all known", "error", damage)
		}
		for _, column := range t.blind(ctx, "runs").Without {
			i := slices.Index(list.Columns, column)
			for _, row := range list.Rows {
				row[i] = nil
			}
		}
		return list, err
	})
}
