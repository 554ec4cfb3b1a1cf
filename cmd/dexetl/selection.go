package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// A selection is the flags and arguments that name participants.
type selection struct {
	study.Selection
	shard string // i/n
	stale string
}

func (s *selection) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "cohort", Usage: "participants of this `COHORT`", Destination: &s.Cohort},
		&cli.StringFlag{Name: "site", Usage: "participants of this `SITE`", Destination: &s.Site},
		&cli.StringFlag{Name: "status", Usage: "participants with this `STATUS` in the roster", Destination: &s.Status},
		&cli.StringFlag{Name: "shard", Usage: "share `I/N` of the participants, for several processes", Destination: &s.shard},
	}
}

// fetchFlags are for commands about fetching.
func (s *selection) fetchFlags() []cli.Flag {
	return append(s.flags(),
		&cli.BoolFlag{Name: "failed", Usage: "participants whose last fetch failed", Destination: &s.Failed},
		&cli.StringFlag{Name: "stale", Usage: "participants for whom no fetch was complete for this `DURATION`, such as 24h", Destination: &s.stale})
}

// words are those of the arguments and flags that were given, for a command that is to
// mean the same people.
func (s selection) words() []string {
	words := slices.Clone(s.IDs)
	for _, flag := range []struct{ name, value string }{
		{"--cohort", s.Cohort}, {"--site", s.Site}, {"--status", s.Status}, {"--shard", s.shard},
	} {
		if flag.value != "" {
			words = append(words, flag.name, flag.value)
		}
	}
	return words
}

// narrows reports whether not everybody is meant.
func (s selection) narrows() bool { return s.Narrows() || s.shard+s.stale != "" }

// chosen reads the flags.
func (s selection) chosen() (out study.Selection, err error) {
	out = s.Selection
	if s.stale != "" {
		out.ByStale = true
		if out.Stale, err = config.ParseDuration(s.stale); err != nil {
			return out, usage("--stale: %w", err)
		}
	}
	if s.shard == "" {
		return out, nil
	}
	of, all, _ := strings.Cut(s.shard, "/")
	share, err := strconv.Atoi(of)
	shares, e := strconv.Atoi(all)
	if err != nil || e != nil || share < 1 || share > shares {
		return out, usage("--shard %q: I/N such as 3/8", s.shard)
	}
	out.Share, out.Shares = share, shares
	return out, nil
}

// withPeople opens the study around an action on the participants meant.
func (p *program) withPeople(who *selection, action func(context.Context, *study.Study, []cohort.Participant) error) cli.ActionFunc {
	return p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
		who.IDs = c.Args().Slice()
		people, err := who.pick(ctx, s)
		if err != nil {
			return err
		}
		return action(ctx, s, people)
	})
}

// pick returns the participants meant; nobody is an error.
func (s selection) pick(ctx context.Context, of *study.Study) ([]cohort.Participant, error) {
	chosen, err := s.chosen()
	if err != nil {
		return nil, err
	}
	return chosen.Pick(ctx, of.Cohort)
}

// pickAsOf is pick by the roster as the snapshot called which has it.
func (s selection) pickAsOf(ctx context.Context, of *study.Study, which string) ([]cohort.Participant, error) {
	chosen, err := s.chosen()
	if err != nil {
		return nil, err
	}
	return chosen.PickAsOf(ctx, of, which)
}
