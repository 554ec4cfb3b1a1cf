package main

import (
	"cmp"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/answer"
	"github.com/dexetl/dexetl/export"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/report"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/backup"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/table"
	"github.com/dexetl/dexetl/webhook"
)

// A ruling is the exit code and what to do for one type of error.
type ruling struct {
	is     func(error) bool
	code   int
	advice string // what no command does
	next   step
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

// isMisplaced reports whether err is about a file where a folder of the study belongs, or the
// reverse, which no repair sets aside.
func isMisplaced(err error) bool {
	harm, ofLake := errors.AsType[*lake.DamageError](err)
	return as[*durable.KindError](err) && (!ofLake || !harm.Movable())
}

// isUnmade reports whether err says that nothing can be made at a path: a file stands above it,
// or it is the system's own.
func isUnmade(err error) bool {
	path, ok := errors.AsType[*fs.PathError](err)
	return ok && (errors.Is(path, syscall.ENOTDIR) || path.Op == "mkdir" && errors.Is(path, fs.ErrNotExist))
}

// isLostKey reports whether err is about a key of exports that only the backup has, and can be
// had again.
func isLostKey(err error) bool {
	lost, ok := errors.AsType[*backup.LostKeyError](err)
	return ok && !lost.Other
}

// isRefused reports whether err is about what the API refuses for good.
func isRefused(err error) bool {
	status, ok := errors.AsType[*dexcom.StatusError](err)
	return ok && status.Refused()
}

// checkNetwork is the advice where nothing answers.
const checkNetwork = "make sure of api.base_url and the network"

// isOlderExport reports whether err says that an export stands in the way of another one.
func isOlderExport(err error) bool {
	exists, ok := errors.AsType[*durable.ExistsError](err)
	return ok && exists.Ours
}

// rulings are looked through in order; the first that fits counts.
func rulings() []ruling {
	const (
		newer    = "use the newer program"
		aBackup  = "restore the file from a backup"
		makeRoom = "free disk space, then run the same command again: it resumes"
		// A new state knows nobody's tokens: there is nothing that could be exchanged.
		sealsBackup = "restore state.db and audit.jsonl from one backup, the newest; if there is none, move both away, put an empty state.db in their place (touch), make a new key (connect --public-key), import the roster, accept that the older audit trail is lost (repair --accept-loss --reason TEXT), and let everybody sign in again"
		later       = "run the same command again later: it resumes"
		// The first command in a study, too.
		importRoster = "import the roster: participants import FILE"
	)
	return []ruling{
		// First those that know what a file is for, whatever is wrong with it.
		{isKeyError, exitKey, "", nil},
		{as[*study.SecretError], exitUsage, "", nil},
		{as[*study.TextsError], exitUsage, "", nil},
		{as[*answer.StatementError], exitUsage, "", dexetl("query", "show tables")},
		{isDenied, exitDisk, "run it as the account that owns the study, and give that account what another one made there (chown -R)", again()},
		{isLockless, exitDisk, "keep state and lake on a local file system: this one cannot lock files, as network shares often cannot", dexetl("doctor")},
		{as[*config.TrustError], exitUsage, "", nil},
		{as[*study.PlainHTTPError], exitUsage, "set connect.public_url in " + config.File + " to the https address of the proxy in front, or serve at 127.0.0.1", nil},
		{as[*study.BareHTTPError], exitUsage, "set serve.tls_cert and serve.tls_key in " + config.File + ", or serve.behind_proxy: true where TLS ends at a proxy in front, or serve at 127.0.0.1", nil},
		{as[*study.RedirectsElsewhereError], exitUsage, "", nil},
		{as[*study.NoClientError], exitUsage, "put the app's client id into " + config.File, nil},
		{as[*study.NobodyError], exitUsage, "", nil},
		{as[*study.NoSuchError], exitUsage, "", dexetl("participants", "list")},
		{as[*study.NotAskedError], exitUsage, "if that is wrong, correct the roster and import it again", nil},
		{as[*study.NoWindowError], exitUsage, "", dexetl("windows", "list")},
		{as[*study.NoSubjectError], exitUsage, "", dexetl("audit")},
		{as[*study.NoSnapshotError], exitUsage, "", dexetl("snapshots", "list")},
		{as[*lake.TagNameError], exitUsage, "", nil},
		{as[*lake.TagTakenError], exitUsage, "give another name, or drop this one first", dexetl("snapshots", "tag")},
		{as[*lake.NoTagError], exitUsage, "", dexetl("snapshots", "tag")},
		{as[*study.LeftOutError], exitUsage, "", nil},
		{backup.Unmarked, exitDamage, "", nil},
		{as[*backup.NotABackupError], exitUsage, "", nil},
		{as[*backup.OtherStudyError], exitUsage, "give every study a folder of its own for its backups", nil},
		{as[*backup.PlaceError], exitUsage, "give another folder", nil},
		{as[*backup.NewerError], exitUsage, newer, nil},
		{as[*backup.HarmedError], exitDamage, "take an older backup, or back up into a new folder where the study is whole; the right " + config.File + ", put into this one, mends it", nil},
		{as[*backup.UnfinishedError], exitDamage, "take an older backup, or make it anew where the study still is", nil},
		{isLostKey, exitDamage, "the file of the backup, put beside the study's, brings that key back; the study goes on with its own", nil},
		{as[*backup.DamagedError], exitDamage, "mend the study first, from this backup where no repair can; to keep what is left meanwhile, back up into another folder", dexetl("verify")},
		{as[*backup.TurningError], exitDamage, "the next backup into it, or a restore, ends it", nil},
		{as[*backup.InPlaceError], exitUsage, "restore it into a new folder, and work there", nil},
		{as[*backup.NoTrailError], exitUsage, "give state/audit.jsonl of the study that was lost, or the folder of its lake, or restore without --trail", nil},
		{as[*backup.TrailError], exitDamage, "give the newest audit.jsonl of this study that is whole, or the folder of its lake; where neither is there, restore without --trail", nil},
		{as[*study.LostStateError], exitDamage, "", nil},
		{isOlderExport, exitUsage, "", again("--overwrite")},
		{as[*durable.ExistsError], exitUsage, "give another path (-o)", nil},
		{as[*study.InsideError], exitUsage, "give another path (-o, or report.dir)", nil},
		{as[*report.SeenRunError], exitUsage, "give another path (-o)", nil},
		{as[*danglingError], exitUsage, "make the folder that it leads to, or give another path (-o, or report.dir)", nil},
		{as[*durable.InUseError], exitLocked, "wait for it", again()},
		{as[*export.TableError], exitUsage, "", nil},
		{as[*report.NoRunError], exitUsage, "", dexetl("runs")},
		{as[*export.NobodyError], exitUsage, "", dexetl("participants", "list")},
		{as[*export.PathError], exitUsage, "give another path (-o)", nil},
		{as[*durable.NoFolderError], exitUsage, "make the folder first, or give another path (-o)", nil},
		{as[*export.GoneError], exitUsage, "it leaves them out from now on", again()},
		{as[*export.BlindedError], exitUsage, "leave them out (--tables), or say --unblinded if whoever gets them may know", nil},
		{as[*export.SharedDatesError], exitUsage, "leave the times as they are (--shift-weeks 0), take a window of study days (start_day, end_day in windows.csv), or cut the export afterwards", nil},
		{as[*export.KeyError], exitKey, "", nil},
		{as[*study.LostExportKeyError], exitDamage, "restore the file from the newest backup of the state folder; if none has that key, export with --new-names makes another one, and " + whoIsLost, dexetl("audit", "--subject", "export")},
		{as[*study.ForeignLakeError], exitUsage, "give every study a lake of its own: lake.path in " + config.File, nil},
		{as[*study.EmptyLakeError], exitUsage, "a backfill fetches and loads what is there of those who are connected", dexetl("participants", "list")},
		{as[*config.Error], exitUsage, "correct it and run the command again", nil},
		{as[*cohort.CSVError], exitUsage, "correct the file and import it again; nothing of it was taken", nil},
		{as[*cohort.OtherFileError], exitUsage, "", nil},
		{as[*cohort.LineError], exitUsage, "", nil},
		{as[*access.NameError], exitUsage, "", dexetl("keys", "list")},
		{as[*webhook.UnknownError], exitUsage, "", dexetl("webhooks", "list")},
		{as[*webhook.KindError], exitUsage, "the events are in docs/service.md", nil},
		{as[*webhook.NeverError], exitUsage, "give the endpoint the right, or leave the event out", nil},
		{as[*webhook.URLError], exitUsage, "", nil},
		{is(webhook.ErrTooMany), exitUsage, "", dexetl("webhooks", "list")},
		{as[*webhook.RotatedError], exitLater, "", again()},
		{as[*cohort.UnknownParticipantError], exitUsage, "", dexetl("participants", "list")},
		{as[*consent.NotRemovableError], exitUsage, "", nil},
		{as[*cohort.WithdrawnError], exitUsage, "leave the participant out", nil},
		{is(consent.ErrTraces), exitLater, "run the same command again when they have ended", again()},
		{as[*state.SchemaError], exitUsage, newer, nil},
		{as[*lake.VersionError], exitUsage, newer, nil},
		{as[*consent.RedirectError], exitUsage, "", nil},
		{as[*consent.NoAppError], exitUsage, "add the region under apps in " + config.File, nil},
		{as[*consent.WrongClientError], exitUsage, "correct client_id and client secret", dexetl("doctor")},
		{as[*table.SameNameError], exitUsage, "", nil},
		{as[*answer.TimeoutError], exitStopped, "give it more time (--timeout 10m; 0s: no limit), or ask for less: one participant, fewer columns, a limit", nil},
		{as[*answer.MemoryError], exitUnexpected, "give it more (--max-memory 8GB), or ask for less: one participant, fewer columns, a limit", nil},
		{isKilled, exitUnexpected, "give it less memory than the machine has free (--max-memory), or ask for less", nil},
		{as[*answer.DiedError], exitUnexpected, "write it more simply: fewer levels of nesting, fewer terms", nil},
		{as[*consent.SealError], exitDamage, "restore the state folder from a backup, or let the participant sign in again", nil},
		{as[*consent.OwnerError], exitDamage, "restore state.db whole, as it was last, from a backup; if there is none, let the participant sign in again", nil},
		{is(consent.ErrSealsLost), exitDamage, sealsBackup, nil},
		{is(consent.ErrSealsUnknown), exitDamage, sealsBackup, nil},
		{as[*study.LostLogError], exitDamage, "restore lake/raw from a backup; if there is none, leave this lake as it is, give lake.path in " + config.File +
			" a new folder, and a backfill fetches anew what Dexcom still has", nil},
		{as[*study.UnknownWithdrawnError], exitDamage, importRoster, nil},
		{as[*study.ExchangedError], exitDamage, sealsBackup, nil},
		{as[*study.LostMemoryError], exitDamage, "", nil},
		{as[*study.PresentError], exitDamage, "an erasure takes them out, for good", nil},
		{is(consent.ErrWrongKey), exitKey, "restore the sealing key this study was made with (state.key_file)", nil},
		{as[*consent.KeyModeError], exitKey, "", nil},
		{as[*consent.KeyFormatError], exitKey, "give the key this study was made with", nil},
		{as[*consent.NotInRosterError], exitUsage, "import the roster (participants import FILE), then the same grants again", nil},
		{as[*consent.RecipientError], exitUsage, "connect --public-key, in the other study, prints it", nil},
		{as[*lake.LockedError], exitLocked, "wait for it, or give --lock-wait 10m", again()},
		{as[*state.BusyError], exitLocked, "find who has the file open (such as with lsof), a backup or a database browser, and let it end", again()},
		{as[*study.StrayQuarantineError], exitDamage, "", nil},
		{as[*state.AuditError], exitDamage, "", nil},
		{is(study.ErrNoTrail), exitUsage, importRoster, nil},
		{isUnusableHead, exitUsage, "", nil},
		{as[*study.HeadError], exitDamage, "compare with a backup of state/audit.jsonl, or with table audit of an older snapshot", nil},
		{as[*study.TrailError], exitDamage, "", nil},
		{as[*cohort.RowError], exitDamage, "restore the state folder from a backup", nil},
		{isMisplaced, exitDamage, moveAway(""), nil},
		{as[*state.DamageError], exitDamage, "restore the state folder from a backup", nil},
		{as[*study.LostFileError], exitDamage, "a repair has marked it as lost for older snapshots, and only a backup has it: copy the file from there to the same place in the lake", nil},
		{study.IsDataFile, exitDamage, "a repair brings its rows back from the raw log; what it has marked as lost for an older snapshot, only a backup has", dexetl("repair")},
		{as[*load.ForgottenWithdrawalError], exitDamage, "restore the newest backup of the state folder; if there is none, record the withdrawal again", nil},
		{as[*study.ForgottenError], exitDamage, "restore the newest backup of the state folder; if there is none, make the changes again", nil},
		{as[*load.LogError], exitDamage, "restore lake/raw from a backup; the lake is as it was", nil},
		{as[*lake.TaggedLossError], exitDamage, "", nil},
		{as[*lake.DamageError], exitDamage, "", dexetl("repair")},
		{as[*raw.VersionError], exitUsage, newer, nil},
		{as[*raw.DamageError], exitDamage, aBackup, nil},
		{isUnmade, exitUsage, "give another path", nil},
		{is(syscall.EADDRINUSE), exitUsage, "let the other connect end, or use --manual, or --listen ADDR behind a proxy", nil},
		{is(syscall.EISDIR), exitUsage, "", nil},
		{as[*net.AddrError], exitUsage, "give an address such as 127.0.0.1:8085", nil},
		{is(syscall.ENOSPC), exitDisk, makeRoom, again()},
		{is(syscall.EDQUOT), exitDisk, makeRoom, again()},
		{is(syscall.EROFS), exitDisk, "", nil},
		{is(syscall.EMFILE), exitDisk, "let it open more files (ulimit -n)", again()},
		{is(syscall.ENFILE), exitDisk, "let other processes of this machine close files, or let the machine open more (fs.file-max)", again()},
		{is(syscall.ELOOP), exitDisk, "a link stands where the study keeps a file of its own: put the file itself there, or take the link away", again()},
		{is(syscall.EIO), exitDisk, "look at the machine's log: its disk, or the share, does not work", again()},
		{as[*call.ClockError], exitCheck, "set this machine's clock", again()},
		{as[*consent.DeniedError], exitConsent, "connect again when the participant agrees", nil},
		{as[*consent.StateError], exitConsent, "connect again: a link works once, for an hour", again()},
		{as[*consent.CodeError], exitConsent, "", nil},
		{as[*consent.NotConfirmedError], exitConsent, "make sure that only the participant gets the address", nil},
		{as[*consent.NoCallError], exitLater, "run it again when the hour's calls are not used up (limits.calls_per_hour)", again()},
		{as[*consent.NeedsReconsentError], exitConsent, "", nil},
		{as[*consent.ExportedError], exitConsent, "fetch on the other machine; to come back, import what it exported (connect --import FILE)", nil},
		{as[*consent.AuthSuspectError], exitLater, "run it again later", dexetl("sync")},
		{as[*consent.AccountInUseError], exitUsage, "make sure who signed in, then connect again, or with --confirm if the other account is meant", nil},
		{as[*consent.OtherAccountError], exitUsage, "make sure who signed in, then connect again with the first account, or with --confirm if the other account is meant", nil},
		{as[*consent.ChangeoverError], exitUsage, "say with --since when it changed", nil},
		{isRefused, exitLater, "asked again it is refused again: ask Dexcom whether the app may read this", nil},
		{as[*call.OutageError], exitLater, checkNetwork, again()},
		{as[*consent.UncheckedError], exitLater, "the account is looked at again with the next backfill", dexetl("status")},
		{as[*consent.TemporaryError], exitLater, later, again()},
		{as[*consent.RefreshStoppedError], exitLater, later, again()},
		{as[*call.LimitError], exitLater, later, again()},
		{as[*dexcom.StatusError], exitLater, later, again()},
		{as[*dexcom.BodyError], exitLater, later, again()},
	}
}

// classifyByType gives errors of the packages below their code and what to do.
func classifyByType(err error) *exitError {
	for _, v := range rulings() {
		if v.is(err) {
			return &exitError{v.code, cmp.Or(adviceOf(err), v.advice), firstStep(nextOf(err), v.next), err}
		}
	}
	return &exitError{exitUnexpected, "", nil, err}
}

// codeOf is the exit code err will have; 0 for none.
func codeOf(err error) int {
	if err == nil {
		return exitDone
	}
	return classified(err).code
}
