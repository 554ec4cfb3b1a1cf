package main

import (
	"cmp"
	"context"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

func (p *program) inviteListCommand() *cli.Command {
	var who selection
	return &cli.Command{
		Name: "list", Usage: "where everybody's consent stands, and what became of their newest link", ArgsUsage: "[P001…]",
		Flags: who.flags(),
		Action: p.withPeople(&who, func(ctx context.Context, s *study.Study, people []cohort.Participant) error {
			t, err := invitations(ctx, s, people)
			if err == nil && !p.flags.json {
				t = standingInWords(t)
			}
			return p.printed(t, err)
		}),
	}
}

func invitations(ctx context.Context, s *study.Study, people []cohort.Participant) (table.Table, error) {
	t := tableOf(schemas.Invitations())
	t.First = []string{"participant_id", "standing", "invited_at", "expires"}
	standings, err := s.Consents.Progress(ctx)
	if err != nil {
		return t, err
	}
	all, err := s.Consents.Invitations(ctx)
	if err != nil {
		return t, err
	}
	links := map[string][]consent.Invitation{}
	for _, i := range all {
		links[i.ParticipantID] = append(links[i.ParticipantID], i)
	}
	for _, who := range people {
		var newest consent.Invitation
		if mine := links[who.ID]; len(mine) > 0 {
			newest = mine[len(mine)-1]
		}
		t.Rows = append(t.Rows, []any{who.ID, string(standings[who.ID]), len(links[who.ID]),
			instantOrNull(newest.CreatedAt), instantOrNull(newest.ExpiresAt), instantOrNull(newest.OpenedAt),
			instantOrNull(newest.DeniedAt), instantOrNull(newest.ConnectedAt), instantOrNull(newest.RevokedAt)})
	}
	return t, nil
}

// standingInWords is t as a study office reads it.
func standingInWords(t table.Table) table.Table {
	words := map[consent.Progress]string{
		consent.Opened: "opened, not used", consent.Denied: "said no", consent.Waiting: "is being asked",
		consent.Doubted: "not confirmed", consent.ToRenew: "sign in again",
	}
	for _, row := range t.Rows {
		at := consent.Progress(row[1].(string))
		row[1] = cmp.Or(words[at], strings.ReplaceAll(string(at), "_", " "))
	}
	return headed(t)
}
