package main

import (
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
)

// A verdict is the exit code and the next step for one type of error.
type verdict struct {
	is   func(error) bool
	code int
	next string
}

func as[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// isDataFile reports whether err is about a damaged data file, which the raw
// log can replace.
func isDataFile(err error) bool {
	damage, ok := errors.AsType[*lake.DamageError](err)
	return ok && strings.HasPrefix(damage.Path, "data/")
}

// verdicts are looked through in order; the first that fits counts.
func verdicts() []verdict {
	return []verdict{
		{as[*configError], exitUsage, "correct it and run the command again"},
		{as[*state.CSVError], exitUsage, "correct the file and import it again; nothing of it was taken"},
		{as[*state.LineError], exitUsage, "dexetl participants list"},
		{as[*state.UnknownParticipantError], exitUsage, "dexetl participants list"},
		{as[*state.WithdrawnError], exitUsage, "leave the participant out"},
		{is(state.ErrTraces), exitLater, "run the same command again when they have ended"},
		{as[*state.SchemaError], exitUsage, "use the newer program"},
		{as[*lake.VersionError], exitUsage, "use the newer program"},
		{as[*consent.NoAppError], exitUsage, "add the region under apps in " + configFile},
		{as[*consent.WrongClientError], exitUsage, "correct client_id and client secret"},
		{is(snapshot.ErrReadOnly), exitUsage, ""},
		{is(consent.ErrWrongKey), exitKey, "restore the sealing key this study was made with (state.key_file)"},
		{as[*consent.KeyModeError], exitKey, "chmod 600 the key file"},
		{as[*consent.KeyFormatError], exitKey, "give the key this study was made with"},
		{as[*consent.NotInRosterError], exitUsage, "dexetl participants import roster.csv, then the grants again"},
		{as[*consent.RecipientError], exitUsage, "dexetl connect --public-key, in the other study, prints it"},
		{as[*lake.LockedError], exitLocked, "wait, or run again with --lock-wait 10m"},
		{as[*state.AuditError], exitDamage, "restore state/audit.jsonl from a backup; what a backup lacks stays visible as a gap"},
		{as[*state.DamageError], exitDamage, "restore the state folder from a backup"},
		{isDataFile, exitDamage, "dexetl replay: it makes the tables anew from the raw log"},
		{as[*load.LogError], exitDamage, "restore lake/raw from a backup; the lake is as it was"},
		{as[*lake.DamageError], exitDamage, "restore the file from a backup"},
		{as[*raw.VersionError], exitUsage, "use the newer program"},
		{as[*raw.DamageError], exitDamage, "restore the file from a backup"},
		{is(syscall.EADDRINUSE), exitUsage, "let the other connect end, or use --manual, or --listen ADDR behind a proxy"},
		{as[*net.AddrError], exitUsage, "give an address such as 127.0.0.1:8085"},
		{is(syscall.ENOSPC), exitDisk, "free disk space and run the same command again: it resumes"},
		{is(syscall.EDQUOT), exitDisk, "free disk space and run the same command again: it resumes"},
		{is(syscall.EROFS), exitDisk, ""},
		{as[*consent.DeniedError], exitConsent, "dexetl connect again when the participant agrees"},
		{as[*state.StateError], exitConsent, "dexetl connect again: a link works once, for an hour"},
		{as[*consent.CodeError], exitConsent, "dexetl connect again"},
		{as[*consent.NeedsReconsentError], exitConsent, "dexetl connect again"},
		{as[*consent.ExportedError], exitConsent, "fetch on the other machine; to come back, dexetl connect --import FILE that it exported"},
		{as[*consent.AuthSuspectError], exitLater, "dexetl sync later"},
		{as[*state.AccountInUseError], exitUsage, "make sure who signed in, then connect again, or connect --confirm --reason TEXT"},
		{as[*state.OtherAccountError], exitUsage, "make sure who signed in, then connect again with the first account, or connect --confirm --reason TEXT"},
		{as[*state.ChangeoverError], exitUsage, "connect --confirm --reason TEXT --since DATETIME"},
		{as[*consent.UncheckedError], exitLater, "dexetl status; the account is looked at again with the next backfill"},
		{as[*consent.TemporaryError], exitLater, "run the same command again later: it resumes"},
		{is(consent.ErrRefreshStopped), exitLater, "run the same command again later: it resumes"},
		{as[*extract.LimitError], exitLater, "run the same command again later: it resumes"},
		{as[*extract.ClockError], exitCheck, "set this machine's clock"},
		{as[*dexcom.StatusError], exitLater, "run the same command again later: it resumes"},
		{as[*dexcom.BodyError], exitLater, "run the same command again later: it resumes"},
	}
}

// classifyByType gives errors of the packages below their code and next step.
func classifyByType(err error) *exitError {
	for _, v := range verdicts() {
		if v.is(err) {
			return &exitError{v.code, v.next, err}
		}
	}
	return &exitError{exitUnexpected, "", err}
}

// codeOf is the exit code err will have; 0 for none.
func codeOf(err error) int {
	if err == nil {
		return exitDone
	}
	return classify(err).code
}
