package main

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cohort"
)

// A selection names participants: by id, by columns of the roster, as one share
// of all, or by how their last fetch went.
type selection struct {
	ids    []string
	cohort string
	site   string
	status string // of the roster
	shard  string // i/n
	failed bool
	stale  string // no fetch held everything for so long
}

func (s *selection) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "cohort", Usage: "participants of this `COHORT`", Destination: &s.cohort},
		&cli.StringFlag{Name: "site", Usage: "participants of this `SITE`", Destination: &s.site},
		&cli.StringFlag{Name: "status", Usage: "participants with this `STATUS` in the roster", Destination: &s.status},
		&cli.StringFlag{Name: "shard", Usage: "share `I/N` of the participants, for several processes", Destination: &s.shard},
	}
}

// fetchFlags are for commands about fetching.
func (s *selection) fetchFlags() []cli.Flag {
	return append(s.flags(),
		&cli.BoolFlag{Name: "failed", Usage: "participants whose last fetch failed", Destination: &s.failed},
		&cli.StringFlag{Name: "stale", Usage: "participants for whom no fetch was complete for this `DURATION`, such as 24h", Destination: &s.stale})
}

// narrows reports whether not everybody is meant.
func (s selection) narrows() bool {
	return len(s.ids) > 0 || s.cohort+s.site+s.status+s.shard != "" || s.byOutcome()
}

// byOutcome reports whether it matters how fetches went. Then nobody may be
// meant, and that is good news.
func (s selection) byOutcome() bool { return s.failed || s.stale != "" }

// pick returns the participants meant, in order of id. Naming somebody who is
// not in the roster is an error; so is a choice that nobody meets.
func (s selection) pick(ctx context.Context, people *cohort.Cohort) ([]cohort.Participant, error) {
	picked, err := s.anybody(ctx, people)
	if err == nil && len(picked) == 0 && !s.byOutcome() {
		return nil, s.nobody(ctx, people)
	}
	return picked, err
}

// nobody says why nobody is picked.
func (s selection) nobody(ctx context.Context, people *cohort.Cohort) error {
	everybody, err := people.Participants(ctx)
	switch {
	case err != nil:
		return err
	case len(everybody) == 0:
		return failure(exitUsage, "dexetl participants import roster.csv", "the roster is empty")
	}
	return failure(exitUsage, "dexetl participants list", "nobody is selected")
}

// anybody is pick where a choice that nobody meets is an empty list.
func (s selection) anybody(ctx context.Context, people *cohort.Cohort) ([]cohort.Participant, error) {
	share, shares, err := s.parseShard()
	if err != nil {
		return nil, err
	}
	var named []string // as the roster spells them
	for _, id := range s.ids {
		p, err := people.Participant(ctx, id)
		if err != nil {
			return nil, err
		}
		named = append(named, p.ID)
	}
	everybody, err := people.Participants(ctx)
	if err != nil {
		return nil, err
	}
	wanted, err := s.outcomes(ctx, people)
	if err != nil {
		return nil, err
	}
	var picked []cohort.Participant
	for i, p := range everybody {
		if !s.fits(p) || i%shares != share-1 || !wanted(p.ID) {
			continue
		}
		if len(named) == 0 || slices.Contains(named, p.ID) {
			picked = append(picked, p)
		}
	}
	return picked, nil
}

// fits reports whether p is what the roster's columns are asked for.
func (s selection) fits(p cohort.Participant) bool {
	return (s.cohort == "" || p.Cohort == s.cohort) && (s.site == "" || p.Site == s.site) && (s.status == "" || p.Status == s.status)
}

// outcomes returns whether a participant is meant by how their fetches went.
// Whose last fetch was interrupted counts as the one before did.
func (s selection) outcomes(ctx context.Context, people *cohort.Cohort) (wanted func(id string) bool, err error) {
	if !s.byOutcome() {
		return func(string) bool { return true }, nil
	}
	var stale time.Duration
	if s.stale != "" {
		if stale, err = parseDuration(s.stale); err != nil {
			return nil, usage("--stale: %w", err)
		}
	}
	last, err := people.FetchOutcomes(ctx)
	before := people.Store.Now().Add(-stale)
	return func(id string) bool {
		return (!s.failed || last[id].Error != "") && (s.stale == "" || !last[id].DoneAt.After(before))
	}, err
}

func (s selection) parseShard() (share, shares int, err error) {
	if s.shard == "" {
		return 1, 1, nil
	}
	of, all, _ := strings.Cut(s.shard, "/")
	share, err = strconv.Atoi(of)
	if shares, e := strconv.Atoi(all); err == nil && e == nil && share >= 1 && share <= shares {
		return share, shares, nil
	}
	return 0, 0, usage("--shard %q: I/N such as 3/8", s.shard)
}
