package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

func (p *program) participantsCommand() *cli.Command {
	var deleted bool
	return &cli.Command{
		Name:  "participants",
		Usage: "the roster: add, import, list, show, pause, resume, close, remove",
		Commands: []*cli.Command{
			p.participantsAdd(),
			p.participantsImport(),
			p.participantsList(),
			{
				Name: "show", Usage: "one participant", ArgsUsage: "P001",
				Action: p.withParticipant(p.showParticipant),
			},
			{
				Name: "pause", Usage: "fetch nothing for this participant until resumed", ArgsUsage: "P001",
				Flags: []cli.Flag{p.reasonFlag(),
					&cli.BoolFlag{Name: "deleted", Usage: "as a program deletes over the API: exports leave them out, too, and after 7 days their tokens are destroyed", Destination: &deleted}},
				Action: p.withParticipant(func(ctx context.Context, s *study.Study, who cohort.Participant) error {
					return p.pauseParticipant(true, deleted)(ctx, s, who)
				}),
			},
			{
				Name: "resume", Usage: "fetch for this participant again", ArgsUsage: "P001",
				Flags:  []cli.Flag{p.reasonFlag()},
				Action: p.withParticipant(p.pauseParticipant(false, false)),
			},
			p.participantsClose(),
			{
				Name: "remove", Usage: "take an id out of the roster that was a mistake", ArgsUsage: "P001",
				Description: "Only while no data were fetched and no account was connected. Somebody who takes no part any more stays in the roster: status, or dexetl withdraw.",
				Flags:       []cli.Flag{p.reasonFlag()},
				Action:      p.withParticipant(p.removeParticipant),
			},
		},
	}
}

func (p *program) participantsAdd() *cli.Command {
	var one cohort.Participant
	var start, end, anchor string
	return &cli.Command{
		Name: "add", Usage: "add participants", ArgsUsage: "P001…",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "cohort", Usage: "any name, for --cohort of other commands", Destination: &one.Cohort},
			&cli.StringFlag{Name: "site", Usage: "any name, for --site of other commands", Destination: &one.Site},
			&cli.StringFlag{Name: "arm", Usage: "treatment arm, any name", Destination: &one.Arm},
			&cli.StringFlag{Name: "region", Usage: "us, eu, jp or sandbox; default: the study's", Destination: &one.Region},
			&cli.StringFlag{Name: "timezone", Usage: "IANA `ZONE`, such as Europe/Berlin", Destination: &one.Timezone},
			&cli.StringFlag{Name: "start", Usage: "first `DATE` of the study for this participant", Destination: &start},
			&cli.StringFlag{Name: "end", Usage: "last `DATE`", Destination: &end},
			&cli.StringFlag{Name: "anchor", Usage: "`DATE` of study day 1", Destination: &anchor},
			p.reasonFlag(),
		},
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			if !c.Args().Present() {
				return usage("participants add needs at least one id, such as P001")
			}
			for _, flag := range []struct {
				name, text string
				date       *time.Time
			}{{"start", start, &one.StudyStart}, {"end", end, &one.StudyEnd}, {"anchor", anchor, &one.AnchorDate}} {
				var err error
				if *flag.date, err = optionalDate(flag.name, flag.text); err != nil {
					return err
				}
			}
			for _, id := range c.Args().Slice() {
				one.ID = id
				if err := s.Cohort.AddParticipant(ctx, one); err != nil {
					return err
				}
				p.say("added %s", id)
			}
			return p.report(schemas.Added(), []any{c.Args().Slice()}, "next: %s", p.commandLine("connect", one.ID))
		}),
	}
}

