package main

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/transform"
)

// candidates are what may stand at the cursor; none where that is a file.
func (p *program) candidates(ctx context.Context, l lineToComplete) []candidate {
	switch {
	case l.flag != nil:
		return p.valuesOf(ctx, l.flag.Names()[0])
	case strings.HasPrefix(l.current, "-"):
		return flagCandidates(l.command)
	}
	var found []candidate
	if len(l.args) == 0 {
		for _, sub := range l.command.VisibleCommands() {
			found = append(found, candidate{sub.Name, sub.Usage})
		}
	}
	return append(found, p.argumentsOf(ctx, l)...)
}

func flagCandidates(c *cli.Command) (found []candidate) {
	for _, f := range append(slices.Clone(c.Flags), c.VisiblePersistentFlags()...) {
		about := ""
		if said, ok := f.(cli.DocGenerationFlag); ok {
			about = strings.ReplaceAll(said.GetUsage(), "`", "")
		}
		found = append(found, candidate{"--" + f.Names()[0], about})
	}
	return append(found, candidate{"--help", "show help"})
}

// flagOf is the flag that c has by a name such as --cohort; nil for none.
func flagOf(c *cli.Command, name string) cli.Flag {
	name = strings.TrimLeft(name, "-")
	flags := append(slices.Clone(c.Flags), c.VisiblePersistentFlags()...)
	if i := slices.IndexFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) }); i >= 0 {
		return flags[i]
	}
	return nil
}

// valuesOf are the values that a flag may have, where they are known.
func (p *program) valuesOf(ctx context.Context, flag string) []candidate {
	switch flag {
	case "cohort":
		return bare(p.ofPeople(ctx, func(who cohort.Participant) string { return who.Cohort }))
	case "site":
		return bare(p.ofPeople(ctx, func(who cohort.Participant) string { return who.Site }))
	case "status":
		return bare(cohort.Statuses())
	case "window":
		return bare(p.windowNames(ctx))
	case "snapshot":
		return p.snapshotNames()
	case "region":
		return bare(slices.Sorted(maps.Keys(config.Hosts())))
	case "preset":
		return bare([]string{string(sql.Dexetl1), string(sql.IGLU)})
	case "unit":
		return bare([]string{"mg/dL", "mmol/L"})
	case "subject":
		return bare(state.Subjects())
	case "scope":
		return bare(mapped(access.Scopes(), func(s access.Scope) string { return string(s) }))
	case "dialect":
		return bare(dialects())
	case "as":
		return schemaNames("dexcom")
	}
	return nil
}

// argumentsOf are what the command may be given beside flags.
func (p *program) argumentsOf(ctx context.Context, l lineToComplete) []candidate {
	takes := l.command.ArgsUsage
	switch {
	case l.command.Name == "query" && len(l.args) == 0:
		return tablesIn(l.current)
	case takes == keyArg && len(l.args) == 0:
		return bare(p.ofKeys(ctx))
	case strings.Contains(takes, endpointArg) && len(l.args) == 0:
		return bare(p.ofEndpoints(ctx))
	case takes == tagArg && len(l.args) == 0:
		return p.tagNames()
	case takes == snapshotArgs:
		return p.snapshotNames()
	case strings.Contains(takes, schemaArg) && len(l.args) == 0:
		return schemaNames("")
	case strings.Contains(takes, "P001") && l.command.Name != "add":
		people := p.ofPeople(ctx, func(who cohort.Participant) string { return who.ID })
		return bare(slices.DeleteFunc(people, func(id string) bool { return slices.Contains(l.args, id) }))
	}
	return nil
}

// schemaNames are the names of the types of a group, or of all.
func schemaNames(group string) (found []candidate) {
	for _, s := range schemas.All() {
		if group == "" || s.Group == group {
			found = append(found, candidate{s.FullName(), s.Title})
		}
	}
	return found
}

// tablesIn are the tables and views that may follow in a statement, whose words before
// the last stay.
func tablesIn(statement string) (found []candidate) {
	before := statement[:strings.LastIndexAny(statement, " (,\n")+1]
	if before == "" {
		before = "from "
	}
	for _, t := range transform.Tables() {
		if !t.Hidden {
			found = append(found, candidate{before + t.Name, "table"})
		}
	}
	for _, v := range sql.Views() {
		if !v.IsInternal() {
			found = append(found, candidate{before + v.Name, "view"})
		}
	}
	return found
}

// bare are candidates that need no words about them.
func bare(values []string) (found []candidate) {
	for _, v := range values {
		found = append(found, candidate{v, ""})
	}
	return found
}

// stateToRead opens the study's state, where there is one: completing makes none.
func (p *program) stateToRead(ctx context.Context) (*study.Study, error) {
	s, err := p.openFolder()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(s.StatePath(), "state.db")); err != nil {
		return nil, err
	}
	return s, p.openState(ctx, s)
}

// ofPeople are the different values that people of the roster have, sorted.
func (p *program) ofPeople(ctx context.Context, value func(cohort.Participant) string) []string {
	s, err := p.stateToRead(ctx)
	if err != nil {
		return nil
	}
	defer s.Close()
	people, _ := s.Cohort.Participants(ctx)
	return different(mapped(people, value))
}

func (p *program) windowNames(ctx context.Context) []string {
	s, err := p.stateToRead(ctx)
	if err != nil {
		return nil
	}
	defer s.Close()
	windows, _ := s.Cohort.Windows(ctx)
	return different(mapped(windows, func(w cohort.Window) string { return w.Name }))
}

func different(values []string) []string {
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	return slices.DeleteFunc(values, func(v string) bool { return v == "" })
}

// tagNames are the tags.
func (p *program) tagNames() (found []candidate) {
	for _, one := range p.snapshotNames() {
		if lake.IsTagName(one.value) {
			found = append(found, one)
		}
	}
	return found
}

// snapshotNames are the newest snapshots, the tags, and what the newest is called.
func (p *program) snapshotNames() []candidate {
	s, err := p.openFolder()
	if err != nil {
		return nil
	}
	l, _, err := s.Newest()
	if err != nil {
		return nil
	}
	defer l.Close()
	found := []candidate{{"latest", "the newest"}}
	tags, _ := l.Tags()
	for _, t := range tags {
		found = append(found, candidate{t.Name, "snapshot " + t.Snapshot})
	}
	past, _ := study.Snapshots(l, 50)
	for _, one := range past {
		found = append(found, candidate{one.ID.String(), one.Manifest.CreatedAt.UTC().Format("2006-01-02 15:04 UTC")})
	}
	return found
}
