package transform

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// A Table is one table of the lake: what its columns are and how its files
// are laid out. The column comments travel into Parquet and codebook.csv.
type Table struct {
	Name      string
	Comment   string // grain first, then source
	Partition Partitioning
	Columns   []Column
	Key       []string // columns that identify a present row
	Order     []string // columns that sort the rows of a file

	// Version is that of the columns and of the rules that fill them; 0 means 1.
	// It rises with every column and with every rule, see docs/lake.md.
	Version int
	// Sound is the oldest version whose rows say what those of today's rules
	// say, but for new columns, which are null in them; 0 means 1.
	Sound int

	Hidden bool // no snapshot and no session shows it
}

// A Column is one column of a table.
type Column struct {
	Name     string
	Type     arrow.DataType
	Nullable bool
	Comment  string // meaning, unit, what null says
}

// Partitioning says which column's UTC month names a row's partition.
type Partitioning int

const (
	Whole     Partitioning = iota // one partition, no month folder
	ByMonth                       // UTC month of system_time or, for glucose, time_utc
	ByReceipt                     // UTC month in which the answer was received (seen_at, asked_at)
)

// Schema returns the Arrow schema of t: its columns in order, each with its
// comment as field metadata under the key "comment".
func (t Table) Schema() *arrow.Schema {
	fields := make([]arrow.Field, len(t.Columns))
	for i, c := range t.Columns {
		fields[i] = arrow.Field{
			Name: c.Name, Type: c.Type, Nullable: c.Nullable,
			Metadata: arrow.NewMetadata([]string{"comment"}, []string{c.Comment}),
		}
	}
	metadata := arrow.NewMetadata([]string{"comment"}, []string{t.Comment})
	return arrow.NewSchema(fields, &metadata)
}

// TableNamed returns the table called name.
func TableNamed(name string) (Table, bool) {
	tables := Tables()
	i := slices.IndexFunc(tables, func(t Table) bool { return t.Name == name })
	if i < 0 {
		return Table{}, false
	}
	return tables[i], true
}

// Column types. Timestamps are microseconds without a zone: a date taken from
// them never depends on where the reader sits.
var (
	text    arrow.DataType = arrow.BinaryTypes.String
	instant arrow.DataType = &arrow.TimestampType{Unit: arrow.Microsecond}
	date    arrow.DataType = arrow.FixedWidthTypes.Date32
	small   arrow.DataType = arrow.PrimitiveTypes.Int16
	integer arrow.DataType = arrow.PrimitiveTypes.Int32
	long    arrow.DataType = arrow.PrimitiveTypes.Int64
	double  arrow.DataType = arrow.PrimitiveTypes.Float64
	boolean arrow.DataType = arrow.FixedWidthTypes.Boolean
)

const null = true // reads better in the tables below than a bare true

// Tables lists every table of the lake in the order of the documentation.
func Tables() []Table {
	return []Table{
		glucose(), egvs(), events(), eventNotes(), calibrations(), alerts(),
		devices(), alertSettings(),
		coverage(), coverageDays(), rejects(), changes(), vanishPending(), connectionAccounts(), connectionRanges(),
		participants(), connections(), windows(), exclusions(), withdrawals(), settings(), runs(), audit(), requests(),
	}
}
