package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

// showParticipant tells one person's story: the roster, what is needed, the
// accounts over time and how it went with them, the newest data, and what the
// analysis makes of the dates.
func (p *program) showParticipant(ctx context.Context, s *study.Study, who cohort.Participant) error {
	persons, harm := s.People(ctx, []cohort.Participant{who})
	if err := study.UnlessData(harm); err != nil {
		return err
	}
	tables := []table.Table{personTable(persons[0], p.commandLine)}
	for _, more := range []func(context.Context, *study.Study, study.Person) (table.Table, error){connectionTable, triesTable, deviceTable, windowTable, exclusionTable} {
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
func (p *program) showTables(tables []table.Table) error {
	if p.flags.json {
		return p.showJSON(tables)
	}
	storyInWords(tables[0])
	for i, t := range tables {
		if i > 0 && len(t.Rows) == 0 {
			continue
		}
		if i > 0 {
			p.tell("\n%s", titled(t.Schema))
		}
		if err := p.show(p.stdout, t); err != nil {
			return err
		}
	}
	return nil
}

// storyInWords is the story of a personTable as a study office reads it: what to do and
// how it stands come first.
func storyInWords(t table.Table) {
	first := []string{"participant_id", "needs", "consent", "newest_record"}
	place := func(row []any) int {
		if i := slices.Index(first, row[0].(string)); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortStableFunc(t.Rows, func(a, b []any) int { return cmp.Compare(place(a), place(b)) })
	for _, row := range t.Rows {
		name := row[0].(string)
		value := table.Short(row[1], "")
		if name == "consent" {
			value = accountWords(value)
		}
		row[0], row[1] = heading(name), table.Prose(value) // one column of texts, not of numbers
	}
}

// titled is the name of a further table as a title.
func titled(name string) string {
	switch name {
	case "connections":
		return "accounts"
	case "refresh_tries":
		return "tries to renew the access that failed"
	}
	return name
}

// showJSON writes the fields and then the other tables as lists, as an object.
func (p *program) showJSON(tables []table.Table) error {
	values := mapped(tables[0].Rows, func(row []any) any { return row[1] })
	for _, t := range tables[1:] {
		values = append(values, t.Objects())
	}
	return p.object(schemas.Participant(), values...)
}

// storyTable is an empty table of one of the lists in a person's story.
func storyTable(list string) table.Table {
	return table.Table{Schema: list, Columns: schemas.Participant().Columns(list)}
}

func personTable(one study.Person, line speller) table.Table {
	records := any(one.Held.Of("egvs").Records)
	if one.LakeUnread {
		records = nil
	}
	last := any(nil)
	if !one.Course.Closes.IsZero() && one.Connection().Status != consent.Ended {
		last = instantOrNull(one.Course.Closes)
	}
	values := append(rosterRow(one.Who), one.Consent(), instantOrNull(one.Withdrawal.EffectiveAt), orNull(one.Withdrawal.Reason),
		last, records, minute(one.Held.Of("egvs").Newest), minute(one.Held.LastAsked()), toDo(one, line))
	t := table.Table{Columns: []string{"field", "value"}}
	for i, field := range schemas.Participant().Plain() {
		t.Rows = append(t.Rows, []any{field, values[i]})
	}
	return t
}

func connectionTable(_ context.Context, _ *study.Study, one study.Person) (table.Table, error) {
	t := storyTable("connections")
	t.Stories = true
	for _, c := range one.Connections {
		status := string(c.Status)
		if c.Aside {
			status = "set aside"
		}
		t.Rows = append(t.Rows, []any{c.ID, c.Region, status, instantOrNull(c.ValidFrom), instantOrNull(c.ValidTo),
			orNull(c.BegunBecause), orNull(c.EndedBecause), orNull(c.LastError)})
	}
	return t, nil
}

// lastTries is how many failed refreshes are shown, the newest.
const lastTries = 5

func triesTable(ctx context.Context, s *study.Study, one study.Person) (table.Table, error) {
	t := storyTable("refresh_tries")
	t.Stories = true
	for _, c := range one.Connections {
		tries, err := s.Consents.Tries(ctx, c.ID)
		if err != nil {
			return t, err
		}
		for _, try := range tries[max(0, len(tries)-lastTries):] {
			t.Rows = append(t.Rows, []any{c.ID, instantOrNull(try.At), try.Outcome})
		}
	}
	return t, nil
}

func deviceTable(ctx context.Context, s *study.Study, one study.Person) (table.Table, error) {
	t, err := s.QueryOnly(ctx, []string{"devices"}, "devices", `
		select display_device, transmitter_generation, display_app, max(last_upload_date) as last_upload, connection_id
		from devices where participant_id = ? and valid_to is null
		group by all order by last_upload desc nulls last`, one.Who.ID)
	if as[*study.EmptyLakeError](err) {
		return storyTable("devices"), nil
	}
	t.Schema, t.Stories = "devices", true
	return t, err
}

func windowTable(ctx context.Context, s *study.Study, one study.Person) (table.Table, error) {
	t := storyTable("windows")
	all, err := s.Cohort.Windows(ctx)
	for _, w := range cohort.WindowsOf(one.Who.ID, all) {
		t.Rows = append(t.Rows, []any{w.Name, dateOrNull(w.Start), dateOrNull(w.End), dayOrNull(w.StartDay), dayOrNull(w.EndDay)})
	}
	return t, err
}

func exclusionTable(ctx context.Context, s *study.Study, one study.Person) (table.Table, error) {
	t := storyTable("exclusions")
	t.Stories = true
	all, err := s.Cohort.Exclusions(ctx)
	for _, e := range all {
		if e.ParticipantID == one.Who.ID {
			t.Rows = append(t.Rows, []any{e.From.Format(time.DateTime), e.To.Format(time.DateTime), orNull(e.Reason)})
		}
	}
	return t, err
}
