package main

import (
	"slices"

	"github.com/dexetl/dexetl/extract/state"
)

// runIsDone reports whether a run that ended with a code has done its work: who lacks a
// consent does not make it unfinished, and where all was fetched, neither do answers that
// could not be read.
func runIsDone(code int, whole bool) bool {
	return code == exitDone || code == exitConsent || whole && (code == exitPartial || code == exitDamage)
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
