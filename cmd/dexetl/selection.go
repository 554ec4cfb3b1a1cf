package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/state"
)

// A selection names participants: by id, by cohort, or as one share of all.
type selection struct {
	ids    []string
	cohort string
	shard  string // i/n
}

func (s *selection) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "cohort", Usage: "participants of this `COHORT`", Destination: &s.cohort},
		&cli.StringFlag{Name: "shard", Usage: "share `I/N` of the participants, for several processes", Destination: &s.shard},
	}
}

// narrows reports whether not everybody is meant.
func (s selection) narrows() bool { return len(s.ids) > 0 || s.cohort != "" || s.shard != "" }

// pick returns the participants meant, in order of id. Naming somebody who is
// not in the roster is an error; so is a choice that nobody meets.
func (s selection) pick(ctx context.Context, store *state.Store) ([]state.Participant, error) {
	share, shares, err := s.parseShard()
	if err != nil {
		return nil, err
	}
	var named []string // as the roster spells them
	for _, id := range s.ids {
		p, err := store.Participant(ctx, id)
		if err != nil {
			return nil, err
		}
		named = append(named, p.ID)
	}
	everybody, err := store.Participants(ctx)
	if err != nil {
		return nil, err
	}
	if len(everybody) == 0 {
		return nil, failure(exitUsage, "dexetl participants import roster.csv", "the roster is empty")
	}
	var picked []state.Participant
	for i, p := range everybody {
		if s.cohort != "" && p.Cohort != s.cohort || i%shares != share-1 {
			continue
		}
		if len(named) == 0 || slices.Contains(named, p.ID) {
			picked = append(picked, p)
		}
	}
	if len(picked) == 0 {
		return nil, failure(exitUsage, "dexetl participants list", "nobody is selected")
	}
	return picked, nil
}

func (s selection) parseShard() (share, shares int, err error) {
	if s.shard == "" {
		return 1, 1, nil
	}
	if n, err := fmt.Sscanf(s.shard, "%d/%d", &share, &shares); n != 2 || err != nil || share < 1 || share > shares {
		return 0, 0, usage("--shard %q: I/N such as 3/8", s.shard)
	}
	return share, shares, nil
}
