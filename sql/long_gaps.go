package sql

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed long_gaps.sql
var longGaps string

// LongGaps returns a statement over the tables and views of the lake, and its arguments:
// the rows of gaps of these participants that last longer than 3 hours, and those of kind
// never. It reads the readings of some days alone. How much memory it takes goes by how
// many participants there are.
func LongGaps(participants []string) (statement string, args []any) {
	marks := make([]string, len(participants))
	for i, id := range participants {
		marks[i], args = fmt.Sprintf("$%d", i+1), append(args, id)
	}
	among := "participant_id in (" + strings.Join(append(marks, "null"), ", ") + ")"
	return strings.NewReplacer("{gaps}", query("gaps"), "{among}", among).Replace(withoutHead(longGaps)), args
}
