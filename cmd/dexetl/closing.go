package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/plan"
)

// asideLife is how long a grant of a sign-in that nobody confirms is kept. One
// that was set aside because of an answer may be the participant's all the same.
const asideLife = 7 * 24 * time.Hour

// course is what who's line of the roster means, for a connection made at
// connected.
func (s *study) course(who cohort.Participant, connected time.Time) (extract.Course, error) {
	zone, err := zoneOf(who)
	if err != nil {
		return extract.Course{}, err
	}
	part := extract.Part{Status: who.Status, StatusDate: who.StatusDate, StudyEnd: who.StudyEnd, Zone: zone}
	return part.Course(time.Duration(s.config.Study.LateWindow), connected), nil
}

// leftOut says why nothing is asked for who any more, "" if something is.
// Somebody who is connected is asked for until the late window is over, and
// then once more: only after that their tokens are gone.
func (s *study) leftOut(who cohort.Participant, connected bool, now time.Time) (string, error) {
	course, err := s.course(who, time.Time{})
	switch {
	case err != nil:
		return "", err
	case course.Missing != "":
		return who.Status + ": give " + course.Missing + " in the roster", nil
	case !course.Asked:
		return who.Status, nil
	case course.Over(now) && !connected:
		return "completed", nil
	}
	return "", nil
}

// A closing is a grant that is to be destroyed.
type closing struct {
	consent.Connection
	at      time.Time // end of its interval
	because string
	last    bool      // worth a last look for late uploads
	since   time.Time // when it was due
}

// closing is what is to become of c by now; ok is false if it goes on.
func (s *study) closing(who cohort.Participant, c consent.Connection, now time.Time) (out closing, ok bool, err error) {
	course, err := s.course(who, c.CreatedAt)
	out = closing{Connection: c, at: now}
	if !course.End.IsZero() && course.End.Before(now) {
		out.at = course.End
	}
	switch {
	case err != nil || c.Status == consent.Ended:
		return out, false, err
	case course.AtOnce:
		out.because = "status " + who.Status + " in the roster"
	case course.Closed(now):
		out.because = fmt.Sprintf("last day %s, and %s for late uploads are over", course.LastDay.Format(time.DateOnly), call.Spell(time.Duration(s.config.Study.LateWindow)))
		out.last, out.since = course.Asked && !c.Aside, course.Closes
	case c.Aside && c.StrayedAt.IsZero() && !now.Before(c.CreatedAt.Add(asideLife)):
		out.because = "another account, and nobody confirmed it"
	case who.Status == "completed" && course.Over(now) && c.Status == consent.NeedsReconsent:
		out.because = "completed, and Dexcom no longer accepts the consent"
	default:
		return out, false, nil
	}
	return out, true, nil
}

// A closer decides whether a grant that is due is destroyed now.
type closer func(s *study, c closing) bool

// beforeRun leaves those that are worth a last look, unless it has failed for as
// long as the late window was.
func beforeRun(now time.Time) closer {
	return func(s *study, c closing) bool {
		return !c.last || !now.Before(c.since.Add(time.Duration(s.config.Study.LateWindow)))
	}
}

// afterRun leaves those whom the run had no success with, or did not look at as
// a whole, unless that is because the grant is worth nothing any more.
func afterRun(run extract.Run, report extract.Report) closer {
	failed := make(map[string]bool) // of those looked at
	for _, p := range report.Participants {
		if run.Interval == (plan.Window{}) && !flagged(p, extract.FlagClaimed) {
			failed[p.ParticipantID] = p.Err != nil
		}
	}
	return func(_ *study, c closing) bool {
		failed, looked := failed[c.ParticipantID]
		return !c.last || looked && (!failed || c.Status == consent.NeedsReconsent || c.Status == consent.AuthSuspect && !c.Unclear)
	}
}

