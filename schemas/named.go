package schemas

import (
	"fmt"
	"slices"

	"github.com/dexetl/dexetl/extract/plain"
)

// FullName is what people call s by: its name, and of a JSON output what it says of
// itself, without a version.
func (s Schema) FullName() string {
	if s.Group == "cli" {
		return "dexetl." + s.Name
	}
	return s.Name
}

// Named returns the schema called name: by its full name, with the version of a JSON
// output or without, or as group/name. The error says what was perhaps meant.
func Named(name string) (Schema, error) {
	all := All()
	var names []string
	for _, s := range all {
		if s.FullName() == name || s.Group+"/"+s.Name == name || s.Group == "cli" && s.Title == name {
			return s, nil
		}
		names = append(names, s.FullName())
	}
	// Who leaves dexetl. out is helped before anybody nearly right.
	near := "dexetl." + name
	if !slices.Contains(names, near) {
		near = plain.Nearest(name, names)
	}
	if near == "" {
		return Schema{}, fmt.Errorf("no type %q", name)
	}
	return Schema{}, fmt.Errorf("no type %q, did you mean %q?", name, near)
}

// Dialects are those in which there is a document of s.
func (s Schema) Dialects() (all []Dialect) {
	for _, d := range []Dialect{JSONSchema, JSONStructure, Example} {
		if _, ok := s.Document(d); ok {
			all = append(all, d)
		}
	}
	return all
}
