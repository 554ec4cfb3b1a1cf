package study

import (
	"context"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// A Selection names participants: by id, by columns of the roster, as one share
// of all, or by how their last fetch went. The zero value means everybody.
type Selection struct {
	IDs    []string
	Cohort string
	Site   string
	Status string // of the roster

	Share, Shares int // the share, from 1 on, of so many; 0: all

	Failed  bool
	ByStale bool
	Stale   time.Duration // with ByStale: no fetch held everything for so long
}

// Narrows reports whether not everybody is meant.
func (s Selection) Narrows() bool {
	return len(s.IDs) > 0 || s.Cohort+s.Site+s.Status != "" || s.Shares > 0 || s.byOutcome()
}

// byOutcome reports whether it matters how fetches went. Then nobody may be
// meant, and that is good news.
func (s Selection) byOutcome() bool { return s.Failed || s.ByStale }

// A NobodyError says that a selection means nobody.
type NobodyError struct{ EmptyRoster bool }

func (e *NobodyError) Error() string {
	if e.EmptyRoster {
		return "the roster is empty"
	}
	return "nobody is selected"
}

// Pick returns the participants meant, in order of id. Naming somebody who is not in the
// roster is an error; so is a choice that nobody meets, a *NobodyError.
func (s Selection) Pick(ctx context.Context, of *cohort.Cohort) ([]cohort.Participant, error) {
	picked, err := s.Anybody(ctx, of)
	if err != nil || len(picked) > 0 || s.byOutcome() {
		return picked, err
	}
	everybody, err := of.Participants(ctx)
	if err != nil {
		return nil, err
	}
	return nil, &NobodyError{EmptyRoster: len(everybody) == 0}
}

// Anybody is Pick where a choice that nobody meets is an empty list.
func (s Selection) Anybody(ctx context.Context, of *cohort.Cohort) ([]cohort.Participant, error) {
	var named []string // as the roster spells them
	for _, id := range s.IDs {
		p, err := of.Participant(ctx, id)
		if err != nil {
			return nil, err
		}
		named = append(named, p.ID)
	}
	everybody, err := of.Participants(ctx)
	if err != nil {
		return nil, err
	}
	wanted, err := s.outcomes(ctx, of)
	if err != nil {
		return nil, err
	}
	var picked []cohort.Participant
	for i, p := range everybody {
		if !s.fits(p) || s.Shares > 0 && i%s.Shares != s.Share-1 || !wanted(p.ID) {
			continue
		}
		if len(named) == 0 || slices.Contains(named, p.ID) {
			picked = append(picked, p)
		}
	}
	return picked, nil
}

// fits reports whether p is what the roster's columns are asked for.
func (s Selection) fits(p cohort.Participant) bool {
	return (s.Cohort == "" || p.Cohort == s.Cohort) && (s.Site == "" || p.Site == s.Site) && (s.Status == "" || p.Status == s.Status)
}

// outcomes returns whether a participant is meant by how their fetches went.
// Whose last fetch was interrupted counts as the one before did.
func (s Selection) outcomes(ctx context.Context, of *cohort.Cohort) (wanted func(id string) bool, err error) {
	if !s.byOutcome() {
		return func(string) bool { return true }, nil
	}
	last, err := of.FetchOutcomes(ctx)
	before := of.Store.Now().Add(-s.Stale)
	return func(id string) bool {
		return (!s.Failed || last[id].Error != "") && (!s.ByStale || !last[id].DoneAt.After(before))
	}, err
}
