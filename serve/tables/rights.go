package tables

import (
	"context"
	"net/http"
	"slices"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/frozen"
	"github.com/dexetl/dexetl/transform"
)

// notesTable has the free text of events.
const notesTable = "event_notes"

// participantColumn says whose a row is.
const participantColumn = "participant_id"

// everyone stands for all participants in the table of windows.
const everyone = "*"

// mayRead says which right the key of a request lacks to read a table.
func (t *Tables) mayRead(ctx context.Context, table transform.Table) error {
	if err := t.API.Allows(ctx, api.Needs{Glucose: study.Measured(table.Name), Notes: table.Name == notesTable}); err != nil {
		return err
	}
	if !hasPeople(table) {
		return wholeStudy(ctx)
	}
	return nil
}

// blind is what the key of a request does not see of a table, because the study is blinded.
func (t *Tables) blind(ctx context.Context, table string) study.Blind {
	if t.API.Blinded(ctx) {
		return study.BlindOf(table)
	}
	return study.Blind{}
}

// without is a table without some columns.
func without(table transform.Table, names []string) transform.Table {
	table.Columns = slices.DeleteFunc(slices.Clone(table.Columns), func(c transform.Column) bool { return slices.Contains(names, c.Name) })
	return table
}

// rightsOfSome are what mayRead looks for, in words.
func rightsOfSome() []string {
	return []string{"unblinded, if the study is blinded and the table shows what that hides", "notes, for " + notesTable, "no cohort, for tables about the whole study"}
}

// wholeStudy refuses keys of a cohort what cannot be told by participant.
func wholeStudy(ctx context.Context) error {
	if api.KeyOf(ctx).Rights.Cohort != "" {
		return api.Refusal(http.StatusForbidden, "this key is of one cohort, and this is about the whole study")
	}
	return nil
}

func hasPeople(table transform.Table) bool {
	return slices.ContainsFunc(table.Columns, func(c transform.Column) bool { return c.Name == participantColumn })
}

// A Choice is whom a request is about.
type Choice struct {
	Participant []string `query:"participant" doc:"Only of these, divided by commas"`
	Cohort      string   `query:"cohort" doc:"Only of this cohort"`
}

// people are the participants of a choice whom the key may see; nil means everybody. Who
// does not exist is told like who may not be seen.
func (t *Tables) people(ctx context.Context, c Choice) ([]cohort.Participant, error) {
	if len(c.Participant) == 0 && c.Cohort == "" && api.KeyOf(ctx).Rights.Cohort == "" {
		return nil, nil
	}
	all, err := t.API.People(ctx)
	if err != nil {
		return nil, err
	}
	chosen := []cohort.Participant{}
	for _, who := range all {
		if c.Cohort == "" || who.Cohort == c.Cohort {
			chosen = append(chosen, who)
		}
	}
	if c.Cohort != "" && len(chosen) == 0 {
		return nil, api.Refusal(http.StatusNotFound, "nobody is in this cohort")
	}
	if len(c.Participant) == 0 {
		return chosen, nil
	}
	for _, id := range c.Participant {
		if !slices.ContainsFunc(chosen, func(who cohort.Participant) bool { return who.ID == id }) {
			return nil, api.Refusal(http.StatusNotFound, "there is no such participant")
		}
	}
	return slices.DeleteFunc(chosen, func(who cohort.Participant) bool { return !slices.Contains(c.Participant, who.ID) }), nil
}

// hidden are those whom no answer shows of a snapshot, whoever asks: they were deleted, or
// have withdrawn and it does not have that yet.
func (t *Tables) hidden(ctx context.Context, f *frozen.Snapshot) ([]string, error) {
	ids, err := f.Overtaken(ctx)
	if err != nil {
		return nil, err
	}
	all, err := t.API.Study.Cohort.Participants(ctx)
	for _, who := range all {
		if who.Deleted() {
			ids = append(ids, who.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), err
}

// stillHidden refuses what was computed of a snapshot while somebody withdrew or was
// deleted.
func (t *Tables) stillHidden(ctx context.Context, f *frozen.Snapshot, hidden []string) error {
	now, err := t.hidden(ctx, f)
	if err == nil && !slices.Equal(now, hidden) {
		err = api.Withdrawing()
	}
	return err
}

// shown are the people of a choice without those hidden, and nil where that is everybody.
// Of whom the choice names, all must be shown.
func (t *Tables) shown(ctx context.Context, c Choice, people []cohort.Participant, hidden []string) ([]cohort.Participant, error) {
	isHidden := func(id string) bool { return slices.Contains(hidden, id) }
	if len(hidden) == 0 {
		return people, nil
	}
	if slices.ContainsFunc(c.Participant, isHidden) {
		return nil, api.Withdrawing()
	}
	if people == nil {
		var err error
		if people, err = t.API.People(ctx); err != nil {
			return nil, err
		}
	}
	left := slices.DeleteFunc(people, func(who cohort.Participant) bool { return isHidden(who.ID) })
	return append([]cohort.Participant{}, left...), nil
}

// idsOf are the ids of people; nil for nil.
func idsOf(people []cohort.Participant) []string {
	if people == nil {
		return nil
	}
	ids := make([]string, len(people))
	for i, who := range people {
		ids[i] = who.ID
	}
	return ids
}
