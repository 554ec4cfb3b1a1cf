package snapshot

import (
	"bytes"
	"encoding/csv"
	"strconv"

	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// codebook lists the columns of all tables, the hidden ones included, and
// of the views, which may be null wherever they say so.
func codebook() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"table", "column", "type", "nullable", "comment"})
	for _, t := range transform.Tables() {
		for _, c := range t.Columns {
			w.Write([]string{t.Name, c.Name, sqlType(c.Type), strconv.FormatBool(c.Nullable), c.Comment})
		}
	}
	for _, v := range sql.Views() {
		for _, c := range v.Columns {
			w.Write([]string{v.Name, c.Name, v.Types[c.Name], "", c.Comment})
		}
	}
	w.Flush()
	return b.Bytes()
}
