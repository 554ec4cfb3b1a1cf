//go:build linux || darwin

package export

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/transform"
)

// sensorColumn names transmitters. It gets another value, the same one everywhere.
const sensorColumn = "transmitter_id"

// shown is a relation with the columns that an export has of it.
func (c cut) shown(r relation) relation {
	if !c.deid {
		return r
	}
	var left []transform.Column
	for _, column := range r.Columns {
		if rule := r.rule(column.Name); rule.Fate != Dropped {
			column.Comment = c.comment(rule, column)
			left = append(left, column)
		}
	}
	r.Columns = left
	return r
}

// value is what a row has of a column, of r or of p, whose row it is.
func (c cut) value(of relation, column transform.Column) string {
	value, as := "r."+quoted(column.Name), " as "+quoted(column.Name)
	if !c.deid {
		return value
	}
	rule := of.rule(column.Name)
	switch rule.Fate {
	case Renamed:
		value = "p.name"
	case Coded:
		value = "s.name"
	case Moved:
		value = moved(value, column)
	case Shared:
		if c.moved {
			value = fmt.Sprintf("if(%s, null, %s)", sharedRow(of.Name), value)
		}
		value = moved(value, column)
	case Listed:
		value = fmt.Sprintf("case when %[1]s is null or %[2]s then %[1]s else %[3]s end", value, rule.holds(value), text(otherWord))
	case Typed:
		value = fmt.Sprintf("if(r.event_type in (%s), %s, null)", texts(eventTypes()), value)
	case Named:
		value = c.named(value)
	}
	return value + as
}

// moved is a time or date of p, whose row it is.
func moved(value string, column transform.Column) string {
	if column.Type.ID() == arrow.DATE32 {
		return "(" + value + " - p.shift_days)"
	}
	return "(" + value + " - to_days(p.shift_days))"
}

// holds says that a text is what a rule of words lets it be.
func (r Rule) holds(value string) string {
	if r.form != "" {
		return fmt.Sprintf("regexp_full_match(%s, %s)", value, text(r.form))
	}
	return fmt.Sprintf("%s in (%s)", value, texts(r.words))
}

// list is a regular expression for words with commas between.
func list(words []string) string {
	one := make([]string, len(words))
	for i, word := range words {
		one[i] = regexp.QuoteMeta(word)
	}
	of := "(" + strings.Join(one, "|") + ")"
	return of + "(," + of + ")*"
}

// sharedRow says in which rows of a relation dates are those of several people. Moved, one
// of somebody and one of somebody else tell by how many weeks they differ.
func sharedRow(relation string) string {
	switch relation {
	case windowsTable:
		return "r.participant_id = '" + everyone + "' or " + windowName("r") + " in (" + alikeForAll + ")"
	case "window_metrics":
		return `(p.participant_id, r."window") in (` + sharedWindows + ")"
	case "period_metrics": // they begin with anchor_date, else with study_start
		return "p.participant_id in (select participant_id from participants where anchor_date is null and study_start is not null)"
	}
	return "true"
}

// isThere chooses the rows that a de-identified export has: those of today, for it does
// not tell since when, and those that do not begin or end when the study does, or when data
// were last asked for.
func (c cut) isThere(of relation) (conditions []string) {
	for _, column := range []string{"vanished_at", "valid_to"} {
		if c.deid && of.has(column) {
			conditions = append(conditions, fmt.Sprintf("r.%q is null", column))
		}
	}
	if c.deid && of.Name == "gaps" { // those without an end last until everybody was asked for last
		conditions = append(conditions, "r.kind not in ('open', 'never')")
	}
	if c.moved && ofStudyDays(of.Name) {
		conditions = append(conditions, "r.local_date between p.first_seen and p.last_seen")
	}
	return conditions
}

// ofStudyDays reports whether a relation has a row for each day of the study, also without
// readings.
func ofStudyDays(relation string) bool {
	return slices.Contains([]string{"daily_metrics", "completeness"}, relation)
}
