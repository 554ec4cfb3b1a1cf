package schemas

import (
	"embed"
	"slices"
)

//go:embed */*.json
var files embed.FS

// A Schema says what one kind of JSON value looks like.
type Schema struct {
	Group   string // dexcom, lake or cli
	Name    string // within its group, such as egv-record
	Title   string // such as EGV Record
	Comment string // what it is, in a sentence or two
}

// All returns every schema, group by group.
func All() []Schema {
	return slices.Concat(dexcomSchemas(), lakeSchemas(), cliSchemas())
}

// A Dialect is a kind of document about a schema: the name of a language of schemas, or
// an example.
type Dialect string

// The dialects.
const (
	JSONSchema    Dialect = "json-schema"    // JSON Schema 2020-12
	JSONStructure Dialect = "json-structure" // JSON Structure core v0
	Example       Dialect = "example"        // a value that the schema takes
)

// ending is how the name of a document in d ends.
func (d Dialect) ending() string {
	switch d {
	case JSONSchema:
		return ".schema.json"
	case JSONStructure:
		return ".struct.json"
	}
	return "." + string(d) + ".json"
}

// path is where the document of s in d is, below this folder.
func (s Schema) path(d Dialect) string { return s.Group + "/" + s.Name + d.ending() }

// Document returns the document of s in d, JSON on indented lines; false: there is
// none.
func (s Schema) Document(d Dialect) ([]byte, bool) {
	text, err := files.ReadFile(s.path(d))
	return text, err == nil
}

const openAPIPath = "dexcom/openapi.json"

// OpenAPI returns the description of Dexcom's API as an OpenAPI 3.1 document.
func OpenAPI() []byte {
	text, _ := files.ReadFile(openAPIPath)
	return text
}

// documents are what a group has, by path below this folder: each is an object, or any
// other value that JSON has.
type documents map[string]any
