package lake

import (
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/transform"
)

// An Encoder writes rows as Parquet, laid out as in data files, for those who take them
// elsewhere. It keeps the rows of one row group.
type Encoder struct{ groups groupWriter }

// NewEncoder begins a file of rows of t, which may have some of the columns of a table.
func NewEncoder(t transform.Table, to io.Writer, groupBytes int64) (*Encoder, error) {
	groups, err := newGroupWriter(t, to, groupBytes)
	return &Encoder{groups}, err
}

// Write appends rows, whose columns must be those of the table. It keeps them until
// their row group is full.
func (e *Encoder) Write(rows arrow.RecordBatch) error { return e.groups.write(rows) }

// Close writes what is left, and the footer.
func (e *Encoder) Close() error { return e.groups.close() }

// Abort releases what is held. The file is of no use.
func (e *Encoder) Abort() { e.groups.abort() }
