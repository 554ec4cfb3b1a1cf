//go:build linux || darwin

package report

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/report/page"
	"github.com/dexetl/dexetl/study"
)

// writeCohort writes the page of everybody, and the same as a file.
func (w *work) writeCohort(context.Context) error {
	c := page.Cohort{
		Stamp: w.stamp, Blinded: w.blinded, Unit: w.Unit, CSV: cohortCSV, Unknown: w.unknown(),
		Readings: page.Readings{Valueless: w.valueless(), Unplaced: w.unplaced()},
		Dates:    page.Dates{Last: w.Chosen.LastDays, From: w.Chosen.From, To: w.Chosen.To, Window: w.Chosen.Window},
	}
	rows, err := w.cohortRows()
	if err != nil {
		return err
	}
	c.Sites = choices(rows, "s", func(r *page.CohortRow) (string, *string) { return r.Site, &r.SiteClass })
	c.Cohorts = choices(rows, "c", func(r *page.CohortRow) (string, *string) { return r.Cohort, &r.CohortClass })
	c.Following, c.Others = w.parted(rows)
	c.Totals = totals(c.Following, c.Sites)
	if !c.Blinded {
		c.Figures = cohortFigures(rows)
	}
	if err := w.writeCohortCSV(rows); err != nil {
		return err
	}
	return w.putPage(Index, "Cohort", c)
}

// unknown are those of the roster whom the snapshot does not know yet.
func (w *work) unknown() (ids []string) {
	for _, p := range w.Order.People {
		id := p.Who.ID
		if !slices.Contains(w.gone, id) && !slices.ContainsFunc(w.people, func(o person) bool { return o.Who.ID == id }) {
			ids = append(ids, id)
		}
	}
	return ids
}

// parted are the rows of those who are followed, and of the others.
func (w *work) parted(rows []page.CohortRow) (following, others []page.CohortRow) {
	for i, p := range w.people {
		if isFollowed(p.Person) {
			following = append(following, rows[i])
		} else {
			others = append(others, rows[i])
		}
	}
	return following, others
}

// isFollowed reports whether the study is going on for somebody, by the roster: they are
// enrolled or randomised, or it does not say.
func isFollowed(p study.Person) bool {
	return p.Phase != study.Withdrawn && slices.Contains([]string{"", "enrolled", "randomised"}, p.Who.Status)
}

// cohortRows are those of everybody, in the order of people.
func (w *work) cohortRows() ([]page.CohortRow, error) {
	rows := make([]page.CohortRow, len(w.people))
	for i, p := range w.people {
		row, err := w.cohortRow(p)
		if err != nil {
			return nil, err
		}
		rows[i] = row
	}
	return rows, nil
}

func (w *work) cohortRow(p person) (page.CohortRow, error) {
	need := p.Need()
	r := page.CohortRow{
		ID: p.Who.ID, Site: p.Who.Site, Cohort: p.Who.Cohort, Status: statusWords(p.Who.Status), Consent: w.Say.Consent(p.Person),
		NeedsHuman: need.Urgency() <= study.NeedsDesk, Connected: p.Connection().Status == consent.Connected,
		Dates: w.dates(p), Valueless: p.came.valueless(), Unplaced: p.came.unplaced,
	}
	if need != study.Nothing {
		r.ToDo = w.toDo(p.Person)
	}
	if w.Unblinded {
		r.Arm = p.Who.Arm
	}
	if err := w.addCoverage(&r, p); err != nil {
		return r, err
	}
	if !w.blinded {
		r.Profile = profilePath(p.Who.ID)
		addGlucose(&r, p.metrics)
	}
	return r, nil
}

// toDo says what somebody needs next. Who gets a report that is made blinded has no study to
// run commands on, so these are left out.
func (w *work) toDo(p study.Person) string {
	said := w.Say.ToDo(p)
	if w.Blinded {
		said, _, _ = strings.Cut(said, ": dexetl ")
	}
	return said
}

