//go:build linux || darwin

package report

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/report/page"
	"github.com/dexetl/dexetl/study"
)

// blockRows is how many participants are in one map: as many as fit on a page of paper.
const blockRows = 50

// writeCompleteness writes the page of what there is of each day, and where it is missing.
func (w *work) writeCompleteness(ctx context.Context) error {
	c := page.Completeness{Stamp: w.stamp, Lag: w.lagFigure(), Readings: page.Readings{Valueless: w.valueless(), Unplaced: w.unplaced()}}
	all, err := w.histories(ctx)
	if err != nil {
		return err
	}
	if err := w.addMaps(&c, all); err != nil {
		return err
	}
	if err := w.addGaps(ctx, &c); err != nil {
		return err
	}
	return w.putPage(completenessPath, "Completeness", c)
}

// addMaps adds the maps of days, by site and in blocks, and of what day 1 is.
func (w *work) addMaps(c *page.Completeness, all map[string]*history) error {
	people := slices.Clone(w.people)
	slices.SortFunc(people, func(a, b person) int {
		return cmp.Or(cmp.Compare(a.Who.Site, b.Who.Site), cmp.Compare(a.Who.ID, b.Who.ID))
	})
	dayOnes := map[string]int{}
	for i := 0; i < len(people); {
		end := i
		var rows []figure.HeatRow
		for ; end < len(people) && end < i+blockRows && people[end].Who.Site == people[i].Who.Site; end++ {
			h := all[people[end].Who.ID]
			row, err := w.heatRow(people[end], h)
			if err != nil {
				return err
			}
			rows = append(rows, row)
			dayOnes[h.dayOneOf]++
			c.BeforeConsent = append(c.BeforeConsent, early(people[end].Who.ID, h)...)
		}
		title := page.BlockTitle(people[i].Who.Site, people[i].Who.ID, people[end-1].Who.ID)
		c.Maps = append(c.Maps, figure.Heat(fmt.Sprintf("days-%d", len(c.Maps)+1), title, rows))
		i = end
	}
	c.ByAnchor, c.ByStart, c.ByReading = dayOnes["anchor_date"], dayOnes["study_start"], dayOnes["first reading"]
	return nil
}

// early is the id of somebody who has readings of days before their date of consent, else
// nothing.
func early(id string, h *history) []string {
	for day, read := range h.days {
		if !h.consent.IsZero() && day < dayNumber(h.consent) && read.coveredMin > 0 {
			return []string{id}
		}
	}
	return nil
}

// heatRow is the row of a participant.
func (w *work) heatRow(p person, h *history) (figure.HeatRow, error) {
	row := figure.HeatRow{Name: p.Who.ID, Note: "no study days up to this snapshot"}
	zone, err := study.ZoneOf(p.Who)
	if err != nil {
		return row, err
	}
	first, last := h.shown(zone, w.manifest.CreatedAt)
	if first.IsZero() {
		if p.came.unplaced > 0 {
			row.Note = "no day is known: the readings have no local time"
		}
		return row, nil
	}
	row.Note = "day 1 is " + h.dayOne.Format(time.DateOnly)
	row.First = int(dayNumber(first) - dayNumber(h.dayOne))
	for date := first; !date.After(last); date = date.AddDate(0, 0, 1) {
		read := h.days[dayNumber(date)]
		row.Days = append(row.Days, h.dayKind(studyDay{window(date, zone), date, read}))
	}
	for _, date := range h.sensors {
		if at := int(dayNumber(date) - dayNumber(first)); at >= 0 && at < len(row.Days) {
			row.Sensors = append(row.Sensors, at)
		}
	}
	return row, nil
}

// lagFigure counts those whom the totals of the cohort have as connected by how old their
// newest reading is.
func (w *work) lagFigure() figure.Figure {
	counts, connected := lagBins(), 0
	for _, p := range w.people {
		if !isFollowed(p.Person) || p.Connection().Status != consent.Connected {
			continue
		}
		connected++
		age := time.Duration(math.MaxInt64)
		if newest := p.Held.Of("egvs").Newest; !newest.IsZero() {
			age = w.written().Sub(newest)
		}
		counts[slices.IndexFunc(counts, func(b lagBin) bool { return age < b.below || b.below == 0 })].N++
	}
	var bars []figure.Count
	for _, b := range counts {
		if b.N > 0 || b.below != ahead {
			bars = append(bars, b.Count)
		}
	}
	f := figure.Bars("lag", "Age of the newest reading, of those followed who are connected", "age", "participants", bars)
	f.Note = fmt.Sprintf("Of the %d who are connected among those followed: enrolled, randomised, or without a status in the roster. The cohort page has the same under By site.", connected)
	return f
}

// ahead is below which an age is that of a reading of the future: a clock is wrong.
const ahead = time.Duration(-1)

// A lagBin counts those whose newest reading is younger than below, and not of the bin
// before.
type lagBin struct {
	figure.Count
	below time.Duration // 0: there is no bound
}

func lagBins() []lagBin {
	const day = 24 * time.Hour
	return []lagBin{
		{figure.Count{Name: "ahead of clock"}, ahead},
		{figure.Count{Name: "under 3 h"}, 3 * time.Hour}, {figure.Count{Name: "3 to 6 h"}, 6 * time.Hour},
		{figure.Count{Name: "6 to 12 h"}, 12 * time.Hour}, {figure.Count{Name: "12 to 24 h"}, day},
		{figure.Count{Name: "1 to 2 d"}, 2 * day}, {figure.Count{Name: "2 to 7 d"}, 7 * day},
		{figure.Count{Name: "7 d or more"}, math.MaxInt64}, {figure.Count{Name: "never"}, 0},
	}
}
