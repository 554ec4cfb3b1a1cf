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
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

func (p *program) statusCommand() *cli.Command {
	var who selection
	var resources, check bool
	var maxAge time.Duration
	return &cli.Command{
		Name: "status", Usage: "per participant: consent, newest record, coverage, what to do", ArgsUsage: "[P001…]",
		Description: "The call list comes first. Nothing is asked of Dexcom, and no record is read. " +
			"The exit code is 0, or with --check, for cron: 3 if the last fetch of somebody failed or is too old (--max-age), or the last run could not load, else 5 if somebody's consent is missing.",
		Flags: append(who.fetchFlags(),
			&cli.BoolFlag{Name: "resources", Usage: "each resource too, with what there is nothing of and why; so it is for participants who are named", Destination: &resources},
			&cli.BoolFlag{Name: "check", Usage: "exit 3 or 5 if somebody has to act", Destination: &check},
			&durationFlag{Name: "max-age", Usage: "how old the last complete fetch may be, such as 2d", Value: study.DefaultMaxAge, Destination: &maxAge}),
		Action: p.withPeople(&who, func(ctx context.Context, s *study.Study, people []cohort.Participant) error {
			p.sayDemo(s)
			persons, harm := s.People(ctx, people)
			if err := study.UnlessData(harm); err != nil {
				return err
			}
			for i := range persons {
				persons[i].MaxAge = maxAge
			}
			p.tellTrouble(persons)
			if err := p.sayByAPI(ctx, s, people); err != nil {
				return err
			}
			err := cmp.Or(p.printStatus(ctx, s, byUrgency(persons), resources || len(who.IDs) > 0), harm, disownedFound(disownedOf(persons), ""), s.Remembers(ctx))
			if err != nil || !check {
				return err
			}
			runs, err := s.Store.Runs(ctx)
			if err != nil {
				return err
			}
			if r, failed := failedRun(runs); failed {
				return failure(exitPartial, dexetl("doctor"), "the last run (%s, %s) failed: %s",
					r.Command, r.EndedAt.UTC().Format(time.RFC3339), codeWords(r.ExitCode))
			}
			return checked(persons, who)
		}),
	}
}

// byUrgency puts those first for whom somebody has to act.
func byUrgency(all []study.Person) []study.Person {
	return slices.SortedStableFunc(slices.Values(all), func(a, b study.Person) int { return cmp.Compare(a.Need().Urgency(), b.Need().Urgency()) })
}

// A statusReport is what status knows of participants, and of each of their resources.
type statusReport struct {
	people, resources table.Table
	webhooks          table.Table // endpoints that get nothing
	clockOff, assumed bool        // somebody's clock differs from the roster's zone; somebody's study_start is assumed
	outdated          []string
	harm              []*lake.DamageError
}

// statusOf looks how it stands with participants, blinded without what a blinded study
// hides. Line spells the commands to type.
func statusOf(ctx context.Context, s *study.Study, persons []study.Person, blinded bool, line speller) (r statusReport, err error) {
	starts, err := assumedStarts(ctx, s)
	if err != nil {
		return r, err
	}
	if r.webhooks, err = silentEndpoints(ctx, s, line); err != nil {
		return r, err
	}
	r.people = tableOf(schemas.Status())
	r.people.First = []string{"participant_id", "to_do", "consent", "newest_record", "coverage_14d_pct"}
	r.resources = table.Table{Columns: schemas.Status().Columns("resources"),
		First: []string{"participant_id", "resource", "records", "newest_record", "to_do", "last_error", "open_windows"}}
	for _, one := range persons {
		all, err := s.Resources(one)
		if err != nil {
			return r, err
		}
		if blinded {
			all = slices.DeleteFunc(all, func(of study.Resource) bool { return !study.ShownBlinded(of.Name) })
		}
		if one.LakeUnread {
			r.people.Rows = append(r.people.Rows, []any{one.Who.ID, orNull(one.Who.Cohort), one.Consent(), nil, nil, nil,
				nil, nil, nil, minute(one.SucceededAt()), nil, nil, nil, starts.of(one.Who), toDoOrNull(one, line)})
			continue
		}
		r.people.Rows = append(r.people.Rows, personRow(one, all, starts.of(one.Who), line))
		for _, of := range all {
			r.resources.Rows = append(r.resources.Rows, resourceRow(one, of, line))
		}
		r.clockOff = r.clockOff || one.Held.Clock().GoesOn
		r.assumed = r.assumed || starts.of(one.Who) != nil
	}
	r.outdated = s.Outdated("")
	r.harm, err = s.Damaged()
	return r, err
}

// values are those of the form of status.
func (r statusReport) values() []any {
	return []any{r.people.Objects(), r.resources.Objects(), r.webhooks.Objects(), append([]string{}, r.outdated...), damagePaths(r.harm)}
}

