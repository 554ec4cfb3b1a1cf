package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

func (p *program) repairCommand() *cli.Command {
	var o study.Repair
	return &cli.Command{
		Name: "repair", Usage: "mend what verify finds in the lake: rows from the raw log, a manifest, a snapshot's folder",
		Description: "It looks at everything, as verify does, and commits one snapshot in which nothing is lost, if the raw log " +
			"has all of it. Older snapshots of which it cannot bring back a file are marked. What is gone for good it names. " +
			"Of lines of the audit trail that no backup has, --accept-loss says so in the trail, with who accepts it, when and why: from then on they are no damage, and verify goes on to tell of them.",
		Flags: []cli.Flag{
			&durationFlag{Name: "lock-wait", Usage: "how long to wait for another process that loads", Value: defaultLockWait, Destination: &o.LockWait},
			&cli.BoolFlag{Name: "accept-loss", Usage: "accept that lines of the audit trail are lost for good; needs --reason", Destination: &o.AcceptLoss},
			p.reasonFlag(),
		},
		Action: p.withStudy(func(ctx context.Context, _ *cli.Command, s *study.Study) error {
			o.ExitCode = codeOf
			if o.AcceptLoss && p.flags.reason == "" {
				return advised(exitUsage, "say why with --reason", "repair --accept-loss needs a reason, which goes on record; nothing was done")
			}
			done, err := s.Repair(ctx, o)
			if errors.Is(err, context.Canceled) {
				return failure(exitInterrupted, again(), "interrupted; what is mended stays so, and the same command goes on")
			}
			if err != nil {
				return err
			}
			return errors.Join(p.printRepaired(done), p.lost(done))
		}),
	}
}

func (p *program) printRepaired(r study.Repaired) error {
	if r.Unknown > 0 {
		p.say("state.db did not know the last %s of the audit trail, and goes on behind them; status says what of it the study has to be told again", countOf(int(r.Unknown), "line"))
	}
	if p.flags.json {
		return p.object(schemas.Repair(), r.Snapshot, r.Before, r.Took.Seconds(), mendedObjects(r), leftObjects(r), lostLineObjects(schemas.Repair(), r.Lost))
	}
	p.tellLostLines(r.Lost)
	if len(r.Mended)+len(r.Left) > 0 {
		t := table.Table{Columns: []string{"file", "rows", "was", "now"}, First: []string{"file", "now"}, Stories: true}
		for _, m := range r.Mended {
			t.Rows = append(t.Rows, []any{m.Path, rowsOf(m.Damage), table.Prose(m.Words()), table.Prose(mendedWords(m, r))})
		}
		for _, d := range r.Left {
			t.Rows = append(t.Rows, []any{d.Path, rowsOf(d), table.Prose(d.Words()), table.Prose("not mended")})
		}
		if err := p.show(p.stdout, t); err != nil {
			return err
		}
	}
	switch {
	case len(r.Mended)+len(r.Left) == 0 && len(r.Found) > 0:
		return p.tell("looked at lake, raw log and state for %.1f s: %s of older snapshots stays lost, as marked before; only a backup has it", r.Took.Seconds(), countOf(len(r.Found), "file"))
	case len(r.Mended)+len(r.Left) == 0:
		return p.tell("looked at lake, raw log and state for %.1f s: there is nothing to repair", r.Took.Seconds())
	case len(r.Mended) == 0:
		return p.tell("looked for %.1f s: nothing of this could be mended", r.Took.Seconds())
	case r.Snapshot != r.Before:
		return p.tell("repaired in %.1f s: the newest snapshot is %d now", r.Took.Seconds(), r.Snapshot)
	}
	return p.tell("repaired in %.1f s: snapshot %d stays the newest one", r.Took.Seconds(), r.Snapshot)
}

