package page

import (
	"fmt"
	"html/template"

	"github.com/dexetl/dexetl/report/number"
)

// A peopleList is a table of participants.
type peopleList struct {
	Label   string // for those who do not see it
	Rows    []CohortRow
	Blinded bool
	Unit    number.Unit
}

// FollowingList and OthersList are the tables of the page.
func (c Cohort) FollowingList() peopleList {
	return peopleList{"Participants", c.Following, c.Blinded, c.Unit}
}

func (c Cohort) OthersList() peopleList {
	return peopleList{"Other participants", c.Others, c.Blinded, c.Unit}
}

// VeryLow is below which glucose is very low, in the unit.
func (l peopleList) VeryLow() string { return l.Unit.Glucose(54) }

// InRange are the bounds of the range, in the unit.
func (l peopleList) InRange() string {
	return fmt.Sprintf("%s to %s %s", l.Unit.Glucose(70), l.Unit.Glucose(180), l.Unit)
}

// A filter is a group of choices of which one holds.
type filter struct {
	Legend, Name string
	Choices      []Choice
}

// Filters are those that there is a choice in.
func (c Cohort) Filters() (all []filter) {
	for _, one := range []filter{{"Site", "site", c.Sites}, {"Cohort", "cohort", c.Cohorts}} {
		if len(one.Choices) > 1 {
			all = append(all, one)
		}
	}
	return all
}

// OthersNeedingHuman is how many of the others somebody has to do something for.
func (c Cohort) OthersNeedingHuman() (n int) {
	for _, r := range c.Others {
		if r.NeedsHuman {
			n++
		}
	}
	return n
}

// style hides the rows that the filters leave out: one rule for each choice.
func (c Cohort) style() template.CSS {
	css := ""
	for _, group := range [][]Choice{c.Sites, c.Cohorts} {
		for _, one := range group {
			css += fmt.Sprintf("main:has(#only-%s:checked) .people tbody tr:not(.%[1]s) { display: none }\n", one.Class)
		}
	}
	return template.CSS(css)
}
