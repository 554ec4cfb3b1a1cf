package snapshot

import (
	"bytes"
	"encoding/csv"
	"slices"

	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// WholeCodebook is codebook.csv: it lists all tables, the hidden ones included, and the views that people open, and the columns
// of each.
func WholeCodebook() []byte {
	var about []told
	for _, t := range slices.Concat(transform.Tables(), Computed()) {
		about = append(about, toldTable(t))
	}
	for _, v := range sql.Views() {
		if !v.IsInternal() {
			about = append(about, toldView(v))
		}
	}
	return codebookOf(about)
}

// codebookOf has a line for each table or view, which names no column, and then one for
// each of its columns.
func codebookOf(relations []told) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"table", "column", "type", "nullable", "comment"})
	for _, about := range relations {
		w.Write([]string{about.name, "", about.kind, "", about.comment})
		for _, c := range about.columns {
			w.Write([]string{about.name, c.name, c.kind, c.nullable, c.comment})
		}
	}
	w.Flush()
	return b.Bytes()
}