// mendedWords say what became of a damage.
func mendedWords(m study.Mended, r study.Repaired) string {
	switch m.By {
	case study.SetAside:
		if m.Path == lake.GoneFile {
			return "written anew: which snapshots are gone follows from the manifests; why is not known any more"
		}
		if r.NoReplay != nil || m.Kind == study.FolderDamage {
			return "set aside in lake/damaged"
		}
		if errors.Is(m.Err, fs.ErrNotExist) {
			return fmt.Sprintf("marked as lost in lake/damaged, nobody knows why; snapshot %d has all that the raw log says", r.Snapshot)
		}
		return fmt.Sprintf("set aside in lake/damaged; snapshot %d has all that the raw log says", r.Snapshot)
	case study.Relinked:
		return "back from the folder of a snapshot, as it was"
	case study.FromState:
		if older, ok := errors.AsType[*lake.OlderTagError](m.Err); ok && older.Tag.ID().Number == older.Now.Number {
			return fmt.Sprintf("on snapshot %s, as the erasure put it", older.Now)
		}
		if m.Kind == study.ManifestDamage {
			return "written anew, as the audit trail has it"
		}
		return fmt.Sprintf("written anew from the state, in snapshot %d", r.Snapshot)
	case study.Replaced:
		if m.First == m.Last {
			return fmt.Sprintf("lost for snapshot %d, which is marked; the newest one does not need it", m.First)
		}
		return fmt.Sprintf("lost for snapshots %d to %d, which are marked; the newest one does not need it", m.First, m.Last)
	case study.Republished:
		if m.Equal {
			return "made anew"
		}
		if errors.Is(m.Err, study.ErrStray) {
			return "removed"
		}
		return "removed, with the folder of its older snapshot: queries read that without one"
	}
	if m.Equal {
		return fmt.Sprintf("back from the raw log in snapshot %d, with equal rows", r.Snapshot)
	}
	return fmt.Sprintf("back from the raw log in snapshot %d; the rows are not all as they were: older rules or a different roster made those", r.Snapshot)
}

func mendedObjects(r study.Repaired) []map[string]any {
	t := table.Table{Columns: schemas.Repair().Columns("mended")}
	for _, m := range r.Mended {
		t.Rows = append(t.Rows, append(aboutDamage(m.Damage), string(m.By), m.Equal))
	}
	return t.Objects()
}

func leftObjects(r study.Repaired) []map[string]any {
	t := table.Table{Columns: schemas.Repair().Columns("left")}
	for _, d := range r.Left {
		t.Rows = append(t.Rows, aboutDamage(d))
	}
	return t.Objects()
}

func aboutDamage(d study.Damage) []any {
	return []any{string(d.Kind), d.Path, d.Words(), orNull(d.Table), rowsOf(d)}
}

// lost is the error of what a repair could not mend; nil for nothing.
func (p *program) lost(r study.Repaired) error {
	if len(r.Left) == 0 {
		return nil
	}
	rows, files := int64(0), 0
	for _, d := range r.Left {
		if d.Rows > 0 {
			rows, files = rows+d.Rows, files+1
		}
	}
	first := r.Left[0]
	why := ""
	if r.NoReplay != nil {
		why = fmt.Sprintf("; the raw log cannot bring them back: %v", r.NoReplay)
	}
	const restore = "restore lake/raw, or these files, from a backup, then run the same command again; if there is none, give lake.path in dexetl.yaml a new folder, and a backfill fetches what Dexcom still has"
	if as[*lake.TaggedLossError](first.Err) || isLostToTag(first.Err) {
		return advised(exitDamage, adviceOf(first.Err), "damaged still: %s: %s", first.Path, first.Words())
	}
	if lost, ok := errors.AsType[*study.LostTagError](first.Err); ok {
		advice, next := lostTagNext(lost)
		return &exitError{code: exitDamage, advice: advice, next: next, err: fmt.Errorf("damaged still: %s: %s", first.Path, first.Words())}
	}
	switch {
	case rows == 0 && r.NoReplay != nil:
		return advised(exitDamage, restore, "damaged still: %s: %s%s", first.Path, first.Words(), why)
	case rows == 0 && first.IsQuarantine():
		return &exitError{code: exitDamage, advice: backupAdvice(first), next: dexetl("replay"), err: fmt.Errorf("damaged still: %s: %s", first.Path, first.Words())}
	case rows == 0:
		return advised(exitDamage, backupAdvice(first)+"; then run the same command again", "damaged still: %s: %s", first.Path, first.Words())
	}
	return advised(exitDamage, restore,
		"%s rows of %s are gone%s", thousands(rows), countOf(files, "file"), why)
}
