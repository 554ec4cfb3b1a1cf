package main

import (
	"cmp"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/dexetl/dexetl/answer"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/table"
)

// A ruling is the exit code and what to do for one type of error.
type ruling struct {
	is     func(error) bool
	code   int
	advice string // what no command does
	next   string // the next command
}

func as[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// isDenied reports whether err is about a file that this account may not use. A
// port or an address is not one.
func isDenied(err error) bool {
	path, isPath := errors.AsType[*fs.PathError](err)
	link, isLink := errors.AsType[*os.LinkError](err)
	return isPath && errors.Is(path, fs.ErrPermission) || isLink && errors.Is(link, fs.ErrPermission)
}

// isLockless reports whether err is about a file system on which files cannot be
// locked.
func isLockless(err error) bool {
	path, ok := errors.AsType[*fs.PathError](err)
	return ok && path.Op == "flock"
}

// isKeyError reports whether err says why the sealing key cannot be had.
func isKeyError(err error) bool {
	secret, ok := errors.AsType[*study.SecretError](err)
	return ok && secret.Key
}

// isUnusableHead reports whether err is about a head that says nothing of the trail.
func isUnusableHead(err error) bool {
	head, ok := errors.AsType[*study.HeadError](err)
	return ok && (head.Unreadable || head.Foreign)
}

// isKilled reports whether the machine ended a query's process.
func isKilled(err error) bool {
	died, ok := errors.AsType[*answer.DiedError](err)
	return ok && died.Killed
}

// isRefused reports whether err is about what the API refuses for good.
func isRefused(err error) bool {
	status, ok := errors.AsType[*dexcom.StatusError](err)
	return ok && status.Refused()
}

// checkNetwork is the advice where nothing answers.
const checkNetwork = "make sure of api.base_url and the network"

// rulings are looked through in order; the first that fits counts.
func rulings() []ruling {
	const (
		newer    = "use the newer program"
		backup   = "restore the file from a backup"
		makeRoom = "free disk space, then run the same command again: it resumes"
		// A new state knows nobody's tokens: there is nothing that could be exchanged.
		sealsBackup = "restore state.db and audit.jsonl from one backup, the newest; if there is none, move both away, and everybody signs in again: dexetl connect --public-key, the roster, dexetl connect"
		later       = "run the same command again later: it resumes"
	)
	return []ruling{
		// First those that know what a file is for, whatever is wrong with it.
		{isKeyError, exitKey, "", ""},
		{as[*study.SecretError], exitUsage, "", ""},
		{as[*study.TextsError], exitUsage, "", ""},
		{as[*answer.StatementError], exitUsage, "", `dexetl query "show tables"`},
		{isDenied, exitDisk, "run it as the account that owns the study, and give that account what another one made there (chown -R)", sameCommand},
		{isLockless, exitDisk, "keep state and lake on a local file system: this one cannot lock files, as network shares often cannot", "dexetl doctor"},
		{as[*config.TrustError], exitUsage, "", ""},
		{as[*study.PlainHTTPError], exitUsage, "set connect.public_url in " + config.File + " to the https address of the proxy in front, or serve at 127.0.0.1", ""},
		{as[*study.RedirectsElsewhereError], exitUsage, "", ""},
		{as[*study.NoClientError], exitUsage, "put the app's client id into " + config.File, ""},
		{as[*study.NobodyError], exitUsage, "", "dexetl participants list"},
		{as[*study.NoSuchError], exitUsage, "", "dexetl participants list"},
		{as[*study.NotAskedError], exitUsage, "", "dexetl participants import roster.csv  # if that is wrong"},
		{as[*study.NoWindowError], exitUsage, "", "dexetl windows import windows.csv"},
		{as[*study.NoSubjectError], exitUsage, "", "dexetl audit"},
		{as[*study.NoSnapshotError], exitUsage, "", "dexetl snapshots list"},
		{as[*study.LeftOutError], exitUsage, "", ""},
		{as[*study.ForeignLakeError], exitUsage, "give every study a lake of its own: lake.path in " + config.File, ""},
		{as[*study.EmptyLakeError], exitUsage, "", "dexetl backfill"},
		{as[*config.Error], exitUsage, "correct it and run the command again", ""},
		{as[*cohort.CSVError], exitUsage, "correct the file and import it again; nothing of it was taken", ""},
		{as[*cohort.LineError], exitUsage, "", "dexetl participants list"},
		{as[*cohort.UnknownParticipantError], exitUsage, "", "dexetl participants list"},
		{as[*cohort.WithdrawnError], exitUsage, "leave the participant out", ""},
		{is(consent.ErrTraces), exitLater, "run the same command again when they have ended", sameCommand},
		{as[*state.SchemaError], exitUsage, newer, ""},
		{as[*lake.VersionError], exitUsage, newer, ""},
		{as[*consent.RedirectError], exitUsage, "", ""},
		{as[*consent.NoAppError], exitUsage, "add the region under apps in " + config.File, ""},
		{as[*consent.WrongClientError], exitUsage, "correct client_id and client secret", "dexetl doctor"},
		{as[*table.SameNameError], exitUsage, "", ""},
		{as[*answer.TimeoutError], exitStopped, "give it more time (--timeout 10m; 0s: no limit), or ask for less: one participant, fewer columns, a limit", ""},
		{as[*answer.MemoryError], exitUnexpected, "give it more (--max-memory 8GB), or ask for less: one participant, fewer columns, a limit", ""},
		{isKilled, exitUnexpected, "give it less memory than the machine has free (--max-memory), or ask for less", ""},
		{as[*answer.DiedError], exitUnexpected, "write it more simply: fewer levels of nesting, fewer terms", ""},
		{as[*consent.SealError], exitDamage, "restore the state folder from a backup, or let the participant sign in again", ""},
		{as[*consent.OwnerError], exitDamage, "restore state.db whole, as it was last, from a backup; if there is none, let the participant sign in again", ""},
		{is(consent.ErrSealsLost), exitDamage, sealsBackup, ""},
		{is(consent.ErrSealsUnknown), exitDamage, sealsBackup, ""},
		{as[*study.LostLogError], exitDamage, "restore lake/raw from a backup; if there is none, leave this lake as it is, give lake.path in " + config.File +
			" a new folder, and dexetl backfill fetches anew what Dexcom still has", ""},
		{as[*study.UnknownWithdrawnError], exitDamage, "", "dexetl participants import roster.csv"},
		{as[*study.ExchangedError], exitDamage, sealsBackup, ""},
		{as[*study.LostMemoryError], exitDamage, "restore this file, or the newest backup of the state folder; if there is neither, record again who has withdrawn, then go on with state.db as it is: dexetl replay", ""},
		{is(consent.ErrWrongKey), exitKey, "restore the sealing key this study was made with (state.key_file)", ""},
		{as[*consent.KeyModeError], exitKey, "", ""},
		{as[*consent.KeyFormatError], exitKey, "give the key this study was made with", ""},
		{as[*consent.NotInRosterError], exitUsage, "import the roster, then the grants again", "dexetl participants import roster.csv"},
		{as[*consent.RecipientError], exitUsage, "dexetl connect --public-key, in the other study, prints it", ""},
		{as[*lake.LockedError], exitLocked, "wait for it, or give --lock-wait 10m", sameCommand},
		{as[*state.BusyError], exitLocked, "find who has the file open (such as with lsof), a backup or a database browser, and let it end", sameCommand},
		{as[*state.AuditError], exitDamage, "restore state/audit.jsonl from a backup; what a backup lacks stays visible as a gap", ""},
		{is(study.ErrNoTrail), exitUsage, "", "dexetl participants import roster.csv"},
		{isUnusableHead, exitUsage, "", ""},
		{as[*study.HeadError], exitDamage, "compare with a backup of state/audit.jsonl, or with table audit of an older snapshot", ""},
		{as[*study.TrailError], exitDamage, "compare with a backup of state/audit.jsonl: the trail was rewritten, or the state folder is older than the lake", ""},
		{as[*cohort.RowError], exitDamage, "restore the state folder from a backup", ""},
		{as[*state.DamageError], exitDamage, "restore the state folder from a backup", ""},
		{study.IsDataFile, exitDamage, "", replayNext},
		{as[*load.ForgottenWithdrawalError], exitDamage, "restore the newest backup of the state folder; if there is none, record the withdrawal again", ""},
		{as[*study.ForgottenError], exitDamage, "restore the newest backup of the state folder; if there is none, make the changes again", ""},
		{as[*load.LogError], exitDamage, "restore lake/raw from a backup; the lake is as it was", ""},
		{as[*lake.DamageError], exitDamage, backup, ""},
		{as[*raw.VersionError], exitUsage, newer, ""},
		{as[*raw.DamageError], exitDamage, backup, ""},
		{is(syscall.EADDRINUSE), exitUsage, "let the other connect end, or use --manual, or --listen ADDR behind a proxy", ""},
		{as[*net.AddrError], exitUsage, "give an address such as 127.0.0.1:8085", ""},
		{is(syscall.ENOSPC), exitDisk, makeRoom, sameCommand},
		{is(syscall.EDQUOT), exitDisk, makeRoom, sameCommand},
		{is(syscall.EROFS), exitDisk, "", ""},
		{is(syscall.EMFILE), exitDisk, "let it open more files (ulimit -n)", sameCommand},
		{is(syscall.ENFILE), exitDisk, "let other processes of this machine close files, or let the machine open more (fs.file-max)", sameCommand},
		{is(syscall.ELOOP), exitDisk, "a link stands where the study keeps a file of its own: put the file itself there, or take the link away", sameCommand},
		{is(syscall.EIO), exitDisk, "look at the machine's log: its disk, or the share, does not work", sameCommand},
		{as[*call.ClockError], exitCheck, "set this machine's clock", sameCommand},
		{as[*consent.DeniedError], exitConsent, "", ""},
		{as[*consent.StateError], exitConsent, "connect again: a link works once, for an hour", sameCommand},
		{as[*consent.CodeError], exitConsent, "", ""},
		{as[*consent.NotConfirmedError], exitConsent, "make sure that only the participant gets the address", ""},
		{as[*consent.NoCallError], exitLater, "run it again when the hour's calls are not used up (limits.calls_per_hour)", sameCommand},
		{as[*consent.NeedsReconsentError], exitConsent, "", ""},
		{as[*consent.ExportedError], exitConsent, "fetch on the other machine; to come back, dexetl connect --import FILE that it exported", ""},
		{as[*consent.AuthSuspectError], exitLater, "", "dexetl sync  # later"},
		{as[*consent.AccountInUseError], exitUsage, "make sure who signed in, then connect again, or connect --confirm --reason TEXT", ""},
		{as[*consent.OtherAccountError], exitUsage, "make sure who signed in, then connect again with the first account, or connect --confirm --reason TEXT", ""},
		{as[*consent.ChangeoverError], exitUsage, "connect --confirm --reason TEXT --since DATETIME", ""},
		{isRefused, exitLater, "asked again it is refused again: ask Dexcom whether the app may read this", ""},
		{as[*call.OutageError], exitLater, checkNetwork, sameCommand},
		{as[*consent.UncheckedError], exitLater, "the account is looked at again with the next backfill", "dexetl status"},
		{as[*consent.TemporaryError], exitLater, later, sameCommand},
		{as[*consent.RefreshStoppedError], exitLater, later, sameCommand},
		{as[*call.LimitError], exitLater, later, sameCommand},
		{as[*dexcom.StatusError], exitLater, later, sameCommand},
		{as[*dexcom.BodyError], exitLater, later, sameCommand},
	}
}

// classifyByType gives errors of the packages below their code and what to do.
func classifyByType(err error) *exitError {
	for _, v := range rulings() {
		if v.is(err) {
			return &exitError{v.code, cmp.Or(adviceOf(err), v.advice), cmp.Or(nextOf(err), v.next), err}
		}
	}
	return &exitError{exitUnexpected, "", "", err}
}

// codeOf is the exit code err will have; 0 for none.
func codeOf(err error) int {
	if err == nil {
		return exitDone
	}
	return classified(err).code
}