func (p *program) participantsImport() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "take over a roster", ArgsUsage: "roster.csv",
		Description: "CSV with a header: participant_id, and any of site, cohort, arm, status, status_date, consent_date, " +
			"anchor_date, study_start, study_end, timezone, region. Who is not in the file stays as they are.",
		Flags: []cli.Flag{p.reasonFlag()},
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			return p.importFile(ctx, c, s, "roster", func(r io.Reader) (imported, error) {
				done, err := s.Cohort.ImportRoster(ctx, r)
				if err != nil {
					return imported{}, err
				}
				for _, e := range done.Emptied {
					p.say("%s is empty now for %s", e.Column, study.ShortList(e.Participants))
				}
				if len(done.Absent) > 0 {
					p.say("%d participants are not in the file and stay as they are: %s", len(done.Absent), study.ShortList(done.Absent))
				}
				return imported{done: fmt.Sprintf("%d added, %d changed, %d unchanged", done.Added, done.Changed, done.Unchanged), erased: done.Erased}, s.TellClosings(ctx)
			})
		}),
	}
}

// importFile opens the command's one file argument ("-": standard input) for
// take, which returns what it did, and takes the outcome into the lake.
func (p *program) importFile(ctx context.Context, c *cli.Command, s *study.Study, what string, take func(io.Reader) (imported, error)) error {
	path, err := one(c, "file")
	if err != nil {
		return err
	}
	var file io.Reader
	if path == "-" {
		file = p.readFrom("the " + what)
	} else {
		opened, err := os.Open(path)
		if err != nil {
			return usage("%s: %w", what, err)
		}
		defer opened.Close()
		file = opened
	}
	if err := s.OwnsLake(ctx); err != nil {
		return err
	}
	did, err := take(file)
	if err != nil {
		return otherFile(path, err)
	}
	if len(did.erased) > 0 {
		verb := "was"
		if len(did.erased) > 1 {
			verb = "were"
		}
		p.say("%s %s erased, so what the file has of them is left out", study.ShortList(did.erased), verb)
	}
	damaged, err := s.RefreshTables(ctx)
	if err := study.UnlessData(err); err != nil {
		return err
	}
	return cmp.Or(p.report(schemas.Import(), []any{path, did.done, append([]string{}, did.removed...)},
		"%s: %s%s", path, did.done, tail("; removed: ", study.ShortList(did.removed))), err, damageFound(damaged))
}

func (p *program) pauseParticipant(paused, deleted bool) func(context.Context, *study.Study, cohort.Participant) error {
	return func(ctx context.Context, s *study.Study, who cohort.Participant) error {
		if s.Remembers(ctx) == nil { // else this may be what mends it, of whoever has left too
			if err := s.Cohort.Standing(ctx, who.ID); err != nil {
				return err
			}
		}
		change := func() error { return s.Cohort.SetPaused(ctx, who.ID, paused) }
		if deleted {
			change = func() error { return s.Cohort.Delete(ctx, who.ID) }
		}
		if err := change(); err != nil {
			return err
		}
		said, next := "is not paused any more", dexetl("sync", who.ID)
		switch {
		case deleted:
			said, next = "is paused, as whoever a program deleted", dexetl("participants", "resume", who.ID)
		case paused:
			said, next = "is paused", dexetl("participants", "resume", who.ID)
		}
		return p.report(schemas.Paused(), []any{who.ID, paused},
			"%s %s\nnext: %s", who.ID, said, p.spell(next))
	}
}

func (p *program) removeParticipant(ctx context.Context, s *study.Study, who cohort.Participant) error {
	done, err := s.Remove(ctx, who)
	if err != nil {
		return err
	}
	damaged, err := s.RefreshTables(ctx)
	if err := study.UnlessData(err); err != nil {
		return err
	}
	var also []string
	for _, gone := range []struct {
		n    int
		what string
	}{{done.Links, "link"}, {done.Windows, "window"}, {done.Exclusions, "exclusion"}} {
		if gone.n > 0 {
			also = append(also, countOf(gone.n, gone.what))
		}
	}
	return cmp.Or(p.report(schemas.Removed(), []any{who.ID, done.Links, done.Windows, done.Exclusions},
		"%s is removed from the roster%s", who.ID, tail(", with ", strings.Join(also, ", "))), err, damageFound(damaged))
}

