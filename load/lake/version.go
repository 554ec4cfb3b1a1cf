package lake

import (
	"slices"

	"github.com/dexetl/dexetl/transform"
)

// Version is the oldest version by whose rules a row of the table was made.
func (m Manifest) Version(table string) int { return max(1, m.Tables[table]) }

// Outdated lists the tables in which rows may say something else than today's
// rules would: an older program made them, and a replay makes them anew.
func (m Manifest) Outdated() (tables []string) {
	for _, t := range transform.Tables() {
		if m.Version(t.Name) < t.Sound && m.has(t.Name) {
			tables = append(tables, t.Name)
		}
	}
	return tables
}

// daysSince is the version of glucose with which glucose_days goes. It is one of a table
// that older programs know, so that none of them changes the one without the other.
const daysSince = 4

// KeepsDays reports whether glucose_days has all of glucose. It has none of it in a
// snapshot of an older program.
func (m Manifest) KeepsDays() bool { return !m.has("glucose") || m.Version("glucose") >= daysSince }

func (m Manifest) has(table string) bool {
	return slices.ContainsFunc(m.Files, func(f File) bool { return f.Table == table })
}

// Writable returns a *VersionError if a newer program made a table of the
// snapshot: what is built on it here would lack what that program knows.
func (m Manifest) Writable() error {
	for _, t := range transform.Tables() {
		if found := m.Version(t.Name); found > t.Version {
			return &VersionError{manifestPath(m.Snapshot), t.Name, found, t.Version, m.Program}
		}
	}
	return nil
}

// VersionsOnTop are those of a snapshot made on top of m: what it takes over
// stays as old as it is.
func (m Manifest) VersionsOnTop() map[string]int {
	versions := make(map[string]int)
	for _, t := range transform.Tables() {
		v := t.Version
		if m.has(t.Name) {
			v = min(v, m.Version(t.Name))
		}
		if v > 1 {
			versions[t.Name] = v
		}
	}
	return versions
}
