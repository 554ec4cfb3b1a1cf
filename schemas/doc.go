// Package schemas says what the data of Dexcom's API, of the lake and of the program's
// JSON look like, for machines: as JSON Schema, JSON Structure, OpenAPI and examples.
// The documents are generated from the tables that the code reads and writes by, and
// embedded: go test ./schemas -update writes them.
//
// Dexcom's types are described in package dexcom, rows of the lake in package transform,
// and what the program prints in the files cli_*.go here. Of that the documents are made
// in jsonschema.go, jsonstructure.go, example.go and openapi*.go for Dexcom's types, in
// lake*.go for rows, and in cli.go and shape.go for JSON outputs. Of all these the program
// calls none: it takes the forms of its outputs, and what check*.go find in saved answers.
package schemas
