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

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
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
			chosen, err := who.chosen()
			if err != nil {
				return err
			}
			lines, damage := s.TrailAbout(ctx, chosen, subject)
			if damage != nil && !as[*state.AuditError](damage) {
				return damage
			}
			return errors.Join(p.write(auditTable(lines, f), f), damage)
		}),
	}
}

// auditTable shows lines: for people without their hashes.
func auditTable(lines []state.AuditLine, f table.Format) table.Table {
	t := tableOf(schemas.Audit())
	if f == table.Text {
		t.Columns = []string{"seq", "at", "who", "command", "subject", "participant_id", "change", "reason"}
		t.First = []string{"seq", "at", "change", "participant_id", "command", "reason"}
	}
	for _, l := range lines {
		if f == table.Text {
			t.Rows = append(t.Rows, []any{l.Seq, l.At.Format("2006-01-02 15:04:05"), l.Who, l.Command, l.Subject,
				orNull(l.ParticipantID), table.Prose(changeWords(l)), proseOrNull(l.Reason)})
			continue
		}
		t.Rows = append(t.Rows, []any{l.Seq, l.At.Format("2006-01-02T15:04:05.000000Z"), l.Who, l.Command, l.Subject,
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
	text := []rune(table.Short(v, ""))
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
		if err := s.CheckHead(noted.head, lines); err != nil {
			return err
		}
	}
	last := state.AuditLine{}
	if len(lines) > 0 {
		last = lines[len(lines)-1]
	}
	lost := state.Losses(lines)
	if p.flags.json {
		return p.object(schemas.AuditVerify(), last.Seq, last.Hash, held.Agree, held.Lost, held.Without, held.Unread, lostLineObjects(schemas.AuditVerify(), lost))
	}
	p.tellLostLines(lost)
	if err := p.tell("%d lines, all as written; the last one is %s", len(lines), cmp.Or(last.Hash, "yet to come")); err != nil || snapshotsWords(held) == "" {
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
	if h.Lost > 0 {
		text += fmt.Sprintf("; ending with a line that is lost: %d", h.Lost)
	}
	if h.Without > 0 {
		text += fmt.Sprintf("; without a trail: %d", h.Without)
	}
	if h.Unread > 0 {
		text += fmt.Sprintf("; no longer readable: %d", h.Unread)
	}
	return text
}

func (p *program) auditHeadCommand(result *resultFlags) *cli.Command {
	return &cli.Command{
		Name: "head", Usage: "where the trail ends, as a line to keep elsewhere: count, hash, time, study",
		Description: "Give it to audit verify --head later: it shows whether anything before it was rewritten.",
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			if err := noArguments(c); err != nil {
				return err
			}
			p.flags.json = p.flags.json || result.json
			lines, err := s.Store.Trail(ctx)
			if err != nil {
				return err
			}
			h, err := s.TrailHead(lines)
			if err != nil {
				return err
			}
			if p.flags.json {
				return p.object(schemas.AuditHead(), h.Lines, h.Hash, strings.Fields(h.String())[2], h.Study, h.String())
			}
			_, err = fmt.Fprintln(p.stdout, h)
			return err
		}),
	}
}
