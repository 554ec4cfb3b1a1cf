package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/backup"
)

func (p *program) backupCommand() *cli.Command {
	var o backup.Order
	return &cli.Command{
		Name: "backup", Usage: "copy the study to another folder, while runs go on",
		ArgsUsage: "DIR",
		Description: "The copy has all that the study needs: configuration, state with tokens and keys, raw log, tables. " +
			"The next backup into the same DIR copies what is new, and takes out what is gone. docs/backup.md says how to keep it, and what a restore cannot bring back.",
		Flags: []cli.Flag{
			&durationFlag{Name: "lock-wait", Usage: "how long to wait for another process that loads", Value: 10 * time.Minute, Destination: &o.LockWait},
			&cli.BoolFlag{Name: "compare", Usage: "read what DIR has already, too, and copy anew what is not as in the study: where `verify` has found damage in the backup", Destination: &o.Compare},
		},
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) (err error) {
			if o.To, err = one(c, "folder"); err != nil {
				return err
			}
			end := p.spin("backing up")
			done, err := backup.Make(ctx, s, o)
			end()
			if err != nil {
				return err
			}
			return cmp.Or(p.printBackup(done), damagedCopy(done))
		}),
	}
}

func (p *program) printBackup(r backup.Report) error {
	err := p.report(schemas.Backup(), []any{r.Dir, r.Snapshot, r.Begun, r.Files, r.Bytes, r.Kept, r.Left, r.Lacks},
		"backup: %s (%s) copied to %s, %s there already; of %s", countOf(r.Files, "file"), megabytes(r.Bytes), r.Dir, thousands(int64(r.Kept)), r.AsOf().Format(time.RFC3339))
	if err != nil || p.flags.json {
		return err
	}
	for _, path := range r.Left {
		p.say("not in it: %s", path)
	}
	if n := len(r.Lacks); n > 0 {
		p.say("not in it: %s of older snapshots, which a repair has marked as lost; keep an older backup that has what this one lacks", countOf(n, "data file"))
	}
	p.say("it has tokens and keys, and must be kept as safe as the study itself")
	return nil
}

// damagedCopy is the error of a first backup that was made of a damaged study; nil if that
// is whole.
func damagedCopy(r backup.Report) error {
	if len(r.Damages) == 0 {
		return nil
	}
	return advised(exitDamage, "mend the study, and back up again: into this folder as soon as nothing is damaged",
		"all is copied as it is, but the study is damaged: %s", study.ShortList(mapped(r.Damages, func(d backup.Damage) string { return d.Path })))
}

// verifyBackup is verify in the folder of a backup, which stays as it is.
func (p *program) verifyBackup(ctx context.Context, dir string, o study.Verify) error {
	end := p.spin("verifying")
	m, found, err := backup.Check(ctx, dir, p.worker(), o)
	end()
	if errors.Is(err, context.Canceled) {
		return failure(exitInterrupted, again(), "interrupted; nothing was changed")
	}
	if err != nil {
		return err
	}
	if err := p.printVerified(found, o.Deep); err != nil {
		return err
	}
	if harm, ok := errors.AsType[*exitError](p.damageOf(found)); ok {
		harm.advice, harm.next = fmt.Sprintf("where the study is whole, mend the backup from there: %s; else take an older backup, or restore this one: there repair brings back what the raw log has",
			p.bare("backup", dir, "--compare")), nil
		return harm
	}
	if !p.flags.json {
		p.say("this is a backup, as of %s; %s makes a study of it", m.AsOf().Format(time.RFC3339), p.bare("restore", dir, "DIR"))
	}
	return nil
}

func (p *program) restoreCommand() *cli.Command {
	var o backup.Restore
	return &cli.Command{
		Name: "restore", Usage: "make a study of a backup, in a new folder",
		ArgsUsage: "BACKUP DIR",
		Description: "Then the study is checked as by `dexetl verify`. What came after the backup is fetched again by the next sync, but tokens that were spent since are lost, " +
			"and nobody knows who has withdrawn since, unless --trail says it.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "trail", Usage: "go on with the audit trail of the study that was lost, the `FILE` state/audit.jsonl, or the folder of its lake, which has it up to the newest snapshot: " +
				"nothing is asked of Dexcom until what it says of withdrawals and erasures is made again", Destination: &o.Trail},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Len() != 2 || p.flags.study != "" {
				return usage("restore takes a backup and a new folder: restore BACKUP DIR")
			}
			author, err := p.author()
			if err != nil {
				return err
			}
			o.From, o.To = c.Args().First(), c.Args().Get(1)
			p.flags.study = o.To
			done, s, err := o.Make(ctx, p.worker(), author)
			if s == nil {
				return err
			}
			made := restored{Report: done, trailed: o.Trail != "", unshown: err}
			if s.Store != nil {
				made.unknown = s.Remembers(ctx)
			}
			if s.Store != nil && made.trailed {
				made.dropped, err = s.DroppedTags(ctx)
			}
			if err := cmp.Or(s.Close(), err); err != nil && made.unshown == nil {
				return err
			}
			return p.checkRestored(ctx, made)
		},
	}
}

