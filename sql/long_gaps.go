package sql

import (
	_ "embed"
	"strings"
)

//go:embed long_gaps.sql
var longGaps string

// LongGaps is a statement over the tables and views of the lake: the rows of gaps of these
// participants that last longer than 3 hours, and those of kind never. It reads the
// readings of some days alone. How much memory it takes goes by how many participants
// there are.
func LongGaps(participants []string) string {
	return strings.NewReplacer("{gaps}", query("gaps"), "{among}", Among("participant_id", participants)).Replace(withoutHead(longGaps))
}
