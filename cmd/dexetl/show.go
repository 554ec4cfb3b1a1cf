package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// showParticipant tells one person's story: the roster, what is needed, the
// accounts over time and how it went with them, the newest data, and what the
// analysis makes of the dates.
func (p *program) showParticipant(ctx context.Context, s *study, who cohort.Participant) error {
	standings, held, harm := p.standings(ctx, s, []cohort.Participant{who})
	if err := unlessData(harm); err != nil {
		return err
	}
	tables := []table{personTable(standings[0], held[who.ID])}
	for _, more := range []func(context.Context, *study, standing) (table, error){connectionTable, triesTable, deviceTable, windowTable, exclusionTable} {
		t, err := more(ctx, s, standings[0])
		if unlessData(err) != nil {
			return err
		}
		harm = cmp.Or(harm, err)
		tables = append(tables, t)
	}
	return cmp.Or(p.showTables(tables), harm)
}

// showTables writes the tables of one person's story.
func (p *program) showTables(tables []table) error {
	if p.flags.json {
		return p.showJSON(tables)
	}
	for _, row := range tables[0].rows {
		row[1] = shortText(row[1], "") // one column of texts, not of numbers
	}
	for i, t := range tables {
		if i > 0 && len(t.rows) == 0 {
			continue
		}
		if i > 0 {
			p.tell("\n%s", t.schema)
		}
		if err := t.write(p.stdout, asTable); err != nil {
			return err
		}
	}
	return nil
}

// showJSON writes the fields as an object and the other tables as lists, each
// under its name.
func (p *program) showJSON(tables []table) error {
	out := make(map[string]any)
	for _, row := range tables[0].rows {
		out[fmt.Sprint(row[0])] = row[1]
	}
	for _, t := range tables[1:] {
		rows := make([]map[string]any, len(t.rows))
		for i, row := range t.rows {
			rows[i] = make(map[string]any)
			for j, v := range row {
				rows[i][t.columns[j]] = jsonValue(v, t.kind(j))
			}
		}
		out[t.schema] = rows
	}
	return writeJSON(p.stdout, "dexetl.participant/1", out)
}

func personTable(one standing, in lakeRow) table {
	t := table{columns: []string{"field", "value"}}
	records := any(in.of("egvs").records)
	if one.unknown {
		records = nil
	}
	values := rosterRow(one.who)
	for i, column := range rosterColumns() {
		t.rows = append(t.rows, []any{column, values[i]})
	}
	last := any(nil)
	if !one.course.Closes.IsZero() {
		last = instantOrNull(one.course.Closes)
	}
	t.rows = append(t.rows,
		[]any{"consent", one.consentWords()}, []any{"tokens_until", last},
		[]any{"egvs", records}, []any{"newest_record", minute(in.of("egvs").newest)}, []any{"last_asked_at", minute(in.lastAsked())},
		[]any{"needs", one.need().text})
	return t
}

func connectionTable(_ context.Context, _ *study, one standing) (table, error) {
	t := table{schema: "connections", columns: []string{"connection_id", "region", "status", "valid_from", "valid_to", "begun_because", "ended_because", "last_error"}}
	for _, c := range one.connections {
		status := string(c.Status)
		if c.Aside {
			status = "set aside"
		}
		t.rows = append(t.rows, []any{c.ID, c.Region, status, instantOrNull(c.ValidFrom), instantOrNull(c.ValidTo),
			orNull(c.BegunBecause), orNull(c.EndedBecause), orNull(c.LastError)})
	}
	return t, nil
}

// lastTries is how many failed refreshes are shown, the newest.
const lastTries = 5

func triesTable(ctx context.Context, s *study, one standing) (table, error) {
	t := table{schema: "refresh_tries", columns: []string{"connection_id", "tried_at", "outcome"}}
	for _, c := range one.connections {
		tries, err := s.consents.Tries(ctx, c.ID)
		if err != nil {
			return t, err
		}
		for _, try := range tries[max(0, len(tries)-lastTries):] {
			t.rows = append(t.rows, []any{c.ID, instantOrNull(try.At), try.Outcome})
		}
	}
	return t, nil
}

func deviceTable(ctx context.Context, s *study, one standing) (table, error) {
	t, err := s.queryOnly(ctx, []string{"devices"}, "devices", `
		select display_device, transmitter_generation, display_app, max(last_upload_date) as last_upload, connection_id
		from devices where participant_id = ? and valid_to is null
		group by all order by last_upload desc nulls last`, one.who.ID)
	if as[*emptyLakeError](err) {
		return table{schema: "devices"}, nil
	}
	t.schema = "devices"
	return t, err
}

func windowTable(ctx context.Context, s *study, one standing) (table, error) {
	t := table{schema: "windows", columns: []string{"window", "start_date", "end_date", "start_day", "end_day"}}
	all, err := s.cohort.Windows(ctx)
	for _, w := range all {
		if w.ParticipantID == one.who.ID || w.ParticipantID == "*" {
			t.rows = append(t.rows, []any{w.Name, dateOrNull(w.Start), dateOrNull(w.End), dayOrNull(w.StartDay), dayOrNull(w.EndDay)})
		}
	}
	return t, err
}

func exclusionTable(ctx context.Context, s *study, one standing) (table, error) {
	t := table{schema: "exclusions", columns: []string{"from_local", "to_local", "reason"}}
	all, err := s.cohort.Exclusions(ctx)
	for _, e := range all {
		if e.ParticipantID == one.who.ID {
			t.rows = append(t.rows, []any{e.From.Format(time.DateTime), e.To.Format(time.DateTime), orNull(e.Reason)})
		}
	}
	return t, err
}
