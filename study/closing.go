package study

import (
	"context"
	"fmt"
	"time"

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
func (s *Study) course(who cohort.Participant, connected time.Time) (cohort.Course, error) {
	zone, err := s.zones.of(who)
	if err != nil {
		return cohort.Course{}, err
	}
	part := cohort.Part{Status: who.Status, StatusDate: who.StatusDate, StudyEnd: who.StudyEnd, Zone: zone}
	return part.Course(time.Duration(s.Config.Study.LateWindow), connected), nil
}

// A Closing is a grant that is to be destroyed.
type Closing struct {
	Connection consent.Connection
	At         time.Time // end of its interval
	Because    string
	last       bool      // worth a last look for late uploads
	since      time.Time // when it was due
}

// closing is what is to become of c by now; ok is false if it goes on.
func (s *Study) closing(who cohort.Participant, c consent.Connection, now time.Time) (out Closing, ok bool, err error) {
	course, err := s.course(who, c.CreatedAt)
	out = Closing{Connection: c, At: now}
	if !course.End.IsZero() && course.End.Before(now) {
		out.At = course.End
	}
	switch {
	case err != nil || c.Status == consent.Ended:
		return out, false, err
	case course.AtOnce:
		out.Because = "status " + who.Status + " in the roster"
	case course.Closed(now):
		out.Because = fmt.Sprintf("last day %s, and %s for late uploads are over", course.LastDay.Format(time.DateOnly), call.Spell(time.Duration(s.Config.Study.LateWindow)))
		out.last, out.since = course.Asked && !c.Aside, course.Closes
	case who.Deleted() && !now.Before(who.DeletedAt.Add(cohort.Undoable)):
		out.Because = "deleted over the API, and nobody undid it"
	case c.Aside && c.StrayedAt.IsZero() && !now.Before(c.CreatedAt.Add(asideLife)):
		out.Because = "another account, and nobody confirmed it"
	case who.Status == "completed" && course.Over(now) && c.Status == consent.NeedsReconsent:
		out.Because = "completed, and Dexcom no longer accepts the consent"
	default:
		return out, false, nil
	}
	return out, true, nil
}

// A closer decides whether a grant that is due is destroyed now.
type closer func(s *Study, c Closing) bool

// beforeRun leaves those that are worth a last look, unless it has failed for as
// long as the late window was.
func beforeRun(now time.Time) closer {
	return func(s *Study, c Closing) bool {
		return !c.last || !now.Before(c.since.Add(time.Duration(s.Config.Study.LateWindow)))
	}
}

// afterRun leaves those whom the run had no success with, or did not look at as
// a whole, unless that is because the grant is worth nothing any more.
func afterRun(run extract.Run, report extract.Report) closer {
	failed := make(map[string]bool) // of those looked at
	for _, p := range report.Participants {
		if run.Interval == (plan.Window{}) && !p.Flagged(extract.FlagClaimed) {
			failed[p.ParticipantID] = p.Err != nil
		}
	}
	return func(_ *Study, c Closing) bool {
		failed, looked := failed[c.Connection.ParticipantID]
		return !c.last || looked && (!failed || c.Connection.Status == consent.NeedsReconsent || c.Connection.Status == consent.AuthSuspect && !c.Connection.Unclear)
	}
}

// closings are people's grants that are due, as far as chosen.
func (s *Study) closings(ctx context.Context, people []cohort.Participant, now time.Time, chosen closer) ([]Closing, error) {
	all, err := s.Consents.Connections(ctx)
	if err != nil {
		return nil, err
	}
	byPerson := make(map[string][]consent.Connection)
	for _, c := range all {
		byPerson[c.ParticipantID] = append(byPerson[c.ParticipantID], c)
	}
	var due []Closing
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
func (s *Study) closeGrants(ctx context.Context, people []cohort.Participant, chosen closer) error {
	due, err := s.closings(ctx, people, s.Now(), chosen)
	if err != nil {
		return err
	}
	return s.Destroy(ctx, due)
}

// Destroy destroys grants and tells whose.
func (s *Study) Destroy(ctx context.Context, due []Closing) error {
	for _, c := range due {
		done, err := s.Consents.CloseIdle(ctx, c.Connection.ID, c.At, c.Because)
		if err != nil {
			return err
		}
		if done {
			s.Tell(Fact{Kind: TokensDestroyed, Participants: []string{c.Connection.ParticipantID}, Because: c.Because})
		}
	}
	// Also what an earlier process could not finish.
	done, err := s.Store.Scrub(ctx)
	if err == nil && !done {
		s.Tell(Fact{Kind: TracesLeft})
	}
	return err
}

// Closings are people's grants that are due, with those that the audit trail says are
// used no more, though state.db still has them.
func (s *Study) Closings(ctx context.Context, people []cohort.Participant) ([]Closing, error) {
	due, err := s.closings(ctx, people, s.Now(), func(*Study, Closing) bool { return true })
	if err != nil {
		return nil, err
	}
	ended, err := s.endedBefore(ctx, people, due)
	return append(due, ended...), err
}

// TellClosings tells, after an import of the roster, whose tokens the next sync
// destroys: the moment to notice a mistake.
func (s *Study) TellClosings(ctx context.Context) error {
	people, err := s.Cohort.Participants(ctx)
	if err != nil {
		return err
	}
	due, err := s.closings(ctx, people, s.Now(), beforeRun(s.Now()))
	if err == nil && len(due) > 0 {
		s.Tell(Fact{Kind: DueAtNextSync, Participants: mapped(due, func(c Closing) string {
			return fmt.Sprintf("%s (%s)", c.Connection.ParticipantID, c.Because)
		})})
	}
	return err
}
