//go:build linux || darwin

package export

import (
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/dexcom"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// A Fate is what becomes of a column in a de-identified export.
type Fate string

// The fates. A column without any is dropped.
const (
	Kept    Fate = "kept"
	Listed  Fate = "listed"  // kept where it is a word of a list or of a form, else other
	Named   Fate = "named"   // kept, or a code where it has an id, a site or a date in it
	Typed   Fate = "typed"   // kept where the type of its event is a word of Dexcom's list, else null
	Renamed Fate = "renamed" // the participant's other name
	Coded   Fate = "coded"   // the transmitter's other name
	Moved   Fate = "moved"   // by the participant's weeks
	Shared  Fate = "shared"  // moved, but null where several people have the date and times move
	Dropped Fate = "dropped"
)

// A Rule says what becomes of some columns of a table, and why.
type Rule struct {
	Fate    Fate
	Columns []string
	Why     string

	words []string // of Listed: all that it may be
	form  string   // of Listed: else a regular expression for it
}

// A Decision is what a de-identified export has of a table.
type Decision struct {
	Table string
	Why   string // why it is in none; empty: it may be in one
	Rules []Rule
}

// Decisions are those on all tables and views, in the order of an export.
func Decisions() (all []Decision) {
	for _, r := range relations() {
		d := Decision{Table: r.Name, Rules: rulesOf(r.Name)}
		if !r.mayLeave() {
			d.Why, d.Rules = withheld(r.Name), nil
		}
		all = append(all, d)
	}
	return all
}

// mayLeave reports whether a relation can be in a de-identified export.
func (r relation) mayLeave() bool { return r.when&(private|asNotes) == 0 }

// rule is what becomes of a column. Whatever nobody has decided on is dropped.
func (r relation) rule(column string) Rule {
	rules := rulesOf(r.Name)
	i := slices.IndexFunc(rules, func(one Rule) bool { return slices.Contains(one.Columns, column) })
	if i < 0 || !r.mayLeave() {
		return Rule{Fate: Dropped}
	}
	return rules[i]
}

func columns(fate Fate, names, why string) Rule {
	return Rule{Fate: fate, Columns: strings.Fields(names), Why: why}
}

// A metric is a number, or says yes or no; what else the catalogues have is named apart.
func metrics() Rule {
	rule := Rule{Fate: Kept, Why: "numbers, or yes and no, computed of a day or more"}
	for _, m := range slices.Concat(views.Catalogue(), views.SpanCatalogue(), views.FamilyCatalogue()) {
		if m.Unit != "code" && m.Unit != "local time" {
			rule.Columns = append(rule.Columns, m.Name)
		}
	}
	return rule
}

// listed is for columns that have words of a type of Dexcom's. Others may come, and who
// knows what is in them.
func listed(column, kind string) Rule {
	rule := columns(Listed, column, "words of Dexcom's list; any other may be anything")
	t, _ := dexcom.TypeNamed(kind)
	for _, word := range t.Values {
		if usual, other := t.Means[word]; other {
			word = usual
		}
		rule.words = append(rule.words, word)
	}
	return rule
}

// formed is for columns of text of a form.
func formed(column, form, why string) Rule {
	rule := columns(Listed, column, why)
	rule.form = form
	return rule
}

// otherWord stands for what is in no list.
const otherWord = "other"

// comment is what an export says of a column.
func (c cut) comment(rule Rule, of transform.Column) string {
	switch {
	case rule.Fate == Renamed:
		return "name of the participant in de-identified exports of the study"
	case rule.Fate == Coded:
		return "of the transmitter or sensor, for this export; null when there was none"
	case rule.Fate == Listed:
		return of.Comment + "; " + otherWord + ": something else"
	case rule.Fate == Shared && c.moved:
		return of.Comment + "; moved by the weeks of the participant, null where several people have the date"
	case rule.Fate == Moved && c.moved:
		return of.Comment + "; moved by the weeks of the participant"
	}
	return of.Comment
}
