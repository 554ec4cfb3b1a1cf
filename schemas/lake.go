package schemas

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/transform"
)

// lakeTables are the tables that people can open, those of a snapshot's folder with
// them. Of the hidden ones event_notes alone is for people.
func lakeTables() (open []transform.Table) {
	for _, t := range slices.Concat(transform.Tables(), snapshot.Computed()) {
		if !t.Hidden || t.Name == "event_notes" {
			open = append(open, t)
		}
	}
	return open
}

func lakeSchemas() (all []Schema) {
	for _, t := range lakeTables() {
		all = append(all, Schema{Group: "lake", Name: t.Name, Title: lakeTitle(t), Comment: t.Comment})
	}
	return all
}

func lakeDocuments() documents {
	all := documents{}
	for i, t := range lakeTables() {
		s := lakeSchemas()[i]
		all[s.path(JSONSchema)] = lakeSchema(t)
		all[s.path(JSONStructure)] = lakeStructure(t)
	}
	return all
}

// TableSchema is the JSON Schema of a row of a table that may lack columns of the lake's.
func TableSchema(t transform.Table) ([]byte, error) { return document(lakeSchema(t)) }

func lakeTitle(t transform.Table) string { return "Row of " + t.Name }

// lakeID names the columns of a table and the rules that fill them.
func lakeID(language string, t transform.Table) string {
	return fmt.Sprintf("urn:dexetl:%s:%d:lake:%s", language, t.Version, t.Name)
}

// lakeComment is what a document says of a row. Times have a T in JSON of dexetl's, and
// a blank in JSON of DuckDB's.
func lakeComment(t transform.Table) string {
	return strings.ToUpper(t.Comment[:1]) + t.Comment[1:] +
		". A row as dexetl query --json and DuckDB's JSON writer have it: times are wall clocks without a zone, with a T or a blank between date and time."
}

func columnNames(t transform.Table) (names []string) {
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return names
}

// Times and dates as text.
const (
	datePattern    = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
	instantPattern = datePattern + `[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?`
)

// lakeSchema is a row of t in JSON Schema.
func lakeSchema(t transform.Table) object {
	var properties object
	for _, c := range t.Columns {
		properties = append(properties, member{c.Name, lakeProperty(c, t.Values[c.Name])})
	}
	return object{
		{"$schema", schemaDialect},
		{"$id", lakeID("schema", t)},
		{"title", lakeTitle(t)},
		{"description", lakeComment(t)},
		{"type", "object"},
		{"properties", properties},
		{"required", columnNames(t)},
		{"additionalProperties", false},
	}
}

// lakeProperty is a column in JSON Schema; values are all it has, nil where others may
// come.
func lakeProperty(c transform.Column, values []any) object {
	kind, limits := jsonType(c.Type)
	out := object{{"description", c.Comment}, {"type", kind}}
	if c.Nullable {
		out[1].value = []string{kind, "null"}
	}
	if values != nil && c.Nullable {
		values = append(values[:len(values):len(values)], nil)
	}
	if values != nil {
		return append(out, member{"enum", values})
	}
	return append(out, limits...)
}

// jsonType is a column's type in JSON Schema, and what else its values keep to.
func jsonType(t arrow.DataType) (kind string, limits object) {
	switch t.ID() {
	case arrow.BOOL:
		return "boolean", nil
	case arrow.INT16:
		return "integer", object{{"minimum", -1 << 15}, {"maximum", 1<<15 - 1}}
	case arrow.INT32:
		return "integer", object{{"minimum", -1 << 31}, {"maximum", 1<<31 - 1}}
	case arrow.INT64:
		return "integer", nil
	case arrow.FLOAT64:
		return "number", nil
	case arrow.LIST:
		of, limits := jsonType(t.(*arrow.ListType).Elem())
		return "array", object{{"items", append(object{{"type", of}}, limits...)}}
	case arrow.DATE32:
		return "string", object{{"format", "date"}, {"pattern", "^" + datePattern + "$"}}
	case arrow.TIMESTAMP:
		return "string", object{{"pattern", "^" + instantPattern + "$"}}
	}
	return "string", nil
}
