package snapshot

import (
	"bytes"
	"encoding/csv"
	"slices"

	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// codebook lists all tables, the hidden ones included, and the views that people open, and the columns
// of each. The line of a table or view itself comes first, and names no column.
func codebook() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"table", "column", "type", "nullable", "comment"})
	list := func(about told) {
		w.Write([]string{about.name, "", about.kind, "", about.comment})
		for _, c := range about.columns {
			w.Write([]string{about.name, c.name, c.kind, c.nullable, c.comment})
		}
	}
	for _, t := range slices.Concat(transform.Tables(), Computed()) {
		list(toldTable(t))
	}
	for _, v := range sql.Views() {
		if !v.IsInternal() {
			list(toldView(v))
		}
	}
	w.Flush()
	return b.Bytes()
}
