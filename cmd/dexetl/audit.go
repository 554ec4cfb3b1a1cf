package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/study"
)

func (p *program) auditCommand() *cli.Command {
	var who selection
	var result resultFlags
	var subject string
	var noted noted
	return &cli.Command{
		Name:        "audit",
		Usage:       "the study's audit trail: who changed what, when and why; newest last",
		ArgsUsage:   "[P001…]",
		Description: "Participants named, or a --cohort, show only the lines about them.",
		Flags: append(append(result.flags(), who.flags()...),
			&cli.StringFlag{Name: "subject", Usage: "only lines about this `KIND`: " + strings.Join(state.Subjects(), ", "), Destination: &subject}),
		Commands: []*cli.Command{{
			Name: "verify", Usage: "check that no line was changed, put in, moved or taken away, and that every snapshot's is there",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "contains", Usage: "and that it has the line with this `HASH`, noted earlier", Destination: &noted.hash},
				&cli.StringFlag{Name: "head", Usage: "and that it once ended with this `LINE` of audit head, kept elsewhere", Destination: &noted.head},
			},
			Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
				p.flags.json = p.flags.json || result.json // this --json is the one of audit
				return p.verifyAudit(ctx, s, noted)
			}),
		}, p.auditHeadCommand(&result)},
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			who.IDs = c.Args().Slice()
			f, err := result.format(p)
			if err != nil {
				return err
			}
			lines, damage := s.Store.Trail(ctx)
			if damage != nil && !as[*state.AuditError](damage) {
				return damage
			}
			if err := knownSubject(ctx, s, lines, subject); err != nil {
				return err
			}
			chosen, err := auditFilter(ctx, s, who, subject)
			if err != nil {
				return err
			}
			lines = slices.DeleteFunc(lines, func(l state.AuditLine) bool { return !chosen(l) })
			return errors.Join(auditTable(lines, f).write(p.stdout, f), damage)
		}),
	}
}

// auditFilter says which lines are asked for.
func auditFilter(ctx context.Context, s *study.Study, who selection, subject string) (func(state.AuditLine) bool, error) {
	about := func(state.AuditLine) bool { return true }
	if who.narrows() {
		people, err := who.pick(ctx, s)
		if err != nil {
			return nil, err
		}
		about = func(l state.AuditLine) bool {
			return slices.ContainsFunc(people, func(p cohort.Participant) bool { return p.ID == l.ParticipantID })
		}
	}
	return func(l state.AuditLine) bool { return about(l) && (subject == "" || l.Subject == subject) }, nil
}

// knownSubject refuses what no line can be about, rather than to show that
// there is none.
func knownSubject(ctx context.Context, s *study.Study, lines []state.AuditLine, subject string) error {
	known := state.Subjects()
	for _, l := range lines {
		known = append(known, l.Subject)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	if subject == "" || slices.Contains(known, subject) {
		return nil
	}
	if who, err := s.Cohort.Participant(ctx, subject); err == nil {
		return failure(exitUsage, "dexetl audit "+who.ID, "--subject %s: a participant, and not a kind of thing such as %s", subject, strings.Join(known, ", "))
	}
	next := "dexetl audit"
	if near := plain.Nearest(subject, known); near != "" {
		next = "dexetl audit --subject " + near
	}
	return failure(exitUsage, next, "--subject %q: one of %s", subject, strings.Join(known, ", "))
}

// auditTable shows lines: for people without their hashes.
func auditTable(lines []state.AuditLine, f format) table {
	t := table{
		schema:  "dexetl.audit/1",
		columns: []string{"seq", "at", "who", "command", "subject", "participant_id", "before", "after", "reason", "prev", "hash"},
	}
	if f == asTable {
		t.columns = []string{"seq", "at", "who", "command", "subject", "participant_id", "change", "reason"}
	}
	for _, l := range lines {
		if f == asTable {
			t.rows = append(t.rows, []any{l.Seq, l.At.Format("2006-01-02 15:04:05"), l.Who, l.Command, l.Subject,
				orNull(l.ParticipantID), changeWords(l), orNull(l.Reason)})
			continue
		}
		t.rows = append(t.rows, []any{l.Seq, l.At.Format("2006-01-02T15:04:05.000000Z"), l.Who, l.Command, l.Subject,
			orNull(l.ParticipantID), orNull(l.Before), orNull(l.After), orNull(l.Reason), l.Prev, l.Hash})
	}
	return t
}

// changeWords are the fields of a line as a person reads them: name old → new.
func changeWords(l state.AuditLine) string {
	var before, after map[string]any
	json.Unmarshal([]byte(l.Before), &before) // "" is none
	json.Unmarshal([]byte(l.After), &after)
	names := slices.AppendSeq(slices.Collect(maps.Keys(before)), maps.Keys(after))
	slices.Sort(names)
	var words []string
	for _, name := range slices.Compact(names) {
		was, held := before[name]
		is, stays := after[name]
		switch {
		case !held:
			words = append(words, name+" "+shortValue(is))
		case !stays:
			words = append(words, name+" "+shortValue(was)+" → gone")
		case was != is:
			words = append(words, name+" "+shortValue(was)+" → "+shortValue(is))
		}
	}
	return strings.Join(words, ", ")
}

func shortValue(v any) string {
	text := []rune(shortText(v, ""))
	if len(text) > 40 {
		return string(text[:12]) + "…"
	}
	return string(text)
}

// noted is what was kept elsewhere of the trail; "" for nothing.
type noted struct{ hash, head string }

// verifyAudit checks the trail, by itself, by what was noted of it, and by what each
// snapshot of the lake has, and says where it ends.
func (p *program) verifyAudit(ctx context.Context, s *study.Study, noted noted) error {
	lines, damage := s.Store.Trail(ctx)
	if damage != nil && !as[*state.AuditError](damage) {
		return damage
	}
	held, err := s.HoldSnapshots(ctx)
	if err = errors.Join(damage, err); err != nil {
		return err
	}
	if noted.hash != "" && !slices.ContainsFunc(lines, func(l state.AuditLine) bool { return l.Hash == noted.hash }) {
		return advised(exitDamage, "compare with a backup, or with table audit of an older snapshot",
			"the audit trail is whole, but has no line with hash %.64q: it was rewritten, or is another study's", noted.hash)
	}
	if noted.head != "" {
		if err := checkHead(s, noted.head, lines); err != nil {
			return err
		}
	}
	last := state.AuditLine{}
	if len(lines) > 0 {
		last = lines[len(lines)-1]
	}
	if p.flags.json {
		return writeJSON(p.stdout, "dexetl.audit_verify/1", map[string]any{"lines": last.Seq, "hash": last.Hash,
			"snapshots": held.Agree, "snapshots_without": held.Without, "snapshots_unread": held.Unread})
	}
	if err := p.tell("%d lines, all as written; the last one is %s", last.Seq, cmp.Or(last.Hash, "yet to come")); err != nil || snapshotsWords(held) == "" {
		return err
	}
	return p.tell("%s", snapshotsWords(held))
}

// snapshotsWords tell of them, "" if there are none.
func snapshotsWords(h study.HeldSnapshots) string {
	if h == (study.HeldSnapshots{}) {
		return ""
	}
	text := fmt.Sprintf("snapshots whose trail is a part of it: %d", h.Agree)
	if h.Without > 0 {
		text += fmt.Sprintf("; without a trail: %d", h.Without)
	}
	if h.Unread > 0 {
		text += fmt.Sprintf("; no longer readable: %d", h.Unread)
	}
	return text
}
