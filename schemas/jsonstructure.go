package schemas

import (
	"math"
	"regexp"

	"github.com/dexetl/dexetl/extract/dexcom"
)

const structureDialect = "https://json-structure.org/meta/core/v0/#"

// structureDocument is t in JSON Structure, with all that it refers to. The core of
// that language says shapes, not lengths, bounds or patterns.
func structureDocument(all catalogue, t dexcom.Type) object {
	s := jsonStructure{all}
	made := object{{"$schema", structureDialect}, {"$id", "urn:dexetl:structure:1:dexcom:" + t.Name}, {"name", identifier(t)}}
	made = append(made, s.schema(t)...)
	var below object
	for _, t := range all.below(t) {
		below = append(below, member{identifier(t), append(object{{"name", identifier(t)}}, s.schema(t)...)})
	}
	if below != nil {
		made = append(made, member{"definitions", below})
	}
	return made
}

// A jsonStructure writes types in JSON Structure.
type jsonStructure struct{ all catalogue }

func (s jsonStructure) schema(t dexcom.Type) object {
	made := object{{"description", comment(t)}}
	switch {
	case t.Fields != nil:
		return append(made, s.objectOf(t.Fields)...)
	case t.Closed:
		return append(made, object{{"type", "string"}, {"enum", t.Values}}...)
	case t.Values != nil:
		return append(made, object{{"type", "string"}, {"examples", t.Values}}...)
	default:
		return append(made, member{"type", "string"})
	}
}

// properName is a name that a property may have: others are left out, as members that
// are not known.
var properName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (s jsonStructure) objectOf(fields []dexcom.Field) object {
	var properties object
	var required []string
	for _, f := range fields {
		for _, name := range spellings(f) {
			if properName.MatchString(name) {
				properties = append(properties, member{name, append(object{{"description", describe(f)}}, s.value(f)...)})
			}
		}
		if f.Required {
			required = append(required, f.Name)
		}
	}
	made := object{{"type", "object"}, {"properties", properties}}
	if required != nil {
		made = append(made, member{"required", required})
	}
	return made
}

// value is the type of f. A list that may be null would need a name: Dexcom has none.
func (s jsonStructure) value(f dexcom.Field) object {
	var types []any
	switch f.Kind {
	case dexcom.IsNote:
		types = []any{"string", "number"}
	case dexcom.IsWhole:
		types = []any{whole(f)}
	case dexcom.IsReal:
		types = []any{"double"}
	case dexcom.IsBool:
		types = []any{"boolean"}
	case dexcom.IsList:
		return object{{"type", "array"}, {"items", object{{"type", s.ref(f)}}}}
	case dexcom.IsTime, dexcom.IsEnum, dexcom.IsObject:
		types = []any{s.ref(f)}
	default:
		types = []any{"string"}
	}
	if f.Null {
		types = append(types, "null")
	}
	if len(types) == 1 {
		return object{{"type", types[0]}}
	}
	return object{{"type", types}}
}

func (s jsonStructure) ref(f dexcom.Field) object {
	return object{{"$ref", "#/definitions/" + identifier(s.all.named(refersTo(f)))}}
}

// whole is the type of a whole number: int64 would be text.
func whole(f dexcom.Field) string {
	if f.Min >= math.MinInt32 && f.Max <= math.MaxInt32 {
		return "int32"
	}
	return "number"
}