// addCoverage adds what there is of readings, as of now.
func (w *work) addCoverage(r *page.CohortRow, p person) error {
	r.Covered14, r.Covered30 = math.NaN(), math.NaN()
	zone, err := study.ZoneOf(p.Who)
	if err != nil {
		return err
	}
	r.Zoneless = p.Who.Timezone == ""
	if newest := p.Held.Of("egvs").Newest; !newest.IsZero() {
		r.Newest, r.Age = newest.In(zone), w.written().Sub(newest)
	}
	resources, err := w.Study.Resources(p.Person)
	if err != nil {
		return err
	}
	for _, of := range resources {
		if pct, ok := of.Covered(14); ok {
			r.Covered14 = pct
		}
		if pct, ok := of.Covered(30); ok {
			r.Covered30 = pct
		}
	}
	return nil
}

// addGlucose adds the metrics that tell of glucose.
func addGlucose(r *page.CohortRow, m summary) {
	for i, column := range rangeColumns() {
		r.Ranges[i] = m.of(column)
	}
	r.TIR, r.TBR54, r.CV, r.GMI = m.of("tir_pct"), m.of("tbr54_pct"), m.of("cv_pct"), m.of("gmi_pct")
	r.GRI, r.GRIZone, r.RiskHypo, r.RiskHyper = m.of("gri"), m.text("gri_zone"), m.of("gri_hypo"), m.of("gri_hyper")
}

// rangeColumns are the metrics of the five ranges, lowest first.
func rangeColumns() []string {
	return []string{"very_low_pct", "low_pct", "in_range_pct", "high_pct", "very_high_pct"}
}

// statusWords say a status of the roster.
func statusWords(status string) string { return strings.ReplaceAll(status, "_", " ") }

// choices are those that people differ in, in order, and give each row the class of its
// own. Whoever has none is of "none", if anybody has one.
func choices(rows []page.CohortRow, letter string, of func(*page.CohortRow) (name string, class *string)) (all []page.Choice) {
	var names []string
	for i := range rows {
		name, _ := of(&rows[i])
		names = append(names, name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for i, name := range names {
		if name == "" {
			name = "none"
		}
		all = append(all, page.Choice{Class: letter + strconv.Itoa(i), Name: name})
	}
	for i := range rows {
		name, class := of(&rows[i])
		at, _ := slices.BinarySearch(names, name)
		*class = all[at].Class
	}
	return all
}

// totals are those of each site, if there are several, and of everybody.
func totals(rows []page.CohortRow, sites []page.Choice) (all []page.SiteTotal) {
	if len(sites) > 1 {
		for _, site := range sites {
			all = append(all, total(site.Name, slices.DeleteFunc(slices.Clone(rows), func(r page.CohortRow) bool { return r.SiteClass != site.Class })))
		}
	}
	return append(all, total("All", rows))
}

func total(name string, rows []page.CohortRow) page.SiteTotal {
	t := page.SiteTotal{Name: name, Participants: len(rows)}
	var covered, inRange []float64
	for _, r := range rows {
		if r.Connected {
			t.Connected++
		}
		if r.NeedsHuman {
			t.NeedsHuman++
		}
		if !math.IsNaN(r.Covered14) {
			covered = append(covered, r.Covered14)
		}
		if !r.Dates.TooLittle() && !math.IsNaN(r.TIR) {
			inRange = append(inRange, r.TIR)
		}
	}
	t.Covered14, t.TIR, t.WithTIR = median(covered), median(inRange), len(inRange)
	return t
}

// median is the one of values, between the two in the middle where they are even; NaN of
// none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// cohortFigures show glucose of those of whom there is any, followed or not.
func cohortFigures(rows []page.CohortRow) []figure.Figure {
	var risks []figure.Risk
	var shares []figure.Share
	for _, r := range rows {
		if math.IsNaN(r.TIR) {
			continue
		}
		risks = append(risks, figure.Risk{Name: r.ID, Hypo: r.RiskHypo, Hyper: r.RiskHyper, GRI: r.GRI, Zone: r.GRIZone, Little: r.Dates.TooLittle()})
		shares = append(shares, figure.Share{Name: r.ID, Ranges: r.Ranges, Little: r.Dates.TooLittle()})
	}
	if len(risks) == 0 {
		return nil
	}
	return []figure.Figure{figure.RiskGrid(risks), figure.Distribution(shares)}
}
