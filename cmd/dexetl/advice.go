package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/dexetl/dexetl/export"
	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/backup"
	"github.com/dexetl/dexetl/study/config"
)

// on answers for errors of type T in what err is made of.
func on[T error, A any](err error, answer func(T) A) (none A) {
	if e, ok := errors.AsType[T](err); ok {
		return answer(e)
	}
	return none
}

// adviceOf is the advice of an error that knows what it is about, "" for others.
func adviceOf(err error) string {
	return cmp.Or(
		on(err, func(e *config.TrustError) string {
			return "look into " + config.File + "; if you trust whoever wrote it, set " + plain.ShellLine([]string{config.TrustVariable + "=" + e.Dir})
		}),
		on(err, trailAdvice),
		on(err, func(e *study.TrailError) string {
			return "compare with a backup of state/audit.jsonl: the trail was rewritten, or the state folder is older than the lake; if lines of snapshots are lost to the trail for good, accept it: " + acceptLoss()
		}),
		on(err, func(e *state.DamageError) string {
			if isMisplaced(e) {
				return moveAway(e.Path)
			}
			return ""
		}),
		on(err, func(e *raw.DamageError) string {
			if isMisplaced(e) {
				return moveAway(e.File)
			}
			return ""
		}),
		on(err, lostStateAdvice),
		on(err, secretAdvice),
		on(err, func(e *study.RedirectsElsewhereError) string {
			public, _ := url.Parse(e.PublicURL) // checked with the configuration
			return fmt.Sprintf("register %s://%s/callback with the app at Dexcom and set it as redirect_uri", public.Scheme, public.Host)
		}),
		on(err, func(e *study.LeftOutError) string {
			if e.Kind == study.LeftOutWithdrawn {
				return "leave the participant out"
			}
			return ""
		}),
		on(err, func(e *study.NobodyError) string {
			if e.EmptyRoster {
				return fillRoster
			}
			return ""
		}),
		on(err, func(e *study.ForeignLakeError) string {
			if e.KeyUnset {
				return "if it is this study's, put its sealing key in place first"
			}
			return ""
		}),
		on(err, func(e *study.TextsError) string {
			if e.Read {
				return "compare with the texts that come with the program"
			}
			return "write the texts that come with the program into " + e.Path + ", and put them into your words"
		}),
		on(err, func(e *study.PresentError) string {
			if !e.Erased {
				return ""
			}
			return "an erasure takes them out; run again, it goes on where it was"
		}),
		on(err, func(e *study.TaggedHarmError) string {
			return "restore the file from a backup, and run it again; " + orDrop(e.Tag)
		}),
		on(err, func(e *lake.TaggedLossError) string {
			return "restore the file with this SHA-256 from a backup; " + orDrop(mapped(e.Tags, func(t lake.Tag) string { return t.Name })...)
		}),
		on(err, func(e *study.StrayQuarantineError) string {
			if e.Holder != "" {
				return "give it its name again, in the folder of the state: " + plain.ShellLine([]string{"mv", e.Folder, path.Join("quarantine", e.Holder)})
			}
			return "move state/" + e.Folder + " away"
		}),
		on(err, func(e *lake.OlderTagError) string {
			if e.Known() {
				return "" // a repair puts it there
			}
			return "restore what is missing from a backup of after the erasure; " + orDrop(e.Tag.Name)
		}),
		on(err, exportKeyAdvice), on(err, func(e *study.LostExportKeyError) string {
			if !e.Foreign {
				return ""
			}
			return "restore this study's own file from a backup of the state folder; if there is none, move that one away, and export with --new-names makes another key: " + whoIsLost
		}),
		on(err, unmarkedAdvice), on(err, lostMemoryAdvice), on(err, forgottenAdvice))
}

// orDrop is the last resort where no backup has what a tag names: it gives the tagged
// snapshot up, so it is never the next command.
func orDrop(tags ...string) string {
	what := "the tag"
	if len(tags) > 1 {
		what = "its tags"
	}
	commands := mapped(tags, func(tag string) string { return plain.ShellLine(dropTag(tag)) })
	return "if there is none, drop " + what + " (" + strings.Join(commands, "; ") + "), and the snapshot with it"
}

