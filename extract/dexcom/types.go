package dexcom

import (
	"slices"
	"strings"
	"sync"
)

// A Type is a type of JSON value that Dexcom sends or takes. The decoder reads by the
// fields of a type, and the schemas are made of them.
type Type struct {
	Name    string // in kebab case, such as egv-record
	Title   string // by Dexcom, such as EGV Record
	Comment string // what it is, in a sentence or two

	Fields []Field // of an object; else nil

	Values []string          // of an enum: all that are documented or were seen
	Means  map[string]string // of Values that are other spellings: the usual one
	Closed bool              // an enum has no other values; else any text is one

	Example string // JSON
}

// A Kind says what kind of JSON value a field has.
type Kind int

// The kinds.
const (
	IsText   Kind = iota // at most MaxTextBytes
	IsNote               // text or number, such as what a person entered
	IsWhole              // a number without decimals
	IsReal               // a number
	IsTime               // text that ParseTime takes
	IsBool               // true or false
	IsEnum               // of the Type Of
	IsObject             // of the Type Of
	IsList               // whose elements are of the Type Of
)

// A Field is a member of an object.
type Field struct {
	Name     string
	Spelt    string // another spelling of Name that was seen; empty if none
	Kind     Kind
	Of       string // the name of a Type, of an IsEnum, IsObject and IsList
	Required bool   // documented as required and never seen absent
	Null     bool   // documented as nullable, or null was seen
	Min, Max int64  // of a number, of a text's characters, of a list's elements, both included; Max 0: no bound of its own
	Unit     string // such as mg/dL; empty if it has none

	Comment  string // meaning, and what null or absence says
	Evidence string // where it is documented and where it was seen, in a few words
	Example  string // JSON; an example of the object has no field without one, but objects and lists, which have that of their Type
}

// Types returns all types: those that Dexcom's documentation lists, in its order, with
// what is nested in them, and then the other enums. What is in them is not to be
// changed.
func Types() []Type { return slices.Clone(types()) }

// TypeNamed returns the type of that name.
func TypeNamed(name string) (Type, bool) { return named(types(), name) }

func named(all []Type, name string) (Type, bool) {
	i := slices.IndexFunc(all, func(t Type) bool { return t.Name == name })
	if i < 0 {
		return Type{}, false
	}
	return all[i], true
}

var types = sync.OnceValue(func() []Type {
	all := slices.Concat(recordTypes(), rangeTypes(), tokenTypes(), listedEnums(), []Type{dateTime}, otherEnums())
	for i := range all {
		all[i].Example = exampleOf(all, all[i])
	}
	return all
})

// exampleOf is t's example; that of an object is made of its fields'.
func exampleOf(all []Type, t Type) string {
	if t.Example != "" {
		return t.Example
	}
	var members []string
	for _, f := range t.Fields {
		if value := exampleIn(all, f); value != "" {
			members = append(members, `"`+f.Name+`":`+value)
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// exampleIn is f in an example of its object; empty if it is not there.
func exampleIn(all []Type, f Field) string {
	if f.Example != "" || f.Kind != IsObject && f.Kind != IsList {
		return f.Example
	}
	of, _ := named(all, f.Of)
	value := exampleOf(all, of)
	if f.Kind == IsList {
		return "[" + value + "]"
	}
	return value
}

func recordTypes() []Type {
	return []Type{
		egvRecord.asType(), egvsResponse.asType(), eventRecord.asType(), eventsResponse.asType(),
		calibrationRecord.asType(), calibrationsResponse.asType(), alertRecord.asType(), alertsResponse.asType(),
		alertSchedule.asType(), scheduleSettings.asType(), scheduleOverride.asType(), alertSetting.asType(),
		deviceRecord.asType(), devicesResponse.asType(),
	}
}

func rangeTypes() []Type {
	return []Type{rangeMoment.asType(), rangeWindow.asType(), rangeResponse.asType()}
}

var dateTime = Type{
	Name: "date-time", Title: "Date Time",
	Comment: "A time in any shape that was seen. Phones send an offset from UTC or Z, receivers mostly nothing: then a system time is UTC, and a display time is the wall clock of a zone that nobody tells. " +
		"Seconds and decimals may be missing, an offset may have seconds.",
	Example: `"2026-03-14T08:02:11-07:00"`,
}
