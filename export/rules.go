//go:build linux || darwin

package export

import (
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/dexcom"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// A fate is what becomes of a column in a de-identified export, in the words of docs/export.md.
type fate string

// The fates. A column that has none is left out.
const (
	keep      fate = "kept"
	keepWord  fate = "kept if known" // a word of a list, or a text of a form; else other
	keepName  fate = "kept or coded" // a code where it has an id, a site, a city or a date in it
	keepTyped fate = "kept if typed" // where the type of its event is a word of Dexcom's list, else null
	rename    fate = "renamed"       // the participant's other name
	recode    fate = "coded"         // the transmitter's other name
	move      fate = "moved"         // by the participant's weeks
	moveOwn   fate = "moved or null" // null where it is a date of many, and times move
	drop      fate = "left out"
)

// A rule says what becomes of some columns of a table, and why.
type rule struct {
	fate    fate
	columns []string
	why     string

	words []string // of keepWord: all that it may be
	form  string   // of keepWord: else a regular expression for it
}

func columns(fate fate, names, why string) rule {
	return rule{fate: fate, columns: strings.Fields(names), why: why}
}

// decided is what becomes of each column of a relation. One that is not there is left out.
func (r relation) decided() map[string]rule {
	all := map[string]rule{}
	if !r.mayLeave() {
		return all
	}
	for _, one := range rulesOf(r.Name) {
		for _, column := range one.columns {
			all[column] = one
		}
	}
	return all
}

// mayLeave reports whether a relation can be in a de-identified export.
func (r relation) mayLeave() bool { return r.when&(private|asNotes) == 0 }

// metrics are numbers, and yes or no: what else the catalogues have is named by itself.
func metrics() rule {
	all := rule{fate: keep, why: "numbers, or yes and no, computed of a day or more"}
	for _, m := range slices.Concat(views.Catalogue(), views.SpanCatalogue(), views.FamilyCatalogue()) {
		if m.Unit != "code" && m.Unit != "local time" {
			all.columns = append(all.columns, m.Name)
		}
	}
	return all
}

// listed is for a column that has words of a type of Dexcom's. Others may come, and nobody
// knows what is in them.
func listed(column, kind string) rule {
	all := columns(keepWord, column, "words of Dexcom's lists; any other may be anything")
	t, _ := dexcom.TypeNamed(kind)
	for _, word := range t.Values {
		if usual, other := t.Means[word]; other {
			word = usual
		}
		all.words = append(all.words, word)
	}
	return all
}

// formed is for columns of text of a form.
func formed(names, form, why string) rule {
	all := columns(keepWord, names, why)
	all.form = form
	return all
}

// otherWord stands for what is in no list.
const otherWord = "other"

// comment is what an export says of a column.
func (c cut) comment(fate fate, of transform.Column) string {
	switch {
	case fate == rename:
		return "name of the participant in de-identified exports of the study"
	case fate == recode:
		return "of the transmitter or sensor, for this export; null when there was none"
	case fate == keepWord:
		return of.Comment + "; " + otherWord + ": something else"
	case fate == moveOwn && c.moved:
		return of.Comment + "; moved by the weeks of the participant, null where many have the date"
	case fate == move && c.moved:
		return of.Comment + "; moved by the weeks of the participant"
	}
	return of.Comment
}
