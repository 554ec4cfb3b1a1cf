//go:build linux || darwin

package report

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/metrics"
	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/report/page"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
)

// chooseWindows takes the first two windows of the snapshot, by when they begin, where the
// order names none. With fewer than two nothing is compared.
func (w *work) chooseWindows(ctx context.Context) error {
	if w.Compare[0] != "" {
		return w.checkCompared(ctx)
	}
	t, err := w.ask(ctx, `select label, min(first_date) as first_date
from internal.metric_scopes
where scope = 'window' and `+views.Among("participant_id", idsOf(w.people))+`
group by label
order by first_date nulls last, label
limit 2`)
	if err == nil && len(t.Rows) == 2 {
		w.Compare = [2]string{t.Rows[0][0].(string), t.Rows[1][0].(string)}
	}
	return err
}

// checkCompared refuses to compare windows that the snapshot does not have.
func (w *work) checkCompared(ctx context.Context) error {
	t, err := w.ask(ctx, "select distinct window_name from windows order by 1")
	if err != nil {
		return err
	}
	var known []string
	for _, row := range t.Rows {
		known = append(known, row[0].(string))
	}
	for _, name := range w.Compare {
		if !slices.Contains(known, name) {
			return &study.NoWindowError{Name: name, Near: plain.Nearest(name, known), Known: known, Several: true}
		}
	}
	return nil
}

// writeCompare writes the page of two windows.
func (w *work) writeCompare(ctx context.Context) error {
	by, err := w.settings(ctx)
	if err != nil {
		return err
	}
	c, err := w.compare(ctx, by)
	if err != nil {
		return err
	}
	return w.putPage(comparePath, "Windows compared: "+w.Compare[0]+" and "+w.Compare[1], c)
}

// compare compares the metrics of both windows.
func (w *work) compare(ctx context.Context, by settings) (c page.Compare, err error) {
	var rows [2]map[string]summary
	for i, name := range w.Compare {
		chosen := views.Selection{Participants: w.Chosen.Participants, Window: name, Preset: w.Chosen.Preset, Sentinels: w.Chosen.Sentinels}
		if rows[i], err = w.summaries(ctx, chosen); err != nil {
			return c, err
		}
	}
	c = page.Compare{Unit: w.Unit, NeedPct: by.needPct, Arms: w.Unblinded, People: len(w.people)}
	for _, m := range page.ComparedMetrics() {
		bound := math.NaN()
		if target, bounded := adultTarget(m.Column); bounded {
			bound = target.Bound
		}
		c.Bounds = append(c.Bounds, bound)
	}
	for i, name := range w.Compare {
		c.Windows[i] = spanOf(name, rows[i])
	}
	for _, one := range w.people {
		if pair := w.pair(one, rows); pair.Counts() {
			c.Pairs = append(c.Pairs, pair)
		} else {
			c.LeftOut = append(c.LeftOut, pair)
		}
	}
	slices.SortFunc(c.Pairs, page.Pair.Compare)
	slices.SortFunc(c.LeftOut, page.Pair.Compare)
	c.Groups = groupsOf(c)
	c.Figure = paired(w.Compare, c.Groups)
	return c, nil
}

// pair is both windows of somebody.
func (w *work) pair(one person, rows [2]map[string]summary) page.Pair {
	pair := page.Pair{ID: one.Who.ID}
	if w.Unblinded {
		pair.Arm = one.Who.Arm
	}
	for i := range rows {
		of := rows[i][one.Who.ID]
		pair.Why[i], pair.ActivePct[i], pair.Days[i] = lack(rows[i], one.Who.ID), of.of("active_window_pct"), lengthOf(of)
		for _, m := range page.ComparedMetrics() {
			pair.Of[i] = append(pair.Of[i], of.of(m.Column))
		}
		for _, m := range page.AllTargets() {
			pair.Met[i] = append(pair.Met[i], of.is(m.Column))
		}
	}
	first, second := rows[0][one.Who.ID], rows[1][one.Who.ID]
	pair.Shares = !first.date("last_date").Before(second.date("first_date")) && !second.date("last_date").Before(first.date("first_date"))
	return pair
}

// spanOf is a window with the dates that most of its participants have, of equally many
// the earliest.
func spanOf(name string, rows map[string]summary) page.Window {
	type dates struct{ first, last time.Time }
	window, usual, many := page.Window{Name: name, People: len(rows)}, dates{}, map[dates]int{}
	for _, s := range rows {
		if of := (dates{s.date("first_date"), s.date("last_date")}); !of.first.IsZero() {
			many[of]++
		}
	}
	for of, n := range many {
		order := cmp.Or(cmp.Compare(many[usual], n), of.first.Compare(usual.first), of.last.Compare(usual.last))
		if usual.first.IsZero() || order < 0 {
			usual = of
		}
	}
	window.First, window.Last, window.Others = usual.first, usual.last, len(rows)-many[usual]
	return window
}

