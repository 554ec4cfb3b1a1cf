package main

import (
	"fmt"
	"strings"
)

// outdatedWords say that tables hold rows that an older program made by other
// rules.
func outdatedWords(tables []string) string {
	return fmt.Sprintf("an older dexetl made the lake: rows of %s follow its rules until a replay makes them anew", strings.Join(tables, ", "))
}

// tellOutdated says so, if there are any.
func (p *program) tellOutdated(tables []string) {
	if len(tables) > 0 {
		p.say("%s; next: %s", outdatedWords(tables), replayNext)
	}
}

// outdated are the tables of the snapshot called which ("": the newest) that an
// older program made; none where there is no snapshot to look at.
func (s *study) outdated(which string) []string {
	l, m, err := s.snapshot(which)
	if err != nil {
		return nil
	}
	defer l.Close()
	return m.Outdated()
}
