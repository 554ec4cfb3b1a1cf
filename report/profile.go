//go:build linux || darwin

package report

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/metrics"
	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/report/page"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
)

const (
	batchPeople = 25 // whose readings and entries are asked for at once
	binMin      = 15 // of the day profile
	dailyDays   = 14 // the latest ones, in the daily view
)

// writeProfiles writes a page for everybody, batch by batch.
func (w *work) writeProfiles(ctx context.Context) error {
	by, err := w.settings(ctx)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(w.people, batchPeople) {
		if err := w.writeBatch(ctx, batch, by); err != nil {
			return err
		}
	}
	return nil
}

// writeBatch writes the pages of some, several at once: of those with readings as these
// come, and then of the others.
func (w *work) writeBatch(ctx context.Context, batch []person, by settings) error {
	entries, err := w.entries(ctx, batch)
	if err != nil {
		return err
	}
	var pages errgroup.Group
	pages.SetLimit(runtime.GOMAXPROCS(0))
	written := map[string]bool{}
	for one, failed := range w.series(ctx, batch) {
		if err = failed; err != nil {
			break
		}
		id := one.person.Who.ID
		written[id] = true
		pages.Go(func() error {
			p, err := w.header(one.person, by)
			if err != nil {
				return err
			}
			p, err = w.drawn(p, one, entries[id], by)
			if err != nil {
				return err
			}
			return w.writeProfile(p)
		})
	}
	if err := errors.Join(err, pages.Wait()); err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(batch), func(p person) bool { return written[p.Who.ID] })
	return w.writeEmpty(ctx, others, by)
}

