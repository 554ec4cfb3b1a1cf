package schemas

import (
	"encoding/json"

	"github.com/dexetl/dexetl/extract/dexcom"
)

const schemaDialect = "https://json-schema.org/draft/2020-12/schema"

// What a text, a list and a name may have, so that the decoder takes them: its limits
// are of bytes, of which a character has four at most.
const (
	maxTextChars = dexcom.MaxTextBytes / 4
	maxNoteChars = dexcom.MaxNoteBytes / 4
	maxNameChars = dexcom.MaxNameBytes / 4
)

// schemaDocument is t in JSON Schema, with all that it refers to.
func schemaDocument(all catalogue, t dexcom.Type) object {
	j := jsonSchema{func(t dexcom.Type) string { return "#/$defs/" + t.Name }, all}
	made := object{{"$schema", schemaDialect}, {"$id", "urn:dexetl:schema:1:dexcom:" + t.Name}}
	made = append(made, j.schema(t)...)
	var below object
	for _, t := range all.below(t) {
		below = append(below, member{t.Name, j.schema(t)})
	}
	if below != nil {
		made = append(made, member{"$defs", below})
	}
	return made
}

// A jsonSchema writes types in JSON Schema.
type jsonSchema struct {
	at  func(dexcom.Type) string // where a type is in the document
	all catalogue
}

// schema is t itself.
func (j jsonSchema) schema(t dexcom.Type) object {
	made := object{{"title", t.Title}, {"description", comment(t)}}
	switch {
	case t.Fields != nil:
		return append(made, j.objectOf(t.Fields)...)
	case t.Closed:
		return append(made, object{{"type", "string"}, {"enum", t.Values}}...)
	case t.Values != nil: // the known ones are there to be read
		return append(made, object{{"type", "string"}, {"anyOf", []object{{{"enum", t.Values}}, {{"type", "string"}, {"maxLength", maxTextChars}}}}}...)
	default:
		return append(made, object{{"type", "string"}, {"pattern", timePattern()}}...)
	}
}

// objectOf is an object with fields. Members that are not known are welcome, within the
// decoder's limits.
func (j jsonSchema) objectOf(fields []dexcom.Field) object {
	var properties object
	var required, capitals []string
	var twice []object
	for _, f := range fields {
		for _, name := range spellings(f) {
			properties = append(properties, member{name, j.property(f)})
		}
		if f.Required {
			required = append(required, f.Name)
		}
		if other := capital(f.Name); f.Spelt != other {
			capitals = append(capitals, other)
		}
		if f.Spelt != "" {
			twice = append(twice, object{{"required", spellings(f)}})
		}
	}
	made := object{{"type", "object"}, {"properties", properties}}
	if required != nil {
		made = append(made, member{"required", required})
	}
	if twice != nil {
		made = append(made, member{"not", object{{"anyOf", twice}}})
	}
	return append(made,
		member{"propertyNames", object{{"maxLength", maxNameChars}, {"not", object{{"enum", capitals}}}}},
		member{"maxProperties", dexcom.MaxNames})
}

// capital is name with its first letter as a capital, which the decoder reads as name.
func capital(name string) string { return string(name[0]-'a'+'A') + name[1:] }

// property is the value of f.
func (j jsonSchema) property(f dexcom.Field) object {
	made := append(object{{"description", describe(f)}}, j.value(f)...)
	if f.Example != "" {
		made = append(made, member{"examples", []any{json.RawMessage(f.Example)}})
	}
	return made
}

func (j jsonSchema) value(f dexcom.Field) object {
	switch f.Kind {
	case dexcom.IsNote:
		return append(object{typed(f, "string", "number")}, lengths(f, maxNoteChars)...)
	case dexcom.IsWhole:
		return append(object{typed(f, "integer")}, bounds(f)...)
	case dexcom.IsReal:
		return append(object{typed(f, "number")}, bounds(f)...)
	case dexcom.IsBool:
		return object{typed(f, "boolean")}
	case dexcom.IsList:
		return object{typed(f, "array"), {"items", j.ref(f)}, {"maxItems", f.Max}}
	case dexcom.IsTime, dexcom.IsEnum, dexcom.IsObject:
		if f.Null {
			return object{{"anyOf", []object{j.ref(f), {{"type", "null"}}}}}
		}
		return j.ref(f)
	default:
		return append(object{typed(f, "string")}, lengths(f, maxTextChars)...)
	}
}

func (j jsonSchema) ref(f dexcom.Field) object {
	return object{{"$ref", j.at(j.all.named(refersTo(f)))}}
}

// typed is the member that says of what types f is.
func typed(f dexcom.Field, names ...string) member {
	if f.Null {
		names = append(names, "null")
	}
	if len(names) == 1 {
		return member{"type", names[0]}
	}
	return member{"type", names}
}

// lengths are how many characters a text has, which has most unless f says otherwise.
func lengths(f dexcom.Field, most int64) object {
	if f.Max != 0 {
		most = f.Max
	}
	if f.Min != 0 {
		return object{{"minLength", f.Min}, {"maxLength", most}}
	}
	return object{{"maxLength", most}}
}

func bounds(f dexcom.Field) object { return object{{"minimum", f.Min}, {"maximum", f.Max}} }