// lostStateAdvice says how a state comes back, and what an operator has to do who has no
// backup: a new one is made on purpose only.
func lostStateAdvice(e *study.LostStateError) string {
	advice := "restore the state folder from the newest backup, together with its audit trail; if there is none, "
	if e.Trail {
		advice += "move " + state.AuditFile + " away, "
	}
	return advice + "put an empty " + filepath.Base(e.Path) + " in its place (" + plain.ShellLine([]string{"touch", e.Path}) + "), begin a new state with the sealing key that is there (connect --public-key), import the roster (exit code 7 as long as the lake knows of withdrawals or erasures that are not stated again: each command names the next one), " +
		erasedAgain(e.Erased) + "accept that the older audit trail is lost (" + acceptLoss() + "), and let everybody sign in again"
}

// whoIsLost is what the loss of a key of exports costs.
const whoIsLost = "who is who in exports by the lost one is known to nobody any more"

// exportKeyAdvice says what to do about a file of keys of exports.
func exportKeyAdvice(e *export.KeyError) string {
	if !e.Damaged {
		return ""
	}
	return "restore the file from a backup of the state folder; if there is none, move it away, and export with --new-names makes another key: " + whoIsLost
}

// unmarkedAdvice says what a backup is good for whose backup.json is damaged or gone.
func unmarkedAdvice(e *backup.NotABackupError) string {
	if !backup.Unmarked(e) {
		return ""
	}
	return "where the study is whole, back it up into a new folder; where it is lost, make a study of a copy, as docs/backup.md says: " +
		plain.ShellLine([]string{"cp", "-a", e.Dir, "DIR"}) + " && rm -rf DIR/backup.json DIR/.next, and a repair there"
}

// erasedAgain is the part of an advice about those whom a new state has to forget again.
func erasedAgain(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return "erase again who was erased, by the receipts (withdraw ID --erase): " + strings.Join(ids, ", ") + "; "
}

// secretAdvice says what gives a secret.
func secretAdvice(e *study.SecretError) string {
	switch e.Fault {
	case study.SecretUnset:
		return "set " + e.From + " in " + config.File
	case study.CredentialUnread:
		return "correct the unit's LoadCredential"
	case study.SecretCommandFailed:
		return "run " + e.From + " by hand"
	case study.SecretEmpty:
		return "make it give the app's secret"
	case study.NoSecretFile:
		return "write the app's secret into " + e.From + " (mode 0600)"
	}
	return ""
}

// forgottenAdvice says what to do where no command does it: what came from a file.
func forgottenAdvice(e *study.ForgottenError) string {
	if f := e.List[0]; f.Subject == "withdrawal" && !f.Known.IsZero() && f.Known.Before(f.EffectiveAt) {
		return fmt.Sprintf("state.db has it from %s, and the earlier instant holds until somebody says otherwise; if the later one is meant, which brings data back: %s", f.Known.Format(time.RFC3339),
			plain.ShellLine(dexetl("withdraw", f.ParticipantID, "--effective", f.EffectiveAt.Format(time.RFC3339Nano), "--bring-back")))
	}
	if len(forgottenNext(e)) > 0 {
		return ""
	}
	command := "participants"
	switch e.List[0].Subject {
	case "window":
		command = "windows"
	case "exclusion":
		command = "exclusions"
	}
	return "restore the newest backup of the state folder; if there is none, import the file again: " + command + " import FILE"
}

// lostMemoryAdvice says what to do where there is no backup.
func lostMemoryAdvice(e *study.LostMemoryError) string {
	const backup = "restore this file, or the newest backup of the state folder; if there is neither, "
	if len(e.Withdrawn) > 0 {
		return backup + "record again who has withdrawn, and since when (withdraw --effective): " + study.ShortList(e.Withdrawn)
	}
	return backup + "go on with state.db as it is: replay"
}
