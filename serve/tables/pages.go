package tables

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/serve/api"
)

// A Paging says which page of a list of people is asked for.
type Paging struct {
	Limit      int    `query:"limit" minimum:"0" maximum:"10000" doc:"A page of so many participants, by their ids; 0: all"`
	NextCursor string `query:"next_cursor" doc:"X-Next-Cursor of the page before, to the same request"`
}

func cursorParam() *huma.Param {
	return &huma.Param{Description: "next_cursor of the next page; absent: this is the last one", Schema: &huma.Schema{Type: huma.TypeString}}
}

// listOf is the list that the cursors of a request are of: what was asked for, whichever
// page of it.
func listOf[I any](name string, in *I, page *Paging) string {
	asked := *page
	*page = Paging{}
	defer func() { *page = asked }()
	return fmt.Sprintf("%s %q", name, fmt.Sprintf("%+v", *in))
}

// after is where the page before ended; the zero Cursor for the first page.
func (p Paging) after(list string) (api.Cursor, error) {
	if p.NextCursor == "" {
		return api.Cursor{}, nil
	}
	c, err := api.ParseCursor("next_cursor", list, p.NextCursor)
	if err == nil && c.Last == "" {
		err = api.NoCursor("next_cursor")
	}
	return c, err
}

// page are the people of a page behind the one in whom another ended, and the cursor of
// the next; nil is everybody.
func (t *Tables) page(ctx context.Context, people []cohort.Participant, p Paging, list string, after api.Cursor) ([]cohort.Participant, string, error) {
	if p == (Paging{}) {
		return people, "", nil
	}
	if people == nil {
		var err error
		if people, err = t.API.People(ctx); err != nil {
			return nil, "", err
		}
	}
	left := slices.DeleteFunc(slices.Clone(people), func(who cohort.Participant) bool { return who.ID <= after.Last })
	slices.SortFunc(left, func(a, b cohort.Participant) int { return strings.Compare(a.ID, b.ID) })
	if p.Limit == 0 || len(left) <= p.Limit {
		return append([]cohort.Participant{}, left...), "", nil
	}
	left = left[:p.Limit]
	after.Last = left[p.Limit-1].ID
	return left, api.NextCursor(list, after), nil
}
