// Package schemas says what the data of Dexcom's API, of the lake and of the program's
// JSON look like, for machines: as JSON Schema, JSON Structure, OpenAPI and examples.
// The documents are generated from the tables that the code reads and writes by, and
// embedded.
package schemas
