package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/study"
)

// showParticipant tells one person's story: the roster, what is needed, the
// accounts over time and how it went with them, the newest data, and what the
// analysis makes of the dates.
func (p *program) showParticipant(ctx context.Context, s *study.Study, who cohort.Participant) error {
	persons, harm := s.People(ctx, []cohort.Participant{who})
	if err := study.UnlessData(harm); err != nil {
		return err
	}
	tables := []table{personTable(persons[0])}
	for _, more := range []func(context.Context, *study.Study, study.Person) (table, error){connectionTable, triesTable, deviceTable, windowTable, exclusionTable} {
		t, err := more(ctx, s, persons[0])
		if study.UnlessData(err) != nil {
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

func personTable(one study.Person) table {
	t := table{columns: []string{"field", "value"}}
	records := any(one.Held.Of("egvs").Records)
	if one.LakeUnread {
		records = nil
	}
	values := rosterRow(one.Who)
	for i, column := range rosterColumns() {
		t.rows = append(t.rows, []any{column, values[i]})
	}
	last := any(nil)
	if !one.Course.Closes.IsZero() {
		last = instantOrNull(one.Course.Closes)
	}
	t.rows = append(t.rows,
		[]any{"consent", one.Consent()}, []any{"tokens_until", last},
		[]any{"egvs", records}, []any{"newest_record", minute(one.Held.Of("egvs").Newest)}, []any{"last_asked_at", minute(one.Held.LastAsked())},
		[]any{"needs", toDo(one)})
	return t
}

func connectionTable(_ context.Context, _ *study.Study, one study.Person) (table, error) {
	t := table{schema: "connections", columns: []string{"connection_id", "region", "status", "valid_from", "valid_to", "begun_because", "ended_because", "last_error"}}
	for _, c := range one.Connections {
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

func triesTable(ctx context.Context, s *study.Study, one study.Person) (table, error) {
	t := table{schema: "refresh_tries", columns: []string{"connection_id", "tried_at", "outcome"}}
	for _, c := range one.Connections {
		tries, err := s.Consents.Tries(ctx, c.ID)
		if err != nil {
			return t, err
		}
		for _, try := range tries[max(0, len(tries)-lastTries):] {
			t.rows = append(t.rows, []any{c.ID, instantOrNull(try.At), try.Outcome})
		}
	}
	return t, nil
}

func deviceTable(ctx context.Context, s *study.Study, one study.Person) (table, error) {
	t, err := queryOnly(ctx, s, []string{"devices"}, "devices", `
		select display_device, transmitter_generation, display_app, max(last_upload_date) as last_upload, connection_id
		from devices where participant_id = ? and valid_to is null
		group by all order by last_upload desc nulls last`, one.Who.ID)
	if as[*study.EmptyLakeError](err) {
		return table{schema: "devices"}, nil
	}
	t.schema = "devices"
	return t, err
}

func windowTable(ctx context.Context, s *study.Study, one study.Person) (table, error) {
	t := table{schema: "windows", columns: []string{"window", "start_date", "end_date", "start_day", "end_day"}}
	all, err := s.Cohort.Windows(ctx)
	for _, w := range all {
		if w.ParticipantID == one.Who.ID || w.ParticipantID == "*" {
			t.rows = append(t.rows, []any{w.Name, dateOrNull(w.Start), dateOrNull(w.End), dayOrNull(w.StartDay), dayOrNull(w.EndDay)})
		}
	}
	return t, err
}

func exclusionTable(ctx context.Context, s *study.Study, one study.Person) (table, error) {
	t := table{schema: "exclusions", columns: []string{"from_local", "to_local", "reason"}}
	all, err := s.Cohort.Exclusions(ctx)
	for _, e := range all {
		if e.ParticipantID == one.Who.ID {
			t.rows = append(t.rows, []any{e.From.Format(time.DateTime), e.To.Format(time.DateTime), orNull(e.Reason)})
		}
	}
	return t, err
}
