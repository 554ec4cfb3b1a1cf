package main

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/consent"
)

// defaultMaxAge is how old the last complete fetch may be.
const defaultMaxAge = 48 * time.Hour

func (p *program) statusCommand() *cli.Command {
	var who selection
	var resources, check bool
	var maxAge time.Duration
	return &cli.Command{
		Name: "status", Usage: "per participant: consent, newest record, coverage, what to do", ArgsUsage: "[P001…]",
		Description: "The call list comes first. Nothing is asked of Dexcom, and no record is read.\n" +
			"The exit code is 0, or with --check, for cron: 3 if the last fetch of somebody failed\nor is too old (--max-age), or the last run could not load, else 5 if somebody's consent is missing.",
		Flags: append(who.fetchFlags(),
			&cli.BoolFlag{Name: "resources", Usage: "each resource too, with what there is nothing of and why; so it is for participants who are named", Destination: &resources},
			&cli.BoolFlag{Name: "check", Usage: "exit 3 or 5 if somebody has to act", Destination: &check},
			&durationFlag{Name: "max-age", Usage: "how old the last complete fetch may be, such as 2d", Value: defaultMaxAge, Destination: &maxAge}),
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study) error {
			who.ids = c.Args().Slice()
			people, err := who.pick(ctx, s.cohort)
			if err != nil {
				return err
			}
			standings, held, harm := p.standings(ctx, s, people)
			if err := unlessData(harm); err != nil {
				return err
			}
			for i := range standings {
				standings[i].maxAge = maxAge
			}
			err = cmp.Or(p.printStatus(s, byUrgency(standings), held, resources || len(who.ids) > 0), harm, disownedFound(disownedOf(standings), ""), p.remembers(ctx, s))
			if err != nil || !check {
				return err
			}
			runs, err := s.store.Runs(ctx)
			if err != nil {
				return err
			}
			if r, failed := failedRun(runs); failed {
				return failure(exitPartial, "dexetl doctor", "the last run (%s, %s) failed: %s",
					r.Command, r.EndedAt.UTC().Format(time.RFC3339), codeWords(r.ExitCode))
			}
			return checked(standings)
		}),
	}
}

// byUrgency puts those first for whom somebody has to act.
func byUrgency(all []standing) []standing {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b standing) int { return cmp.Compare(a.need().urgency, b.need().urgency) })
	return sorted
}

// printStatus tells of participants, and of each of their resources. JSON has
// both.
func (p *program) printStatus(s *study, standings []standing, held map[string]lakeRow, withResources bool) error {
	people := table{schema: "dexetl.status/2", columns: []string{"participant_id", "cohort", "consent", "egvs", "newest_record", "lag_min",
		"coverage_14d_pct", "coverage_30d_pct", "open_windows", "last_success",
		"clock_offset_min", "clock_offset_from", "clock_offset_to", "to_do"}}
	resources := table{columns: []string{"participant_id", "resource", "records", "newest_record", "lag_min", "coverage_14d_pct", "coverage_30d_pct",
		"open_windows", "no_reading_h", "pending_h", "empty_h", "never_asked_h", "failed_h", "last_success", "last_error", "to_do"}}
	for _, one := range standings {
		all, err := s.resourceStatuses(one, held[one.who.ID])
		if err != nil {
			return err
		}
		if one.unknown {
			people.rows = append(people.rows, []any{one.who.ID, orNull(one.who.Cohort), one.consentWords(), nil, nil, nil,
				nil, nil, nil, minute(one.outcome.DoneAt), nil, nil, nil, one.need().orNull()})
			continue
		}
		people.rows = append(people.rows, personRow(one, held[one.who.ID], all))
		for _, r := range all {
			resources.rows = append(resources.rows, r.row(one))
		}
	}
	harm, err := s.damaged()
	if err != nil {
		return err
	}
	if p.flags.json {
		return writeJSON(p.stdout, people.schema, map[string]any{"rows": people.objects(), "resources": resources.objects(),
			"outdated_tables": append([]string{}, s.outdated("")...), "damaged": damagePaths(harm)})
	}
	p.tellOutdated(s.outdated(""))
	for _, line := range damageLines(harm) {
		p.say("%s; next: dexetl replay", line)
	}
	if !slices.ContainsFunc(standings, func(s standing) bool { return s.clock.told() && s.clock.goesOn }) {
		people = people.only(slices.DeleteFunc(slices.Clone(people.columns), func(c string) bool { return strings.HasPrefix(c, "clock_") }))
	}
	if err := p.print(people); err != nil || !withResources {
		return err
	}
	p.tell("")
	return p.print(resources)
}

func personRow(one standing, in lakeRow, resources []resourceStatus) []any {
	open, egvs := 0, resourceStatus{holding: in.of("egvs")}
	for _, r := range resources {
		open += r.open
		if r.resource == "egvs" {
			egvs = r
		}
	}
	row := []any{one.who.ID, orNull(one.who.Cohort), one.consentWords(), egvs.records, minute(egvs.newest), egvs.lagMin,
		egvs.covered(14, egvs.slots14d), egvs.covered(30, egvs.slots30d), open, minute(one.outcome.DoneAt)}
	return append(append(row, one.clock.columns()...), one.need().orNull())
}