// closings are people's grants that are due, as far as chosen.
func (s *study) closings(ctx context.Context, people []cohort.Participant, now time.Time, chosen closer) ([]closing, error) {
	all, err := s.consents.Connections(ctx)
	if err != nil {
		return nil, err
	}
	byPerson := make(map[string][]consent.Connection)
	for _, c := range all {
		byPerson[c.ParticipantID] = append(byPerson[c.ParticipantID], c)
	}
	var due []closing
	for _, who := range people {
		for _, c := range byPerson[who.ID] {
			out, ok, err := s.closing(who, c, now)
			if err != nil {
				return nil, err
			}
			if ok && chosen(s, out) {
				due = append(due, out)
			}
		}
	}
	return due, nil
}

// closeGrants destroys people's grants that are due, as far as chosen, and says
// whose.
func (p *program) closeGrants(ctx context.Context, s *study, people []cohort.Participant, chosen closer) error {
	due, err := s.closings(ctx, people, p.now(), chosen)
	if err != nil {
		return err
	}
	return p.destroyAll(ctx, s, due)
}

// destroyAll destroys grants and says whose.
func (p *program) destroyAll(ctx context.Context, s *study, due []closing) error {
	for _, c := range due {
		done, err := s.destroy(ctx, c)
		if err != nil {
			return err
		}
		if done {
			p.say("%s: tokens destroyed (%s)", c.ParticipantID, c.because)
		}
	}
	// Also what an earlier process could not finish.
	if done, err := s.store.Scrub(ctx); err != nil {
		return err
	} else if !done {
		p.say("the state's log still holds sealed tokens that were destroyed: another process is using it; the next run empties it")
	}
	return nil
}

// destroy ends a connection while nobody refreshes it. One that another process
// is at is left to the next run: false.
func (s *study) destroy(ctx context.Context, c closing) (done bool, err error) {
	return s.consents.CloseIdle(ctx, c.ID, c.at, c.because)
}

func (p *program) participantsClose() *cli.Command {
	var who selection
	var dryRun bool
	return &cli.Command{
		Name: "close", Usage: "destroy the tokens of those whose part in the study is over", ArgsUsage: "[P001…]",
		Description: "sync and backfill do this too. Data stay; docs/participants.md says when it is time.",
		Flags:       append(who.flags(), &cli.BoolFlag{Name: "dry-run", Usage: "only say whose", Destination: &dryRun}),
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study) error {
			who.ids = c.Args().Slice()
			people, err := who.pick(ctx, s.cohort)
			if err != nil {
				return err
			}
			everyDue := func(*study, closing) bool { return true }
			due, err := s.closings(ctx, people, p.now(), everyDue)
			if err != nil {
				return err
			}
			ended, err := p.endedBefore(ctx, s, people, due)
			if err != nil {
				return err
			}
			due = append(due, ended...)
			if !dryRun {
				if err := p.destroyAll(ctx, s, due); err != nil {
					return err
				}
			}
			return p.print(closingTable(due))
		}),
	}
}

func closingTable(due []closing) table {
	t := table{schema: "dexetl.closed/1", columns: []string{"participant_id", "connection_id", "valid_to", "because"}}
	for _, c := range due {
		t.rows = append(t.rows, []any{c.ParticipantID, c.ID, instantOrNull(c.at), c.because})
	}
	return t
}

// warnOfClosings says, after an import of the roster, whose tokens the next
// sync destroys: the moment to notice a mistake.
func (p *program) warnOfClosings(ctx context.Context, s *study) error {
	people, err := s.cohort.Participants(ctx)
	if err != nil {
		return err
	}
	due, err := s.closings(ctx, people, p.now(), beforeRun(p.now()))
	if err != nil || len(due) == 0 {
		return err
	}
	names := mapped(due, func(c closing) string { return fmt.Sprintf("%s (%s)", c.ParticipantID, c.because) })
	p.say("the next sync destroys the tokens of %s; if the roster is wrong, correct it before", shortList(names))
	return nil
}
