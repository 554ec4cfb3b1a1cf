package tables

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study/frozen"
	"github.com/dexetl/dexetl/transform"
)

// Limits of what is computed and written at a time, beside those of all requests, and of
// one key among that.
const (
	streams, keyStreams   = 8, 4 // tables
	sessions, keySessions = 2, 1 // metrics
)

// Tables are the routes. Its fields are set before Register.
type Tables struct {
	API    *api.API
	Reader *frozen.Reader

	// Status is what dexetl status --json prints of these participants.
	Status func(ctx context.Context, people []cohort.Participant) (map[string]any, error)

	streams, sessions *api.Turns
}

// Register adds the routes.
func (t *Tables) Register() {
	t.streams, t.sessions = api.NewTurns(streams, keyStreams), api.NewTurns(sessions, keySessions)
	t.registerList()
	t.registerRows()
	t.registerReports()
}

// A List is the tables that there are.
type List struct {
	Snapshot int64   `json:"snapshot" doc:"The newest snapshot; 0: nothing was loaded yet"`
	Tables   []Table `json:"tables"`
}

// A Table is one of them.
type Table struct {
	Name     string   `json:"name"`
	Comment  string   `json:"comment" doc:"What a row is"`
	Time     string   `json:"time,omitempty" doc:"The column that from and to are about; absent: they cannot be asked for"`
	Rows     *int64   `json:"rows,omitempty" doc:"In this snapshot, vanished ones included; absent where the key may not read all of them, where rows are left out of every answer, and where the snapshot does not have the table"`
	Readable bool     `json:"readable" doc:"The key has the rights for it"`
	Columns  []Column `json:"columns"`
}

// A Column is one column.
type Column struct {
	Name    string `json:"name"`
	Type    string `json:"type" doc:"utf8, timestamp (UTC or wall clock, as its comment says), date, int16, int32, int64, float64, bool or list"`
	Null    bool   `json:"null" doc:"It may be null"`
	Comment string `json:"comment"`
}

// offered are the tables that somebody may ask for. Free text is in none but event_notes.
func offered() []transform.Table {
	kept := slices.DeleteFunc(transform.Tables(), func(t transform.Table) bool { return t.Hidden && t.Name != notesTable })
	return append(kept, snapshot.Computed()...)
}

type listOutput struct {
	Snapshot string `header:"X-Snapshot" doc:"Number of the snapshot; absent where nothing was loaded yet"`
	Body     List
}

func (t *Tables) registerList() {
	op := huma.Operation{
		OperationID: "tables", Method: http.MethodGet, Path: "/v1/tables", Tags: []string{"tables"},
		Summary: "The tables of the newest snapshot, with their columns",
	}
	api.Register(t.API, op, api.Needs{Scope: access.Read}, func(ctx context.Context, _ *struct{}) (*listOutput, error) {
		f, err := t.snapshot("")
		if err != nil && !isEmpty(err) {
			return nil, err
		}
		out := &listOutput{Body: List{Tables: []Table{}}}
		var hidden []string
		if err == nil {
			out.Snapshot, out.Body.Snapshot = f.Name(), f.Manifest.Snapshot
			if hidden, err = t.hidden(ctx, f); err != nil {
				return nil, err
			}
		}
		for _, table := range offered() {
			blind := t.blind(ctx, table.Name)
			table = without(table, blind.Without)
			one := Table{Name: table.Name, Comment: table.Comment, Time: table.Time, Readable: t.mayRead(ctx, table) == nil}
			if f != nil && one.Readable && blind.Resources == nil && api.KeyOf(ctx).Rights.Cohort == "" && (len(hidden) == 0 || !hasPeople(table)) {
				one.Rows = f.RowCount(table)
			}
			for _, c := range table.Columns {
				one.Columns = append(one.Columns, Column{c.Name, typeName(c.Type), c.Nullable, c.Comment})
			}
			out.Body.Tables = append(out.Body.Tables, one)
		}
		return out, nil
	})
}