// A resourceStatus is what there is of a participant and resource, and what is
// not.
type resourceStatus struct {
	*holding
	nothing
	resource string
	from     time.Time // data are expected from here on
	windowed bool      // it is asked for by time
	failed   bool      // the last fetch, at this resource or before any
	refused  string    // how, if asking again does not help; else ""
}

func (r resourceStatus) row(one standing) []any {
	row := []any{one.who.ID, r.resource, r.records, minute(r.newest), r.lagMin, r.covered(14, r.slots14d), r.covered(30, r.slots30d)}
	if r.windowed {
		missed, never := time.Duration(0), r.neverAsked
		if r.failed {
			missed, never = never, missed
		}
		row = append(row, r.open, r.unread(), hours(r.pending), hours(r.empty), hours(never), hours(missed))
	} else {
		row = append(row, nil, nil, nil, nil, nil, nil)
	}
	row = append(row, minute(r.asked))
	if !r.failed {
		return append(row, nil, r.need(one))
	}
	return append(row, cmp.Or(r.refused, one.outcome.Error), r.need(one))
}

// unread is the time without readings; other records come when they come.
func (r resourceStatus) unread() any {
	if r.resource != "egvs" {
		return nil
	}
	return hours(r.noReading)
}

// need is what the participant needs, where it is about this resource.
func (r resourceStatus) need(one standing) any {
	if n := one.need(); n.urgency != needsNothing && (r.failed || r.open > 0 || r.rejected > 0 || r.state == "held" || r.resource == "egvs") {
		return n.text
	}
	if r.open > 0 {
		return "dexetl backfill " + one.who.ID
	}
	return nil
}

// covered is the share of slots of the last days with a reading, in percent;
// null where none are expected.
func (r resourceStatus) covered(days int, slots int64) any {
	if r.resource != "egvs" || r.until.IsZero() {
		return nil
	}
	from := r.until.AddDate(0, 0, -days)
	if r.from.After(from) {
		from = r.from
	}
	expected := r.until.Sub(from) / readingEvery
	if expected <= 0 {
		return nil
	}
	return math.Round(min(100, 100*float64(slots)/float64(expected))*10) / 10
}

// minute is when something was, null for never.
func minute(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return moment{at.UTC()}
}

func hours(d time.Duration) any { return math.Round(d.Hours()*10) / 10 }

// orNull is null for nothing, so that what is to be done stands out.
func (n need) orNull() any {
	if n.urgency == needsNothing {
		return nil
	}
	return n.text
}

// checked is the answer for cron: whose fetches failed or are too old, else
// whose consent is missing.
func checked(standings []standing) error {
	var failed, late, unconnected []string
	var maxAge time.Duration
	for _, one := range standings {
		if _, off := one.offTheStudy(); off || !one.begun() {
			continue
		}
		if n, ok := one.consent(); ok {
			if one.appRefused || one.strayed() {
				failed = append(failed, one.who.ID)
			} else if n.urgency == needsPerson {
				unconnected = append(unconnected, one.who.ID)
			}
			continue
		}
		if one.failed() {
			failed = append(failed, one.who.ID)
		} else if one.late() {
			late, maxAge = append(late, one.who.ID), one.maxAge
		}
	}
	switch {
	case len(failed) > 0 && len(late) > 0:
		return failure(exitPartial, "dexetl status "+failed[0], "the last fetch failed, or could not be read: %s; no fetch was complete for %s: %s",
			shortList(failed), call.Spell(maxAge), shortList(late))
	case len(failed) > 0:
		return failure(exitPartial, "dexetl status "+failed[0], "the last fetch failed, or could not be read: %s", shortList(failed))
	case len(late) > 0:
		return failure(exitPartial, "dexetl sync", "no fetch was complete for %s: %s", call.Spell(maxAge), shortList(late))
	case len(unconnected) > 0:
		return failure(exitConsent, "dexetl participants list --needs", "consent is missing: %s", shortList(unconnected))
	}
	return nil
}

// failed reports whether the last fetch failed, or what came could not be read.
func (s standing) failed() bool {
	return !s.awaited() && (s.outcome.Error != "" || s.held != "" || s.unread != "")
}

// late reports whether no fetch of somebody who is connected was complete for so
// long, nor were they just connected.
func (s standing) late() bool {
	since := later(s.outcome.DoneAt, s.connection().GrantedAt)
	return !s.awaited() && s.connection().Status == consent.Connected && s.now.Sub(since) > s.maxAge
}

// awaited reports whether nothing but time is needed, by the dates of the study.
func (s standing) awaited() bool {
	n, ok := s.study()
	return ok && n.urgency == waits
}

// disownedOf are the edited rows that people have.
func disownedOf(standings []standing) []*consent.OwnerError {
	var found []*consent.OwnerError
	for _, one := range standings {
		if one.disowned != nil {
			found = append(found, one.disowned)
		}
	}
	return found
}
