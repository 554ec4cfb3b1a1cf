package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/backup"
	"github.com/dexetl/dexetl/table"
)

func (p *program) verifyCommand() *cli.Command {
	var o study.Verify
	var absent string
	return &cli.Command{
		Name: "verify", Usage: "is all as it was written: manifests, data files, rows, views, raw log, state",
		Description: "Reads everything once and changes nothing; others may go on meanwhile. " +
			"It names every damaged file, and ends with exit code 7 if there is one.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "deep", Usage: "fold the raw log anew, too, and compare: it takes as long as a replay", Destination: &o.Deep},
			&cli.StringFlag{Name: "absent", Usage: "in place of all that, look everywhere for participant `P001`, of whom nothing but the name should be there", Destination: &absent},
			&durationFlag{Name: "lock-wait", Usage: "how long --deep waits for another process that loads", Value: defaultLockWait, Destination: &o.LockWait},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if absent != "" {
				return p.verifyAbsent(ctx, c, absent)
			}
			dir, err := p.findStudy()
			if err != nil {
				return err
			}
			if backup.Is(dir) {
				return p.verifyBackup(ctx, dir, o)
			}
			s, err := p.openAt(dir)
			if err != nil {
				return err
			}
			end := p.spin("verifying")
			done, err := s.Verify(ctx, o)
			end()
			if errors.Is(err, context.Canceled) {
				return failure(exitInterrupted, again(), "interrupted; nothing was changed")
			}
			if err != nil {
				return err
			}
			return errors.Join(p.printVerified(done, o.Deep), p.damageOf(done))
		},
	}
}

func (p *program) printVerified(v study.Verified, deep bool) error {
	f := schemas.Verify()
	if len(v.Erasing) > 0 {
		p.tellFact(study.Fact{Kind: study.ErasureBegun, Participants: v.Erasing})
	}
	if p.flags.json {
		damages := table.Table{Columns: f.Columns("damaged"), Rows: damageRows(v)}
		return p.object(f, len(v.Fresh()) == 0, deep, v.Newest.Snapshot, v.Manifests, v.Files, v.Bytes, v.Rows, v.Views,
			v.Log.Segments, v.Log.Answers, v.Took.Seconds(), damages.Objects(), differenceOf(v), append([]string{}, v.Erasing...), orNull(v.Elsewhere), lostLineObjects(f, v.Lost))
	}
	if len(v.Damages) > 0 {
		t := table.Table{Columns: []string{"kind", "file", "rows", "reason"}, First: []string{"file", "reason"}, Stories: true}
		for _, d := range v.Damages {
			reason := d.Words()
			if d.Known {
				reason = "marked before: " + reason
			}
			t.Rows = append(t.Rows, []any{string(d.Kind), d.Path, rowsOf(d), table.Prose(reason)})
		}
		if err := p.show(p.stdout, t); err != nil {
			return err
		}
	}
	return p.tellVerified(v, deep)
}

// differenceOf is the member difference; nil where nothing was folded.
func differenceOf(v study.Verified) any {
	if v.Deep == nil {
		return nil
	}
	return schemas.Difference(differenceValues(v.Deep.Difference)...)
}

// unlooked says what could not be looked at, because of damage.
func unlooked(v study.Verified, deep bool) (parts []string) {
	if n := v.Log.Unread; n > 0 {
		parts = append(parts, fmt.Sprintf("not the rest of %s behind the damage", countOf(n, "segment")))
	}
	if v.Views == 0 && v.HasFresh(study.ManifestDamage, study.DataDamage) {
		parts = append(parts, "not tables and views, until the files are mended")
	}
	if deep && v.Deep == nil && len(v.Fresh()) > 0 {
		parts = append(parts, "not the log folded anew, until all is mended")
	}
	return parts
}

