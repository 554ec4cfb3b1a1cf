package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/state"
)

//go:embed status.sql
var statusQuery string

func (p *program) statusCommand() *cli.Command {
	var who selection
	return &cli.Command{
		Name: "status", Usage: "per participant: consent, newest reading, completeness, what to do", ArgsUsage: "[P001…]",
		Flags: who.flags(),
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study) error {
			who.ids = c.Args().Slice()
			people, err := who.pick(ctx, s.store)
			if err != nil {
				return err
			}
			t, err := p.status(ctx, s, people)
			if err != nil {
				return err
			}
			return p.print(t)
		}),
	}
}

// status joins what the state knows of people with what the lake holds of them.
func (p *program) status(ctx context.Context, s *study, people []state.Participant) (table, error) {
	t := table{
		schema: "dexetl.status/1",
		columns: []string{"participant_id", "cohort", "consent", "egvs", "newest_record", "lag_min",
			"complete_14d_pct", "gaps_over_1h", "last_asked_at", "to_do"},
	}
	connections, err := s.newestConnections(ctx)
	if err != nil {
		return t, err
	}
	held, err := s.held(ctx)
	if err != nil {
		return t, err
	}
	for _, who := range people {
		connection := connections[who.ID]
		row := []any{who.ID, orNull(who.Cohort), consentWords(who, connection)}
		in, ok := held[who.ID]
		if !ok {
			in = make([]any, 8)
		}
		row = append(row, in[:6]...)
		t.rows = append(t.rows, append(row, s.toDo(who, connection, in[6], in[7])))
	}
	return t, nil
}

// newestConnections is the connection that counts of each participant.
func (s *study) newestConnections(ctx context.Context) (map[string]state.Connection, error) {
	all, err := s.store.Connections(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b state.Connection) int { return a.CreatedAt.Compare(b.CreatedAt) })
	newest := make(map[string]state.Connection)
	for _, c := range all {
		if !c.Aside {
			newest[c.ParticipantID] = c
		}
	}
	return newest, nil
}

// held is the rest of each participant's row of status.sql; empty for a lake
// that nothing was loaded into.
func (s *study) held(ctx context.Context) (map[string][]any, error) {
	rows := make(map[string][]any)
	t, err := s.query(ctx, "", "", statusQuery)
	if empty := (*emptyLakeError)(nil); errors.As(err, &empty) {
		return rows, nil
	}
	for _, row := range t.rows {
		for i, v := range row {
			if at, ok := v.(time.Time); ok {
				row[i] = at.Format("2006-01-02 15:04")
			}
		}
		rows[fmt.Sprint(row[0])] = row[1:]
	}
	return rows, err
}

func consentWords(who state.Participant, c state.Connection) string {
	switch {
	case who.Paused:
		return "paused"
	case c.ID == "":
		return "none"
	}
	return string(c.Status)
}

// silentDays without a reading are worth a call.
const silentDays = 3

// toDo is the next step in plain words, or null.
func (s *study) toDo(who state.Participant, c state.Connection, fetched, silent any) any {
	switch {
	case who.Paused:
		return "dexetl participants resume " + who.ID
	case c.ID == "", c.Status == state.Ended, c.Status == state.NeedsReconsent:
		return "dexetl connect " + who.ID
	case c.Status == state.AuthSuspect:
		return "nothing: a refused grant is tried again for about 36 hours"
	case who.StudyStart.IsZero() && s.config.Study.History != "all":
		return "give study_start in the roster"
	case fetched == nil, fetched == "never_asked":
		return "dexetl backfill " + who.ID
	case fetched == "behind":
		return "dexetl sync " + who.ID
	case fetched == "ended" || fetched == "not_started":
		return nil
	case fetched == "no_data":
		return "no readings at Dexcom: does the app upload?"
	case fetched == "held":
		return "an answer is held: see requests.held_reason"
	}
	if days, ok := silent.(int64); ok && days >= silentDays {
		return fmt.Sprintf("no reading for %d days before the last sync: call", days)
	}
	return nil
}
