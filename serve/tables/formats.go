package tables

import (
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// groupBytes is how many bytes of rows a row group of Parquet gathers, about: all that an
// answer keeps in memory.
const groupBytes = 16 << 20

// An encoder writes rows in some format. Close ends what Write began, or Abort if it is of
// no use.
type encoder interface {
	Write(rows arrow.RecordBatch) error
	Close() error
	Abort()
}

// A format is how a table is written.
type format struct {
	name, mediaType, suffix string
	begin                   func(t transform.Table, to io.Writer) (encoder, error)
}

func formats() []format {
	return []format{
		{"parquet", "application/vnd.apache.parquet", "parquet", func(t transform.Table, to io.Writer) (encoder, error) {
			return lake.NewEncoder(t, to, groupBytes)
		}},
		{"csv", "text/csv; charset=utf-8", "csv", newCSV},
		{"ndjson", "application/x-ndjson", "ndjson", newNDJSON},
		{"arrow", "application/vnd.apache.arrow.stream", "arrows", newArrow},
	}
}

// formatNamed is the format of a name that is one.
func formatNamed(name string) format {
	all := formats()
	return all[slices.IndexFunc(all, func(f format) bool { return f.name == name })]
}
