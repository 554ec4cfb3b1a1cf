package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

// removeApp is what only the participant can do.
const removeApp = "Dexcom knows no way to revoke a grant from outside: the participant must also remove the study's app in the Dexcom account " +
	"(sign in to the account, open the list of apps that may read its data, remove the study's)."

// printWithdrawn tells what left, what stays, and what is still to be done.
func (p *program) printWithdrawn(s *study.Study, w withdrawn) error {
	if p.flags.json {
		return p.object(schemas.Withdraw(), w.values()...)
	}
	for _, line := range w.lines(s) {
		if err := p.tell("%s", line); err != nil {
			return err
		}
	}
	return nil
}

func (w withdrawn) lines(s *study.Study) []string {
	lines := []string{
		fmt.Sprintf("%s withdrew from %s", w.who.ID, localInstant(w.at, w.who)),
		fmt.Sprintf("access      ended, the tokens are destroyed (accounts ended now: %d); nothing more is asked for", w.Ended),
		"tables      " + w.tables(),
		"stays       what was recorded before; the requests that were made, without values",
		"quarantine  " + w.quarantined(s.Dir),
	}
	if len(w.Held) > 0 {
		lines = append(lines,
			"elsewhere   the answers as received stay in "+inStudy(s.Dir, s.RawPath())+", which only its owner can read;",
			fmt.Sprintf("            older snapshots: %d, without a folder now; `query --snapshot` still opens them, with the rows", w.Older))
	}
	return append(lines, "", "Still to do: "+removeApp)
}

// tables says what happened to the rows.
func (w withdrawn) tables() string {
	var left, back []string
	for _, name := range slices.Sorted(maps.Keys(w.Loaded.Tables)) {
		c := w.Loaded.Tables[name]
		if c.Removed > 0 {
			left = append(left, name+" "+thousands(int64(c.Removed)))
		}
		if c.Added > 0 {
			back = append(back, name+" "+thousands(int64(c.Added)))
		}
	}
	var parts []string
	if len(left) > 0 {
		parts = append(parts, "rows that left: "+strings.Join(left, ", "))
	}
	if len(back) > 0 {
		parts = append(parts, "rows that came: "+strings.Join(back, ", "))
	}
	switch {
	case w.Loaded.Snapshot == 0:
		return "nothing was loaded yet"
	case len(parts) == 0:
		return fmt.Sprintf("no row to take out (snapshot %d)", w.Loaded.Snapshot)
	}
	return fmt.Sprintf("%s (snapshot %d)", strings.Join(parts, "; "), w.Loaded.Snapshot)
}

func (w withdrawn) quarantined(dir string) string {
	if len(w.Held) == 0 {
		return "empty"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(w.Held)) {
		parts = append(parts, name+" "+thousands(int64(w.Held[name])))
	}
	return fmt.Sprintf("%s: %s, sealed for the study's key", inStudy(dir, w.Quarantine), strings.Join(parts, ", "))
}

// inStudy is a path as seen from the study folder, if it is in there.
func inStudy(dir, path string) string {
	if short, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(short) {
		return short
	}
	return path
}

// values are the result as JSON.
func (w withdrawn) values() []any {
	tables := w.Loaded.Tables
	if tables == nil {
		tables = map[string]load.Counts{}
	}
	return []any{
		w.who.ID, w.at.Format(time.RFC3339Nano), w.Ended, w.Loaded.Snapshot, tables, w.Older,
		map[string]any{"folder": w.Quarantine, "rows": w.Held}, removeApp,
	}
}
