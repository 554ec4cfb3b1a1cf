package dexcom

// A Type is a type of JSON value that Dexcom sends or takes. The decoder reads by the
// fields of a type, and the schemas are made of them.
type Type struct {
	Name    string // in kebab case, such as egv-record
	Title   string // by Dexcom, such as EGV Record
	Comment string // what it is, in a sentence or two

	Fields []Field // of an object; else nil

	Values []string // of an enum: all that are documented or were seen
	Closed bool     // an enum has no other values; else any text is one
}

// A Kind says what kind of JSON value a field has.
type Kind int

// The kinds.
const (
	IsText        Kind = iota // at most MaxTextBytes
	IsNote                    // text or number, for what a person entered
	IsWhole                   // a number without decimals
	IsReal                    // a number
	IsTime                    // text that ParseTime takes
	IsBool                    // true or false
	IsEnum                    // of the Type Of
	IsObject                  // of the Type Of
	IsList                    // whose elements are of the Type Of
)

// A Field is a member of an object.
type Field struct {
	Name     string
	Spelt    string // another spelling of Name that was seen; empty if none
	Kind     Kind
	Of       string // the name of a Type, of an IsEnum, IsObject and IsList
	Required bool   // documented as required and never seen absent
	Null     bool   // documented as nullable, or null was seen
	Min, Max int64  // of a number, both included; both 0 if it has no bounds
	Unit     string // such as mg/dL; empty if it has none

	Comment  string // meaning, and what null or absence says
	Evidence string // where it is documented and where it was seen, in a few words
	Example  string // JSON
}
