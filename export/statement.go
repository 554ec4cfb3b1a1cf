//go:build linux || darwin

package export

import (
	"fmt"
	"slices"
	"strings"

	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/transform"
)

// What a session has beside the snapshot while it exports.
const (
	ownSchema    = "export"
	peopleTable  = ownSchema + ".people"  // participant_id, name, shift_days, first_date, last_date, zone, first_seen, last_seen
	sensorsTable = ownSchema + ".sensors" // participant_id, transmitter_id, name
)

// everyone stands for all participants in the table of windows.
const everyone = "*"

// A cut is what an export has of all rows.
type cut struct {
	all   bool // whoever they are of, and whenever: nobody is looked for
	whole bool // all but those of whoever is left out: rows of nobody are in it
	dated bool // those of some dates
	deid  bool // of people who are not to be known
	moved bool // with other times than they have here

	blinded bool // without what a blinded study hides

	codes map[string]string // instead of the study's names that tell who or when
}

// query selects the rows and columns of a relation. They are sorted by what the export
// says: the order of rows must not tell what it does not.
func (c cut) query(of relation) string {
	shown := c.shown(of)
	parts := []string{"select " + strings.Join(c.values(of, shown), ", "), "from " + of.source() + " r"}
	conditions := c.isThere(of)
	if blind := study.BlindOf(of.Name); c.blinded && blind.Resources != nil {
		conditions = append(conditions, views.Among("r.resource", blind.Resources))
	}
	if of.owner() != "" && !c.all {
		join, more := c.people(of)
		parts, conditions = append(parts, join), append(conditions, more...)
	}
	if c.deid && of.owner() != "" && of.has(sensorColumn) {
		parts = append(parts, "left join "+sensorsTable+" s on s.participant_id = p.participant_id and s.transmitter_id = r.transmitter_id")
	}
	if len(conditions) > 0 {
		parts = append(parts, "where "+strings.Join(conditions, " and "))
	}
	if c.deid && of.Name == windowsTable { // a participant's own goes before that of everyone
		parts = append(parts, `qualify row_number() over (partition by p.participant_id, r."window" order by r.participant_id = '*') = 1`)
	}
	if order := shown.order(of); len(order) > 0 {
		parts = append(parts, "order by "+strings.Join(order, ", "))
	}
	return strings.Join(parts, "\n")
}

const windowsTable = "windows"

// windowName is what a window is called: older programs knew one of its columns alone.
func windowName(of string) string { return "coalesce(" + of + ".window_name, " + of + `."window")` }

// isDated holds for windows w that have dates, not study days.
const isDated = "coalesce(w.start_date, w.end_date) is not null"

// alikeForMany are the names of windows that have the same first or last date for a third or
// more of those who have their own: as good as one for everyone. That a few people began on
// one day is chance.
const alikeForMany = `select name from (
		select coalesce(w.window_name, w."window") as name, start_date, end_date, count(*) over (partition by name) as n,
			count(*) over (partition by name, start_date) as n_start, count(*) over (partition by name, end_date) as n_end
		from windows w where w.participant_id <> '` + everyone + `' and ` + isDated + `)
	where start_date is not null and n_start > 1 and 3 * n_start >= n or end_date is not null and n_end > 1 and 3 * n_end >= n`

// sharedWindows are participants with the windows of which others have the dates, too.
const sharedWindows = `select (p.participant_id, coalesce(w.window_name, w."window"))
	from windows w join ` + peopleTable + ` p on w.participant_id in (p.participant_id, '` + everyone + `')
	where ` + isDated + ` and (coalesce(w.window_name, w."window") in (` + alikeForMany + `)
		or w.participant_id = '` + everyone + `' and not exists (
			from windows o where o.participant_id = p.participant_id and o."window" = w."window"))`

// people brings in whose rows they are, and says which of them are chosen. A window of
// everyone stays one, or becomes one of each where their dates differ.
func (c cut) people(of relation) (join string, conditions []string) {
	on := " p on p.participant_id = r." + quoted(of.owner())
	switch {
	case of.Name == windowsTable && c.deid:
		return "join " + peopleTable + on + " or r.participant_id = '" + everyone + "'", nil
	case of.Name == windowsTable:
		return "left join " + peopleTable + on, []string{"(p.name is not null or r.participant_id = '" + everyone + "')"}
	case c.whole:
		return "left join " + peopleTable + on, []string{"(p.name is not null or r." + quoted(of.owner()) + " is null)"}
	case c.dated && of.dates != whole:
		return "join " + peopleTable + on, []string{of.dates}
	}
	return "join " + peopleTable + on, nil
}

// source is where the rows of a relation are.
func (r relation) source() string {
	if slices.Contains(ofSelection(), r.Name) {
		return ownSchema + "." + r.Name
	}
	return quoted(r.Name)
}

// ofSelection are the views whose rows are computed for the dates of an export.
func ofSelection() []string { return []string{"participant_metrics", "consensus_metrics"} }

// order are the places of the columns by which rows are sorted: the key of a table, or the
// first ones of a view. Where not all of a row is shown the rest of it sorts, too: else rows
// that are alike would lie as what is not shown has them.
func (r relation) order(of relation) (places []string) {
	keys := of.Order
	if keys == nil {
		keys = of.Key
	}
	if keys == nil {
		for _, c := range r.Columns[:min(4, len(r.Columns))] {
			keys = append(keys, c.Name)
		}
	}
	if len(r.Columns) < len(of.Columns) {
		keys = slices.Clone(keys)
		for _, c := range r.Columns {
			keys = append(keys, c.Name)
		}
	}
	for _, key := range keys {
		place := fmt.Sprint(1 + slices.IndexFunc(r.Columns, func(c transform.Column) bool { return c.Name == key }))
		if place != "0" && !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	return places
}

// quoted is a name in SQL.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// text is a text in SQL.
func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// texts are a list of them.
func texts(all []string) string {
	quoted := make([]string, len(all))
	for i, one := range all {
		quoted[i] = text(one)
	}
	return strings.Join(quoted, ", ")
}