// restored is a study that was made of a backup.
type restored struct {
	backup.Report
	trailed bool  // it goes on with a newer audit trail
	unknown error // what that says and the state does not know
	unshown error // why its newest snapshot could not be shown
	dropped []study.DroppedTag
}

// stateless reports whether the backup had no state that is whole: nothing was shown then.
func (r restored) stateless() bool {
	return as[*study.LostStateError](r.unshown) || as[*state.DamageError](r.unshown)
}

// checkRestored tells what was restored, and whether it is whole. Where its newest snapshot
// could not be shown, damage is mostly why, and says more.
func (p *program) checkRestored(ctx context.Context, r restored) error {
	var found study.Verified
	if r.Snapshot > 0 {
		s, err := p.openAt(r.Dir)
		if err != nil {
			return err
		}
		end := p.spin("verifying")
		found, err = s.Verify(ctx, study.Verify{})
		end()
		if err != nil {
			return errors.Join(r.unshown, err)
		}
	}
	if r.stateless() { // what follows from the rest is made once that is mended
		found.Damages = slices.DeleteFunc(found.Damages, func(d study.Damage) bool { return d.Kind == study.FolderDamage })
		if !found.Has(study.StateDamage) { // nothing was loaded
			found.Damages = append(found.Damages, study.Damage{Kind: study.StateDamage, Path: "state.db", Err: r.unshown})
		}
	}
	found.Damages = append(found.Damages, r.Harmed...)
	if r.trailed { // what the trail alone knows is no damage: it is told below
		found.Damages = slices.DeleteFunc(found.Damages, func(d study.Damage) bool { return as[*study.ForgottenError](d.Err) })
	}
	if err := p.printRestored(r, found); err != nil {
		return err
	}
	if as[*study.ForgottenError](r.unknown) { // that is told, and what to do
		r.unknown = nil
	}
	return cmp.Or(p.damageOfBackup(found), r.unshown, r.unknown)
}

// damageOfBackup is damageOf of what was restored: where no command mends it, the backup has it
// like that, too.
func (p *program) damageOfBackup(v study.Verified) error {
	err := p.damageOf(v)
	if harm, ok := errors.AsType[*exitError](err); ok && len(harm.next) == 0 && !as[*study.LostExportKeyError](v.Fresh()[0].Err) {
		harm.advice = "the backup has it like that: restore an older one, or put the file of the study that was lost into its place; its audit trail, restore takes (--trail)"
	}
	return err
}

func (p *program) printRestored(r restored, found study.Verified) error {
	damaged := []string{}
	for _, d := range found.Fresh() {
		damaged = append(damaged, d.Path)
	}
	words, next := p.restoredWords(r, found)
	if len(damaged) > 0 {
		next = nil // the error behind this has it
	}
	at := r.AsOf()
	err := p.report(schemas.Restored(), []any{r.Dir, r.Snapshot, r.Begun, r.Files, r.Bytes, damaged, at, r.trailed, words, orNull(p.spell(next))},
		"restored: %s (%s) to %s, as it was at %s", countOf(r.Files, "file"), megabytes(r.Bytes), r.Dir, at.Format(time.RFC3339))
	if err != nil || p.flags.json {
		return err
	}
	if r.Snapshot > 0 {
		if err := p.printVerified(found, false); err != nil {
			return err
		}
	}
	for _, text := range words {
		p.say("%s", text)
	}
	if len(next) > 0 {
		p.say("next: %s", p.spell(next))
	}
	return nil
}

// restoredWords are what whoever goes on with a study from a backup has to know, and the next
// command. What came after the backup the audit trail alone can tell. Without it no command
// can find it out, so the next one is none that asks Dexcom.
func (p *program) restoredWords(r restored, found study.Verified) (words []string, next step) {
	words = []string{"tokens that were spent since are lost: a sync says whose, and those people sign in again"}
	if !r.trailed {
		words = append(words,
			fmt.Sprintf("whoever withdrew or was erased after %s has not, in this study: withdraw them again before a sync, or it fetches their data", r.AsOf().Format(time.RFC3339)),
			fmt.Sprintf("where state/%s of the lost study or its lake can still be read, restore with it instead: %s", state.AuditFile, p.bare("restore", "--trail", "FILE", "BACKUP", "DIR")))
	}
	for _, t := range r.dropped {
		words = append(words, fmt.Sprintf("the tag %s is there again: the audit trail says that it was dropped at %s; %s drops it again", t.Name, t.At.Format(time.RFC3339),
			p.commandLine("snapshots", "drop", t.Name)))
	}
	lostTag := slices.ContainsFunc(found.Damages, func(d study.Damage) bool { return as[*study.LostTagError](d.Err) })
	switch {
	case as[*study.ForgottenError](r.unknown):
		known := classifyByType(r.unknown)
		words, next = append(words, r.unknown.Error()), known.next
		if len(next) == 0 {
			words = append(words, known.advice)
		}
	case r.unknown != nil: // the error behind this
	case r.trailed && (lostTag || len(r.dropped) > 0):
		next = dexetl("sync")
	case r.trailed:
		words, next = append(words, "the audit trail has no withdrawal and no change that the backup has not"), dexetl("sync")
	default:
		next = dexetl("participants", "list")
	}
	return words, next
}