// tellVerified says what was looked at.
func (p *program) tellVerified(v study.Verified, deep bool) error {
	var parts []string
	if v.Newest.Snapshot > 0 {
		parts = append(parts, fmt.Sprintf("snapshot %d, with %s rows", v.Newest.Snapshot, thousands(v.Rows)))
	}
	parts = append(parts, fmt.Sprintf("%s with %s (%s)", countOf(v.Manifests, "manifest"), countOf(v.Files, "data file"), megabytes(v.Bytes)))
	if v.Views > 0 {
		parts = append(parts, fmt.Sprintf("%d tables and views", v.Views))
	}
	parts = append(parts, fmt.Sprintf("raw log of %s (%s)", countOf(v.Log.Answers, "answer"), megabytes(v.Log.Bytes)), "state")
	parts = append(parts, unlooked(v, deep)...)
	switch {
	case v.Has(study.FoldDamage):
		parts = append(parts, fmt.Sprintf("the log folded anew is %s", verdictOf(v.Deep.Difference)))
	case v.Deep != nil: // the state may have gone on since
		parts = append(parts, "the log folded anew gives the same rows")
	}
	if len(v.TooLarge) > 0 {
		p.say("views that need more than 2 GB, and were not asked for rows: %s", strings.Join(v.TooLarge, ", "))
	}
	if v.Deep != nil {
		p.tellOutdated(v.Newest.Outdated())
	}
	p.tellLostLines(v.Lost)
	if v.Elsewhere != "" {
		p.say("lake/latest/dexetl.duckdb reads %s, because the study was moved or copied; a repair makes it anew", v.Elsewhere)
		p.sayNext("repair")
	}
	verdict := "all as it was written"
	if len(v.Damages) > 0 && len(v.Fresh()) == 0 {
		verdict = "nothing is damaged that was not marked before"
	} else if len(v.Damages) > 0 {
		verdict = "what else was looked at is as it was written"
	}
	return p.tell("verified in %.1f s: %s; %s", v.Took.Seconds(), strings.Join(parts, "; "), verdict)
}

func rowsOf(d study.Damage) any {
	if d.Table == "" {
		return nil
	}
	return d.Rows
}

func damageRows(v study.Verified) (rows [][]any) {
	for _, d := range v.Damages {
		row := []any{string(d.Kind), d.Path, d.Words(), orNull(d.Table), orNull(d.Partition), rowsOf(d), nil, nil, d.Known}
		if d.Table != "" {
			row[6], row[7] = d.First, d.Last
		}
		rows = append(rows, row)
	}
	return rows
}

// damageOf is the error of what is damaged; nil if nothing is, or nothing that a repair
// has not marked.
func (p *program) damageOf(v study.Verified) error {
	fresh := v.Fresh()
	if len(fresh) == 0 {
		return nil
	}
	more := ""
	if n := len(fresh) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more", n)
	}
	first := fresh[0]
	e := &exitError{code: exitDamage, err: fmt.Errorf("damaged: %s: %s%s", first.Path, first.Words(), more)}
	lostTag, _ := errors.AsType[*study.LostTagError](first.Err)
	back := func(d study.Damage) bool {
		if isLostToTag(d.Err) {
			return false
		}
		return !as[*lake.TaggedLossError](d.Err) || !errors.Is(d.Err, fs.ErrNotExist)
	}
	switch {
	case v.Newest.Snapshot > 0 && !slices.ContainsFunc(fresh, back): // a repair has nothing to do
		e.advice = adviceOf(first.Err)
	case lostTag != nil:
		e.advice, e.next = lostTagNext(lostTag)
	case v.Has(study.ManifestDamage, study.DataDamage, study.RowsDamage, study.FolderDamage, study.ViewsDamage):
		e.next = dexetl("repair")
	case first.IsQuarantine():
		e.advice, e.next = backupAdvice(first), dexetl("replay")
	case first.Kind == study.FoldDamage:
		e.next = dexetl("replay")
	default:
		e.advice, e.next = backupAdvice(first), nextOf(first.Err)
	}
	return e
}

// lostTagNext is about a tag that is gone with its snapshot. Where an erasure that is due
// issues it again, the citation is not given up.
func lostTagNext(e *study.LostTagError) (advice string, next step) {
	if e.Erase != "" {
		return fmt.Sprintf("%s was erased before the tag was made; erased again, the snapshot is issued again, and a repair makes the tag anew", e.Erase),
			dexetl("withdraw", e.Erase, "--erase", "--reason", statedAgain)
	}
	return "restore a backup of the study that has the tag; if there is none, the tag can be dropped", dropTag(e.Tag)
}

func dropTag(name string) step {
	return dexetl("snapshots", "drop", name, "--reason", "its snapshot is lost")
}

// backupAdvice says what brings back what no command does. Where a file alone is damaged it
// names no more than that: an older state.db has tokens that are spent.
func backupAdvice(d study.Damage) string {
	if isMisplaced(d.Err) {
		return moveAway(d.Path)
	}
	byKind := "restore the state folder from a backup"
	switch {
	case d.Kind == study.LogDamage:
		byKind = "restore lake/raw from a backup"
	case d.Kind != study.StateDamage:
		byKind = "restore lake/" + d.Path + " from a backup"
	case d.IsQuarantine():
		byKind = "restore state/" + d.Path + " from a backup, or let a replay seal it anew from the raw log"
	case d.Path != "state.db":
		byKind = "restore state/" + d.Path + " from a backup, and no other file"
	}
	return cmp.Or(classifyByType(d.Err).advice, byKind)
}
