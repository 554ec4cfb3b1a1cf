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
	rules := r.decided()
	for _, column := range r.Columns {
		if rule, is := rules[column.Name]; is && rule.fate != drop {
			column.Comment = c.comment(rule.fate, column)
			left = append(left, column)
		}
	}
	r.Columns = left
	return r
}

// values are what a row has of the columns that are shown, of r or of p, whose row it is.
func (c cut) values(of, shown relation) []string {
	all, rules := make([]string, len(shown.Columns)), of.decided()
	for i, column := range shown.Columns {
		all[i] = "r." + quoted(column.Name)
		if c.deid {
			all[i] = c.value(of.Name, column, rules[column.Name]) + " as " + quoted(column.Name)
		}
	}
	return all
}

func (c cut) value(table string, column transform.Column, by rule) string {
	value := "r." + quoted(column.Name)
	switch by.fate {
	case rename:
		return "p.name"
	case recode:
		return "s.name"
	case move:
		return moved(value, column)
	case moveOwn:
		if c.moved {
			value = fmt.Sprintf("if(%s, null, %s)", sharedRow(table), value)
		}
		return moved(value, column)
	case keepWord:
		return fmt.Sprintf("case when %[1]s is null or %[2]s then %[1]s else %[3]s end", value, by.holds(value), text(otherWord))
	case keepTyped:
		return fmt.Sprintf("if(r.event_type in (%s), %s, null)", texts(eventTypes()), value)
	case keepName:
		return c.named(value)
	}
	return value
}

// moved is a time or date of p, whose row it is.
func moved(value string, column transform.Column) string {
	if column.Type.ID() == arrow.DATE32 {
		return "(" + value + " - p.shift_days)"
	}
	return "(" + value + " - to_days(p.shift_days))"
}

// holds says that a text is what a rule of words lets it be.
func (r rule) holds(value string) string {
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
		return "r.participant_id = '" + everyone + "' or " + windowName("r") + " in (" + alikeForMany + ")"
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