func (p *program) participantsList() *cli.Command {
	var who selection
	var callList bool
	return &cli.Command{
		Name: "list", Usage: "everybody, with what each one needs", ArgsUsage: "[P001…]",
		Flags: append(who.flags(), &cli.BoolFlag{Name: "needs",
			Usage: "only who needs somebody to act: participants to call first, then what the study team has to do", Destination: &callList}),
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			who.IDs = c.Args().Slice()
			chosen, err := who.chosen()
			if err != nil {
				return err
			}
			people, err := chosen.Anybody(ctx, s.Cohort)
			if err != nil {
				return err
			}
			p.sayDemo(s)
			if len(people) == 0 && !who.narrows() {
				p.say("the roster is empty; %s", fillRoster)
			}
			persons, harm := s.People(ctx, people)
			if err := study.UnlessData(harm); err != nil {
				return err
			}
			p.tellTrouble(persons)
			if callList {
				persons = byUrgency(slices.DeleteFunc(persons, func(p study.Person) bool { return p.Need().Urgency() > study.NeedsDesk }))
				if len(persons) == 0 && !p.flags.json {
					return harm // cron mails what is printed
				}
			}
			t := rosterTable(persons, p.commandLine)
			if !p.flags.json {
				t = forOffice(t)
			}
			return cmp.Or(p.print(t), harm)
		}),
	}
}

// rosterTable is the roster with the columns of roster.csv, how it stands with
// everybody's account and readings, and what they need.
func rosterTable(everybody []study.Person, line speller) table.Table {
	t := tableOf(schemas.Participants())
	t.First = []string{"participant_id", "needs", "consent", "newest_record", "status", "cohort", "site"}
	for _, one := range everybody {
		t.Rows = append(t.Rows, append(rosterRow(one.Who), one.Consent(), minute(one.Held.Of("egvs").Newest), toDoOrNull(one, line)))
	}
	return t
}

// forOffice is a rosterTable as a study office reads it: who, how it stands and what to
// do come first.
func forOffice(t table.Table) table.Table {
	first := []string{"participant_id", "site", "cohort", "status", "consent", "newest_record", "needs"}
	rest := slices.DeleteFunc(slices.Clone(t.Columns), func(name string) bool { return slices.Contains(first, name) })
	return headed(inWords(t, "consent").Only(append(first, rest...)))
}

func rosterRow(p cohort.Participant) []any {
	return []any{p.ID, orNull(p.Site), orNull(p.Cohort), orNull(p.Arm), orNull(p.Status),
		dateOrNull(p.StatusDate), dateOrNull(p.ConsentDate), dateOrNull(p.AnchorDate),
		dateOrNull(p.StudyStart), dateOrNull(p.StudyEnd), orNull(p.Timezone), orNull(p.Region), p.Paused}
}

func (p *program) participantsClose() *cli.Command {
	var who selection
	var dryRun bool
	return &cli.Command{
		Name: "close", Usage: "end the access to the accounts of those whose part in the study is over", ArgsUsage: "[P001…]",
		Description: "sync and backfill do this too: the tokens are destroyed. Data stay; docs/participants.md says when it is time.",
		Flags:       append(who.flags(), &cli.BoolFlag{Name: "dry-run", Usage: "only say whose", Destination: &dryRun}),
		Action: p.withPeople(&who, func(ctx context.Context, s *study.Study, people []cohort.Participant) error {
			due, err := s.Closings(ctx, people)
			if err != nil {
				return err
			}
			if !dryRun {
				if err := s.Destroy(ctx, due); err != nil {
					return err
				}
			}
			t := tableOf(schemas.Closed())
			for _, c := range due {
				t.Rows = append(t.Rows, []any{c.Connection.ParticipantID, c.Connection.ID, instantOrNull(c.At), table.Prose(c.Because)})
			}
			return p.print(t)
		}),
	}
}