// writeEmpty writes the pages of some who have no readings in the dates.
func (w *work) writeEmpty(ctx context.Context, some []person, by settings) error {
	seen, err := w.lastSeen(ctx, some)
	if err != nil {
		return err
	}
	for _, one := range some {
		p, err := w.header(one, by)
		if err != nil {
			return err
		}
		p.Who.LastSeen = seen[one.Who.ID]
		if err := w.writeProfile(p); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) writeProfile(p page.Profile) error {
	return w.putPage(profilePath(p.Who.ID), p.Who.ID+": AGP-style glucose profile", p)
}

// header is what is said of everybody, with readings or without.
func (w *work) header(one person, by settings) (page.Profile, error) {
	p := page.Profile{Unit: w.Unit, Excluded: count(one.metrics, "n_excluded"), Unplaced: count(one.metrics, "n_unknown_local_time"), Readings: count(one.metrics, "n_readings")}
	p.Beside = w.beside(one)
	p.Who = page.Who{
		ID: one.Who.ID, Site: one.Who.Site, Cohort: one.Who.Cohort,
		Consent: w.Say.Consent(one.Person),
	}
	if one.Need() != study.Nothing {
		p.Who.ToDo = w.toDo(one.Person)
	}
	if w.Unblinded {
		p.Who.Arm = one.Who.Arm
	}
	p.Dates = w.dates(one)
	p.Dates.NeedPct = by.needPct
	return p, w.addNewest(&p.Who, one)
}

// dates are those of somebody's metrics, and whether there is enough in them.
func (w *work) dates(one person) page.ProfileDates {
	d := page.ProfileDates{
		Sought: w.Chosen.LastDays, Outside: one.metrics.outside,
		ActivePct:  one.metrics.of("active_window_pct"),
		Sufficient: one.metrics.is("sufficient"), Found: one.metrics.is(views.SelectionSufficient),
	}
	if first, last := one.metrics.date("first_date"), one.metrics.date("last_date"); !first.IsZero() && !last.IsZero() {
		d.First, d.Last, d.Days = first, last, lengthOf(one.metrics)
	}
	return d
}

// lengthOf is how many dates metrics are of; 0: they have none.
func lengthOf(s summary) int {
	first, last := s.date("first_date"), s.date("last_date")
	if first.IsZero() || last.IsZero() {
		return 0
	}
	return int(last.Sub(first).Hours()/24) + 1
}

// addNewest adds when the newest reading was, as of now.
func (w *work) addNewest(who *page.Who, one person) error {
	zone, err := study.ZoneOf(one.Who)
	if newest := one.Held.Of("egvs").Newest; err == nil && !newest.IsZero() {
		who.Newest, who.Zoneless, who.Age = newest.In(zone), one.Who.Timezone == "", w.written().Sub(newest)
	}
	return err
}

// beside are the participants before and after somebody by id, with paths from their page.
func (w *work) beside(one person) (links []page.Link) {
	before, after := "", ""
	for _, p := range w.people {
		switch id := p.Who.ID; {
		case id < one.Who.ID:
			before = max(before, id)
		case id > one.Who.ID && (after == "" || id < after):
			after = id
		}
	}
	if before != "" {
		links = append(links, page.Link{Title: "← " + before, Path: path.Base(profilePath(before))})
	}
	if after != "" {
		links = append(links, page.Link{Title: after + " →", Path: path.Base(profilePath(after))})
	}
	return links
}

// drawn is a profile with what is drawn of readings and entries.
func (w *work) drawn(p page.Profile, one series, entries []page.Entry, by settings) (page.Profile, error) {
	of := one.person.metrics
	rules, known := metrics.EpisodesBy(of.text("episode_preset"))
	if !known {
		return p, fmt.Errorf("participant %s: episodes by %q: this program does not know these rules", p.Who.ID, of.text("episode_preset"))
	}
	trace := metrics.NewTrace(one.readings, rules.MaxGapMin, by.night)
	p.Values = count(of, "n_values")
	p.Summary = page.Summary{
		MeanMgdL: of.of("mean_mgdl"), SDMgdL: of.of("sd_mgdl"), MedianMgdL: of.of("median_mgdl"), Q25MgdL: of.of("q25_mgdl"), Q75MgdL: of.of("q75_mgdl"),
		GMIPct: of.of("gmi_pct"), CVPct: of.of("cv_pct"), GRI: of.of("gri"), GRIZone: of.text("gri_zone"), ExposureDays: trace.ExposureDays(),
	}
	days := metrics.LocalDays(one.readings)
	p.Ranges = figure.RangeBar{ID: "ranges", Shares: shares(of), Unit: w.Unit}.Figure()
	p.DayBins = figure.DayProfile{ID: "day-profile", Bins: metrics.ProfileOf(days, binMin), Width: binMin, Unit: w.Unit}.Figure()
	latest := latestDays(p.Dates, days, entries)
	p.Daily = figure.DailyView{ID: "daily", Days: latest, Unit: w.Unit}.Figure()
	p.Entries = slices.DeleteFunc(slices.Clone(entries), func(e page.Entry) bool { return e.At.Before(latest[0].Date) })
	p.Targets = targetsOf(of)
	p.Rates, p.Episodes = episodesOf(trace.Episodes(rules), rules, p.Summary.ExposureDays)
	p.Method = page.Method{
		BinMin: binMin, SufficientDays: figure.SufficientDays, NeedPct: by.needPct, EpisodePreset: rules.Preset,
		NightFromMin: by.night.FromMin, NightToMin: by.night.ToMin, Sentinels: count(of, "n_low_sentinel") + count(of, "n_high_sentinel"),
	}
	return p, nil
}

// shares are those of the five ranges, percent.
func shares(of summary) []float64 {
	return []float64{of.of("very_low_pct"), of.of("low_pct"), of.of("in_range_pct"), of.of("high_pct"), of.of("very_high_pct")}
}

// count is a metric that is a number of things; 0 if it is null.
func count(of summary, metric string) int {
	if n := of.of(metric); !math.IsNaN(n) {
		return int(n)
	}
	return 0
}

// latestDays are the last dates, at most dailyDays, with or without readings.
func latestDays(dates page.ProfileDates, days []metrics.LocalDay, entries []page.Entry) (latest []figure.DailyGlucose) {
	first := dates.First
	if from := dates.Last.AddDate(0, 0, 1-dailyDays); from.After(first) {
		first = from
	}
	for date := first; !date.After(dates.Last); date = date.AddDate(0, 0, 1) {
		day := figure.DailyGlucose{Date: date, First: date.Equal(dates.First), Last: date.Equal(dates.Last)}
		if i := slices.IndexFunc(days, func(d metrics.LocalDay) bool { return d.Date.Equal(date) }); i >= 0 {
			day.Readings = days[i].Readings
		}
		for _, e := range entries {
			if metrics.Day(e.At).Equal(date) {
				dose := figure.Dose{Minute: e.At.Sub(date).Minutes(), Amount: e.Amount}
				if e.Type == "carbs" {
					day.Carbs = append(day.Carbs, dose)
				} else {
					day.Insulin = append(day.Insulin, dose)
				}
			}
		}
		latest = append(latest, day)
	}
	return latest
}

// episodesOf are the rates of each kind, and the episodes one by one.
func episodesOf(found []metrics.Episode, rules metrics.EpisodeRules, exposureDays float64) (rates []page.EpisodeRate, all []page.Episode) {
	hyper := map[metrics.EpisodeKind]bool{}
	for _, r := range rules.Rules {
		hyper[r.Kind] = r.Hyper
		sum := metrics.RateOf(found, exposureDays, metrics.Of(r.Kind))
		rates = append(rates, page.EpisodeRate{
			Kind: string(r.Kind), Hyper: r.Hyper, BoundMgdL: r.StartMgdL, LeastMin: r.StartMin, MoreThan: r.MoreThan, WindowMin: r.WindowMin,
			N: sum.N, Night: sum.Night, PerWeek: sum.PerWeek, DurationMin: sum.MeanDurationMin,
		})
	}
	for _, e := range found {
		all = append(all, page.Episode{
			Kind: string(e.Kind), Hyper: hyper[e.Kind], Level: level(e), Start: e.LocalStart, DurationMin: e.DurationMin,
			ExtremeMgdL: e.ExtremeMgdL, MeanMgdL: e.MeanMgdL, Truncated: e.TruncatedStart || e.TruncatedEnd, Night: e.Night,
		})
	}
	slices.SortStableFunc(all, func(a, b page.Episode) int { return a.Start.Compare(b.Start) })
	return rates, all
}

// level is the level that an episode reaches.
func level(e metrics.Episode) int {
	switch e.Kind {
	case metrics.Hypo1, metrics.HypoExtended, metrics.Hyper1:
		if !e.Level2 {
			return 1
		}
	}
	return 2
}