// lack is why a window of somebody does not count.
func lack(rows map[string]summary, id string) page.Lack {
	s, has := rows[id]
	switch {
	case !has:
		return page.NoWindow
	case s.date("first_date").IsZero():
		return page.NoDates
	case count(s, "n_values") == 0:
		return page.NoReadings
	case !s.is("sufficient"):
		return page.TooFew
	}
	return page.Nothing
}

// groupsOf are everybody, and each arm where arms are shown.
func groupsOf(c page.Compare) []page.CompareGroup {
	groups := []page.CompareGroup{groupOf("all", "", c)}
	if !c.Arms {
		return groups
	}
	var arms []string
	for _, p := range slices.Concat(c.Pairs, c.LeftOut) {
		arms = append(arms, p.Arm)
	}
	for i, arm := range slices.Compact(slices.Sorted(slices.Values(arms))) {
		of := func(all []page.Pair) []page.Pair {
			return slices.DeleteFunc(slices.Clone(all), func(p page.Pair) bool { return p.Arm != arm })
		}
		part := c
		part.Pairs, part.LeftOut = of(c.Pairs), of(c.LeftOut)
		name := arm
		if name == "" {
			name = "no arm"
		}
		groups = append(groups, groupOf(fmt.Sprintf("arm-%d", i+1), name, part))
	}
	return groups
}

// groupOf sums up those whose windows both count.
func groupOf(id, name string, c page.Compare) page.CompareGroup {
	g := page.CompareGroup{ID: id, Name: name, Pairs: c.Pairs, LeftOut: len(c.LeftOut)}
	for k, m := range page.ComparedMetrics() {
		line := page.ComparedLine{Compared: m}
		target, bounded := adultTarget(m.Column)
		if bounded {
			line.Goal = goal(target)
		}
		var values [2][]float64
		var differences []float64
		for _, p := range c.Pairs {
			for i := range values {
				values[i] = append(values[i], p.Of[i][k])
				if met, _ := target.Met(p.Of[i][k]); met && bounded {
					line.Met[i]++
				}
			}
			differences = append(differences, p.Of[1][k]-p.Of[0][k])
		}
		line.Of = [2]page.Spread{spreadOf(values[0]), spreadOf(values[1])}
		line.Difference = spreadOf(differences)
		g.Lines = append(g.Lines, line)
	}
	for k := range page.AllTargets() {
		var met [2]int
		for _, p := range c.Pairs {
			for i := range met {
				if p.Met[i][k] {
					met[i]++
				}
			}
		}
		g.AllMet = append(g.AllMet, met)
	}
	return g
}

// adultTarget is the target of the consensus for adults of a metric.
func adultTarget(metric string) (metrics.Target, bool) {
	all := metrics.Targets()
	i := slices.IndexFunc(all, func(t metrics.Target) bool { return t.Population == metrics.Adults && t.Metric == metric })
	if i < 0 {
		return metrics.Target{}, false
	}
	return all[i], true
}

func spreadOf(values []float64) page.Spread {
	d := metrics.Distribute(values)
	return page.Spread{Mean: d.Mean(), SD: d.SD(), Median: d.Quantile(0.5), Q25: d.Quantile(0.25), Q75: d.Quantile(0.75)}
}

// paired draws time in range of everybody, arm by arm where there are arms.
func paired(windows [2]string, groups []page.CompareGroup) figure.Figure {
	drawn := groups
	if len(groups) > 1 {
		drawn = groups[1:]
	}
	target, _ := adultTarget("tir_pct")
	p := figure.Paired{ID: "paired", Title: "Time in range of each participant", Before: windows[0], After: windows[1], Goal: target.Bound}
	tir := slices.IndexFunc(page.ComparedMetrics(), func(m page.Compared) bool { return m.Column == "tir_pct" })
	for _, g := range drawn {
		if len(g.Pairs) == 0 {
			continue // the section of the arm says so
		}
		group := figure.Group{Name: g.Name}
		for _, pair := range g.Pairs {
			group.Pairs = append(group.Pairs, figure.Pair{Name: pair.ID, Before: pair.Of[0][tir], After: pair.Of[1][tir]})
		}
		p.Groups = append(p.Groups, group)
	}
	return p.Figure()
}
