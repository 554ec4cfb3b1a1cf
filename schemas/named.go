package schemas

import (
	"fmt"
	"slices"
	"strings"

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

// A NameError is a name that no schema has.
type NameError struct{ Name, Near string } // Near is what was perhaps meant, empty for nothing

func (e *NameError) Error() string {
	if e.Near == "" {
		return fmt.Sprintf("no type %q", e.Name)
	}
	return fmt.Sprintf("no type %q, did you mean %q?", e.Name, e.Near)
}

// Named returns the schema called name: by its full name, with the version of a JSON
// output or without, or as group/name. The error is a *NameError.
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
	if i := slices.Index(names, "dexetl."+strings.TrimPrefix(name, "dexetl.")); i >= 0 {
		return Schema{}, &NameError{name, names[i]}
	}
	return Schema{}, &NameError{name, plain.Nearest(name, names)}
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
