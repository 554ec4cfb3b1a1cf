package schemas

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/transform"
)

// lakeStructure is a row of t in JSON Structure. What may be null is a union of types
// there, beside which no enum may stand: the enum becomes a type of its own.
func lakeStructure(t transform.Table) object {
	var properties, definitions object
	for _, c := range t.Columns {
		var kind any = structureType(c.Type)
		values := t.Values[c.Name]
		if values != nil {
			definitions = append(definitions, member{c.Name, object{{"type", kind}, {"enum", values}}})
			kind = object{{"$ref", "#/definitions/" + c.Name}}
		}
		if c.Nullable {
			kind = []any{kind, "null"}
		}
		property := object{{"description", c.Comment}, {"type", kind}}
		if list, ok := c.Type.(*arrow.ListType); ok {
			property = append(property, member{"items", object{{"type", structureType(list.Elem())}}})
		}
		properties = append(properties, member{c.Name, property})
	}
	out := object{
		{"$schema", structureDialect},
		{"$id", lakeID("structure", t)},
		{"name", t.Name},
		{"description", lakeComment(t)},
		{"type", "object"},
		{"properties", properties},
		{"required", columnNames(t)},
		{"additionalProperties", false},
	}
	if definitions != nil {
		out = append(out, member{"definitions", definitions})
	}
	return out
}

// structureType is a column's type in JSON Structure. Its int64 is text, and its
// datetime has a zone: neither is what a row has.
func structureType(t arrow.DataType) string {
	switch t.ID() {
	case arrow.BOOL:
		return "boolean"
	case arrow.INT16:
		return "int16"
	case arrow.INT32:
		return "int32"
	case arrow.INT64:
		return "number"
	case arrow.FLOAT64:
		return "double"
	case arrow.DATE32:
		return "date"
	case arrow.LIST:
		return "array"
	}
	return "string"
}
