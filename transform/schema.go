package transform

import (
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
)

// A Table is one table of the lake: what it is, what its columns are, and how its
// files are laid out. The column comments travel into Parquet and codebook.csv.
type Table struct {
	Name     string
	Comment  string // grain first, then source
	Kind     Kind
	Resource string // whose answers bring its rows, of a Record or Version
	Columns  []Column
	Key      []string // columns that identify a present row
	Order    []string // columns that sort the rows of a file
	Learned  []string // columns that tell when and how a row was learned, not what it says
	Unique   []string // text columns that hardly ever repeat a value

	// Values are all values of a column, null aside, where it can have no others: of
	// what Dexcom sends nobody knows.
	Values map[string][]any

	// Time is the column whose UTC month names a row's partition; empty: the
	// table has one partition and no month folder.
	Time    string
	HotDays bool // recent rows are kept by UTC day: months are large, and most of what comes is new

	// Version is that of the columns and of the rules that fill them, from 1. It
	// rises with every column and with every rule, see docs/lake.md.
	Version int
	// Sound is the oldest version whose rows say what those of today's rules
	// say, but for new columns, which are null in them.
	Sound int

	Hidden  bool // no snapshot and no session shows it
	History bool // it tells how the lake came to be, not what it says
}

// A Kind says what the rows of a table are.
type Kind int

const (
	Derived  Kind = iota // made of other tables
	Record               // records of a resource, by their id
	Version              // versions of devices
	Appended             // what answers brought beside those: rows are only added
	Memory               // what the fold of later answers needs to know of those before them
	Study                // the state of the study
	Log                  // the answers in the raw log
)

type values = map[string][]any // reads better in the tables below

// A Column is one column of a table.
type Column struct {
	Name     string
	Type     arrow.DataType
	Nullable bool
	Comment  string // meaning, unit, what null says
}

// Schema returns the Arrow schema of rows of t in memory: its columns in order, each
// with its comment as field metadata under the key "comment". Text whose values
// repeat is a dictionary.
func (t Table) Schema() *arrow.Schema {
	return t.schema(func(c Column) arrow.DataType {
		if t.Repeats(c) {
			return repeated
		}
		return c.Type
	})
}

// FileSchema is Schema for rows in a file, where all text is alike.
func (t Table) FileSchema() *arrow.Schema {
	return t.schema(func(c Column) arrow.DataType { return c.Type })
}

// Repeats reports whether c is a column of text whose values repeat.
func (t Table) Repeats(c Column) bool {
	return c.Type.ID() == arrow.STRING && !slices.Contains(t.Unique, c.Name)
}

func (t Table) schema(typeOf func(Column) arrow.DataType) *arrow.Schema {
	fields := make([]arrow.Field, len(t.Columns))
	for i, c := range t.Columns {
		fields[i] = arrow.Field{
			Name: c.Name, Type: typeOf(c), Nullable: c.Nullable,
			Metadata: arrow.NewMetadata([]string{"comment"}, []string{c.Comment}),
		}
	}
	metadata := arrow.NewMetadata([]string{"comment"}, []string{t.Comment})
	return arrow.NewSchema(fields, &metadata)
}

// TableNamed returns the table called name.
func TableNamed(name string) (Table, bool) {
	i := slices.IndexFunc(tables(), func(t Table) bool { return t.Name == name })
	if i < 0 {
		return Table{}, false
	}
	return tables()[i], true
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
func Tables() []Table { return slices.Clone(tables()) }

var tables = sync.OnceValue(func() []Table {
	all := slices.Concat(
		[]Table{glucose(), glucoseDays(), egvs(), events(), eventNotes(), calibrations(), alerts(), devices(), alertSettings()},
		books(), study())
	for i := range all {
		t := &all[i]
		if t.Order == nil {
			t.Order = t.Key
		}
		t.Version, t.Sound = max(1, t.Version), max(1, t.Sound)
	}
	return all
})
