package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study"
)

// damageFound is the error of damaged data files that a command went around; nil
// if there are none.
func damageFound(files []*lake.DamageError) error {
	switch len(files) {
	case 0:
		return nil
	case 1:
		return failureAs(files[0], "%w; what needs its rows waits, all else is done", files[0])
	}
	return failureAs(files[0], "%w, and %d more; what needs their rows waits, all else is done", files[0], len(files)-1)
}

// damageLines names every file.
func damageLines(files []*lake.DamageError) []string {
	return mapped(files, func(f *lake.DamageError) string { return fmt.Sprint(f) })
}

func damagePaths(files []*lake.DamageError) []string {
	return append([]string{}, mapped(files, func(f *lake.DamageError) string { return f.Path })...)
}

// moveAway says what to do about what stands at a path in the place of another kind, and no
// repair sets aside.
func moveAway(path string) string {
	if slices.Contains([]string{"holders", "reserve", "lock"}, filepath.Base(path)) {
		return "move it away: the program makes its own again"
	}
	back := "move it away, and restore what belongs there from a backup"
	if filepath.Base(path) == state.AuditFile {
		back += "; if there is none, accept that its lines are lost: " + acceptLoss()
	}
	return back
}

// disownedFound is the error of such rows that a command went around; nil for none.
func disownedFound(found []*consent.OwnerError, done string) error {
	if len(found) == 0 {
		return nil
	}
	names := mapped(found, func(e *consent.OwnerError) string { return e.ParticipantID })
	slices.Sort(names)
	if names = slices.Compact(names); len(names) == 1 {
		return failureAs(found[0], "%w%s", found[0], done)
	}
	return failureAs(found[0], "%w; so it is with %d participants%s: %s", found[0], len(names), done, study.ShortList(names))
}

// failureAs makes an exitError with code, advice and next command of a known one.
func failureAs(known error, format string, args ...any) error {
	e := *classifyByType(known)
	e.err = failure(e.code, nil, format, args...).(*exitError).err
	return &e
}

// outdatedWords say that tables hold rows that an older program made by other
// rules.
func outdatedWords(tables []string) string {
	return fmt.Sprintf("an older dexetl made the lake: rows of %s follow its rules until a replay makes them anew", strings.Join(tables, ", "))
}

// tellOutdated says so, if there are any.
func (p *program) tellOutdated(tables []string) {
	if len(tables) > 0 {
		p.say("%s", outdatedWords(tables))
		p.sayNext("replay")
	}
}

// tellComputed says that what depends on the order of readings is computed first, because
// the snapshot of a name does not have it in files; "": it has.
func (p *program) tellComputed(snapshot string) {
	if snapshot != "" {
		p.say("snapshot %s has no span_metrics (an older dexetl published it, or its folder is gone): all of it is computed now", snapshot)
	}
}
