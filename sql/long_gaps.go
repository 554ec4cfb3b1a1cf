package sql

import (
	_ "embed"
	"strings"
)

//go:embed long_gaps.sql
var longGaps string

// LongGaps is a query over the tables and views of the lake: the rows of gaps that last
// longer than 3 hours, and those of kind never. It reads the readings of some days alone.
func LongGaps() string {
	return strings.Replace(withoutHead(longGaps), "{gaps}", query("gaps"), 1)
}
