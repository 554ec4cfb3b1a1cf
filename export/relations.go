//go:build linux || darwin

package export

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/transform"
)

// A relation is a table or view that can be exported.
type relation struct {
	transform.Table
	dates string // which rows belong to dates, of r by those of p; empty: nobody can tell
	when         // in which exports it is
}

// when says in which exports a relation is; 0: in all.
type when int

const (
	private when = 1 << iota // not where people are not to be known: it is about accounts, machines and requests
	asked                    // if it is named: it repeats what others have
	asNotes                  // if free text is asked for
)

// whole is for rows of a participant that are no days: they are there whatever the dates.
const whole = "true"

// onDay chooses rows of one local date, which a column says.
func onDay(column string) string {
	return fmt.Sprintf("r.%q::date between p.first_date and p.last_date", column)
}

// inDays chooses rows about several local dates if all of them are asked for.
func inDays(first, last string) string {
	return fmt.Sprintf("r.%q >= p.first_date and r.%q <= p.last_date", first, last)
}

// onWallClock chooses records by their local date, which is told as that of a reading is:
// by the offset that was sent or follows, else in the roster's zone.
const onWallClock = `if(r.utc_offset_source <> 'unknown', r.display_time, timezone(p.zone, timezone('UTC', r.system_time)))::date between p.first_date and p.last_date`

// relations are all that can be exported, in the order in which it is.
func relations() []relation {
	rules := map[string]relation{}
	add := func(in when, dates string, names ...string) {
		for _, name := range names {
			rules[name] = relation{dates: dates, when: in}
		}
	}
	add(0, whole, "participants", "windows", "withdrawals", "devices", "alert_settings",
		"participant_metrics", "consensus_metrics", "metric_catalogue", "metric_preset")
	add(private, whole, "connections", "settings")
	add(private, "", "coverage", "rejects", "changes", "vanish_pending", "runs", "audit", "requests")
	add(0, `r.from_local < p.last_date + 1 and r.to_local > p.first_date`, "exclusions")
	add(0, onWallClock, "egvs", "events", "calibrations", "alerts")
	add(asNotes, onWallClock, notesTable)
	add(0, onDay("local_date"), "glucose", "glucose_days", "daily_metrics", "completeness")
	add(0, onDay("day"), "coverage_days")
	add(0, onDay("start_local"), "episodes", "meals")
	add(0, onDay("local_time"), "meter_pairs")
	add(0, onDay("gap_start_local"), "gaps")
	add(0, onDay("session_start_local"), "sensor_sessions")
	add(0, inDays("period_start", "period_end"), "period_metrics")
	add(0, inDays("window_start", "window_end"), "window_metrics")
	add(0, inDays("first_date", "last_date"), "sensor_metrics")
	add(private, inDays("first_date", "last_date"), "span_metrics")
	add(0, "", "agp_profile", "day_night_metrics", "meal_metrics", "meter_agreement")
	add(asked, onDay("time"), "iglu")
	add(asked, onDay("local_date"), "readings_mmol")
	add(asked, onDay("display_time"), "current_events")
	add(asked|private, "", "fetch_status", "study_bounds", "study_intervals")

	var all []relation
	notes, _ := transform.TableNamed(notesTable)
	for _, t := range append(snapshot.Relations(), notes) {
		r := rules[t.Name]
		r.Table = t
		all = append(all, r)
	}
	return all
}

// notesTable has the free text of events.
const notesTable = "event_notes"

// reasons are the columns in which people say why they did something; before and after have
// that of an exclusion.
func reasons(relation string) []string {
	switch relation {
	case "exclusions":
		return []string{"reason"}
	case "audit":
		return []string{"before", "after", "reason"}
	}
	return nil
}

// without is a relation without some of its columns.
func (r relation) without(names []string) relation {
	r.Columns = slices.DeleteFunc(slices.Clone(r.Columns), func(c transform.Column) bool { return slices.Contains(names, c.Name) })
	return r
}

// has reports whether a relation has a column.
func (r relation) has(column string) bool {
	return slices.ContainsFunc(r.Columns, func(c transform.Column) bool { return c.Name == column })
}

// owner is the column that says whose a row is; empty: rows are nobody's.
func (r relation) owner() string {
	switch {
	case r.has("participant_id"):
		return "participant_id"
	case r.Name == "iglu":
		return "id"
	}
	return ""
}

// A TableError says that a table cannot be exported as it is asked for.
type TableError struct {
	Table, Why string
	Near       string   // what was perhaps meant
	Known      []string // tables that there are, where there is none of that name
}

func (e *TableError) Error() string {
	switch {
	case e.Why != "":
		return fmt.Sprintf("--tables %s: %s", e.Table, e.Why)
	case e.Near != "":
		return fmt.Sprintf("--tables %s: there is no such table; did you mean %s?", e.Table, e.Near)
	}
	return fmt.Sprintf("--tables %s: there is no such table; there are %s", e.Table, strings.Join(e.Known, ", "))
}

// choose lists what an order is about, and what it has no rows of.
func (o Order) choose() (chosen []relation, leftOut []LeftOut, err error) {
	all := relations()
	if err := o.checkNames(all); err != nil {
		return nil, nil, err
	}
	for _, r := range all {
		named := slices.Contains(o.Tables, r.Name)
		if !named && (len(o.Tables) > 0 && !(o.Notes && r.when == asNotes) || r.when&asked != 0) {
			continue
		}
		why := o.lacks(r)
		switch {
		case why == "":
			if !o.Notes {
				r = r.without(reasons(r.Name))
			}
			chosen = append(chosen, r)
		case named:
			return nil, nil, &TableError{Table: r.Name, Why: why}
		default:
			leftOut = append(leftOut, LeftOut{r.Name, why})
		}
	}
	return chosen, leftOut, nil
}

// A LeftOut is a table that an export does not have.
type LeftOut struct{ Table, Why string }

// lacks says why an export does not have a relation; empty: it does.
func (o Order) lacks(r relation) string {
	switch {
	case r.when&asNotes != 0 && o.Deid:
		return "free text may name people, and --deid leaves it out"
	case r.when&asNotes != 0 && !o.Notes:
		return "free text may name people (--notes has it)"
	case r.when&private != 0 && o.Deid:
		return "about accounts, requests and the study's machines, which --deid leaves out"
	case r.dates == "" && o.dated():
		return "rows without a local date, which --from, --to and --window leave out"
	}
	return ""
}

func (o Order) checkNames(all []relation) error {
	for _, name := range o.Tables {
		if slices.ContainsFunc(all, func(r relation) bool { return r.Name == name }) {
			continue
		}
		known := make([]string, len(all))
		for i, r := range all {
			known[i] = r.Name
		}
		return &TableError{Table: name, Near: plain.Nearest(name, known), Known: known}
	}
	return nil
}
