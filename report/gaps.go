//go:build linux || darwin

package report

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/dexetl/dexetl/report/page"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
)

// leastGap is how long a gap is that is told, hours.
const leastGap = 3

// mostGaps is how many gaps are listed.
const mostGaps = 50

// gapBatch is of how many participants gaps are looked for at once, which takes memory.
const gapBatch = 100

// addGaps adds the gaps of more than 3 hours: the longest ones, and all by kind. Who was
// never asked has none.
func (w *work) addGaps(ctx context.Context, c *page.Completeness) error {
	gaps, err := w.longGaps(ctx)
	if err != nil {
		return err
	}
	kinds := map[string]*page.GapKind{}
	for _, g := range gaps {
		if kinds[g.Kind] == nil {
			kinds[g.Kind] = &page.GapKind{Kind: g.Kind}
			c.Kinds = append(c.Kinds, kinds[g.Kind])
		}
		kinds[g.Kind].Gaps++
		kinds[g.Kind].Hours += g.Hours
	}
	slices.SortFunc(c.Kinds, func(a, b *page.GapKind) int {
		return cmp.Or(cmp.Compare(b.Hours, a.Hours), cmp.Compare(a.Kind, b.Kind))
	})
	c.Gaps = gaps[:min(mostGaps, len(gaps))]
	c.MoreGaps = len(gaps) - len(c.Gaps)
	return nil
}

// longGaps are those of the participants of the report, the longest first.
func (w *work) longGaps(ctx context.Context) (all []page.Gap, err error) {
	for people := range slices.Chunk(w.people, gapBatch) {
		some, err := w.gapsOf(ctx, people)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b page.Gap) int {
		return cmp.Or(cmp.Compare(b.Hours, a.Hours), cmp.Compare(a.Participant, b.Participant), a.Start.Compare(b.Start))
	})
	return all, nil
}

// gapsOf are the gaps of some participants.
func (w *work) gapsOf(ctx context.Context, people []person) (all []page.Gap, err error) {
	zones, of := map[string]*time.Location{}, map[string]person{}
	for _, p := range people {
		of[p.Who.ID] = p
		if zones[p.Who.ID], err = study.ZoneOf(p.Who); err != nil {
			return nil, err
		}
	}
	rows, err := w.db.QueryContext(ctx, "select participant_id, gap_start, gap_end, gap_start_local, gap_end_local, gap_min / 60, kind from ("+views.LongGaps(idsOf(people))+") where gap_min > 180")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var g page.Gap
		var startUTC, endUTC, start, end sql.Null[time.Time]
		if err := rows.Scan(&g.Participant, &startUTC, &endUTC, &start, &end, &g.Hours, &g.Kind); err != nil {
			return nil, err
		}
		g.Start, g.End = start.V, end.V
		if zone := zones[g.Participant]; !start.Valid && startUTC.Valid { // no reading says what the wall clock was
			g.Start, g.UTC = startUTC.V.In(zone), zone == time.UTC
			if endUTC.Valid {
				g.End = endUTC.V.In(zone)
			}
		}
		if g.Kind == "never" && of[g.Participant].came.valueless() {
			g.Kind = page.Valueless
		}
		if over := lastInstant(of[g.Participant], zones[g.Participant]); !endUTC.Valid && !over.IsZero() {
			g.Hours = min(g.Hours, over.Sub(startUTC.V).Hours())
		}
		if g.Hours > leastGap {
			all = append(all, g)
		}
	}
	return all, rows.Err()
}

// lastInstant is when the last day of somebody ends whose part ends; else zero.
func lastInstant(p person, zone *time.Location) time.Time {
	if p.Course.LastDay.IsZero() {
		return time.Time{}
	}
	return window(dateOf(p.Course.LastDay), zone).End
}