// printStatus tells of participants, and of each of their resources. JSON has
// both.
func (p *program) printStatus(ctx context.Context, s *study.Study, persons []study.Person, withResources bool) error {
	r, err := statusOf(ctx, s, persons, false, p.commandLine)
	if err != nil {
		return err
	}
	if p.flags.json {
		return p.object(schemas.Status(), r.values()...)
	}
	p.tellOutdated(r.outdated)
	p.tellWebhooks(r.webhooks)
	for _, line := range damageLines(r.harm) {
		p.say("%s", line)
	}
	if len(r.harm) > 0 {
		p.sayNext("repair")
	}
	r.people = r.people.Only(slices.DeleteFunc(slices.Clone(r.people.Columns), func(c string) bool {
		return !r.clockOff && strings.HasPrefix(c, "clock_") || !r.assumed && c == "assumed_start"
	}))
	if err := p.print(inWords(r.people, "consent")); err != nil || !withResources {
		return err
	}
	p.tell("")
	return p.print(r.resources)
}

func personRow(one study.Person, resources []study.Resource, assumed any, line speller) []any {
	open, egvs := 0, study.Resource{Held: one.Held.Of("egvs")}
	for _, r := range resources {
		open += r.Open
		if r.Name == "egvs" {
			egvs = r
		}
	}
	row := []any{one.Who.ID, orNull(one.Who.Cohort), one.Consent(), egvs.Held.Records, minute(egvs.Held.Newest), egvs.Held.LagMin,
		covered(egvs, 14), covered(egvs, 30), open, minute(one.SucceededAt())}
	return append(append(row, clockColumns(one.Held.Clock())...), assumed, toDoOrNull(one, line))
}

func resourceRow(one study.Person, r study.Resource, line speller) []any {
	row := []any{one.Who.ID, r.Name, r.Held.Records, minute(r.Held.Newest), r.Held.LagMin, covered(r, 14), covered(r, 30)}
	if r.Windowed {
		unread, missed, never := any(nil), time.Duration(0), r.NeverAsked
		if r.Name == "egvs" { // other records come when they come
			unread = hours(r.NoReading)
		}
		if r.Failed {
			missed, never = never, missed
		}
		row = append(row, r.Open, unread, hours(r.Pending), hours(r.Empty), hours(never), hours(missed))
	} else {
		row = append(row, nil, nil, nil, nil, nil, nil)
	}
	row = append(row, minute(r.SucceededAt(one)), nil, resourceToDo(one, r, line))
	switch {
	case r.Refused != nil:
		row[len(row)-2] = table.Prose(refusedWords(*r.Refused))
	case r.Failed:
		row[len(row)-2] = table.Prose(one.Outcome.Error)
	}
	return row
}

// resourceToDo is what the participant needs, where it is about this resource.
func resourceToDo(one study.Person, r study.Resource, line speller) any {
	need := one.Need()
	if trouble, ok := one.Trouble(); ok && r.Name != "egvs" { // a call is about readings
		need = trouble
	}
	if need != study.Nothing && r.Concerned() {
		return table.Prose(needWords(one, need, line))
	}
	if r.Open > 0 {
		return table.Prose(line("backfill", one.Who.ID))
	}
	return nil
}

func covered(r study.Resource, days int) any {
	if pct, ok := r.Covered(days); ok {
		return math.Round(pct*10) / 10
	}
	return nil
}

// checked is the answer for cron: whose fetches failed or are too old, else
// whose consent is missing.
func checked(persons []study.Person, who selection) error {
	var failed, late, unconnected []string
	var maxAge time.Duration
	for _, one := range persons {
		if !one.Phase.InStudy() || !one.Begun() {
			continue
		}
		if n, ok := one.ConsentNeed(); ok {
			if one.AppRefused || one.Strayed() {
				failed = append(failed, one.Who.ID)
			} else if n.Urgency() == study.NeedsPerson || n == study.LinkSent {
				unconnected = append(unconnected, one.Who.ID)
			}
			continue
		}
		if one.Failed() {
			failed = append(failed, one.Who.ID)
		} else if one.Late() {
			late, maxAge = append(late, one.Who.ID), one.MaxAge
		}
	}
	switch {
	case len(failed) > 0 && len(late) > 0:
		return failure(exitPartial, dexetl("status", failed[0]), "the last fetch failed, or could not be read: %s; no fetch was complete for %s: %s",
			study.ShortList(failed), call.Spell(maxAge), study.ShortList(late))
	case len(failed) > 0:
		return failure(exitPartial, dexetl("status", failed[0]), "the last fetch failed, or could not be read: %s", study.ShortList(failed))
	case len(late) > 0:
		return failure(exitPartial, dexetl(append([]string{"sync"}, who.words()...)...), "no fetch was complete for %s: %s", call.Spell(maxAge), study.ShortList(late))
	case len(unconnected) > 0:
		return failure(exitConsent, dexetl(append([]string{"participants", "list", "--needs"}, who.words()...)...), "consent is missing: %s", study.ShortList(unconnected))
	}
	return nil
}

// disownedOf are the edited rows that people have.
func disownedOf(persons []study.Person) (found []*consent.OwnerError) {
	for _, one := range persons {
		if one.Edited != nil {
			found = append(found, one.Edited)
		}
	}
	return found
}
