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
