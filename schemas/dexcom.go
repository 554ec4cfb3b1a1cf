package schemas

import (
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/dexcom"
)

func dexcomSchemas() (all []Schema) {
	for _, t := range dexcom.Types() {
		all = append(all, Schema{"dexcom", t.Name, t.Title, t.Comment})
	}
	return all
}

func dexcomDocuments() documents {
	all := catalogue(dexcom.Types())
	made := documents{openAPIPath: openAPI(all, dexcomServers())}
	for _, t := range all {
		s := Schema{Group: "dexcom", Name: t.Name}
		made[s.path(JSONSchema)] = schemaDocument(all, t)
		made[s.path(JSONStructure)] = structureDocument(all, t)
		made[s.path(Example)] = all.example(t)
	}
	return made
}

// A catalogue is every type that others may refer to.
type catalogue []dexcom.Type

// dateTime is the name of the type that fields of kind IsTime have.
const dateTime = "date-time"

// named returns the type of that name: a field that refers to one that is not there
// has none, which no validator lets pass.
func (c catalogue) named(name string) (t dexcom.Type) {
	if i := slices.IndexFunc(c, func(t dexcom.Type) bool { return t.Name == name }); i >= 0 {
		t = c[i]
	}
	return t
}

// below returns the types that t is made of, at any depth, in the order of c.
func (c catalogue) below(t dexcom.Type) (below catalogue) {
	names := map[string]bool{}
	c.collect(t, names)
	for _, t := range c {
		if names[t.Name] {
			below = append(below, t)
		}
	}
	return below
}

func (c catalogue) collect(t dexcom.Type, names map[string]bool) {
	for _, f := range t.Fields {
		if of := refersTo(f); of != "" && !names[of] {
			names[of] = true
			c.collect(c.named(of), names)
		}
	}
}

// refersTo is the name of the type of f, or of its elements; empty if f needs none.
func refersTo(f dexcom.Field) string {
	if f.Kind == dexcom.IsTime {
		return dateTime
	}
	return f.Of
}

// spellings are the names under which f was seen.
func spellings(f dexcom.Field) []string {
	if f.Spelt == "" {
		return []string{f.Name}
	}
	return []string{f.Name, f.Spelt}
}

// identifier is the name of t where words must be one, such as EGVRecord.
func identifier(t dexcom.Type) string { return strings.ReplaceAll(t.Title, " ", "") }

// comment says what t is, and which of its values mean others.
func comment(t dexcom.Type) string {
	text := t.Comment
	for _, value := range t.Values {
		if usual := t.Means[value]; usual != "" {
			text += " " + value + " means " + usual + "."
		}
	}
	return text
}

// describe says all there is to say of f.
func describe(f dexcom.Field) string {
	text := f.Comment
	if f.Unit != "" {
		text += " Unit: " + f.Unit + "."
	}
	if f.Evidence != "" {
		text += " Evidence: " + strings.TrimSuffix(f.Evidence, ".") + "."
	}
	return text
}
