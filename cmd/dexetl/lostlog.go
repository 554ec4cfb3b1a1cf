package main

import (
	"fmt"
	"iter"
	"slices"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
)

// lostLog gives the error of a raw log that the lake was not made from what to do.
// No command mends it: the lake is the older log's, and takes no other.
func lostLog(err error) error {
	return advised(exitDamage, "restore lake/raw from a backup; if there is none, leave this lake as it is, give lake.path in "+configFile+
		" a new folder, and dexetl backfill fetches anew what Dexcom still has", "%w", err)
}

// checkLog makes sure, without reading it, that the raw log goes on where snapshot
// m ends.
func checkLog(log *raw.Log, m lake.Manifest) error {
	next, stop := iter.Pull2(log.Entries(m.LogPosition))
	defer stop()
	_, err, _ := next()
	if as[*raw.DamageError](err) {
		return lostLog(err)
	}
	return err
}

// noLog is the error of a study whose raw log is not there: it is lost if anything
// was loaded.
func (s *study) noLog() error {
	l, _, err := s.snapshot("")
	if err != nil {
		return err
	}
	l.Close()
	return lostLog(fmt.Errorf("there is no raw log at %s", s.rawPath()))
}

// failedRun is the last run that fetched or loaded and came to an end, if it failed
// in a way that no participant's last fetch tells of, such as in loading.
func failedRun(runs []state.Run) (state.Run, bool) {
	told := []int{exitDone, exitUsage, exitPartial, exitLater, exitConsent, exitStopped, exitLocked, exitInterrupted}
	for _, r := range slices.Backward(runs) {
		if r.Command != "connect" && !r.EndedAt.IsZero() {
			return r, !slices.Contains(told, r.ExitCode)
		}
	}
	return state.Run{}, false
}
