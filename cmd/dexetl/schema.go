package main

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/table"
)

// schemaArg is the name of a type.
const schemaArg = "TYPE"

// openAPI is the dialect of the one document that is about no type alone.
const openAPI = "openapi"

// dialects are the languages that --dialect takes.
func dialects() []string {
	return []string{string(schemas.JSONSchema), string(schemas.JSONStructure), openAPI}
}

func (p *program) schemaCommand() *cli.Command {
	return &cli.Command{
		Name: "schema", Usage: "what data look like, for machines: list, show; and check of saved answers",
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "the types of Dexcom's API, of the lake's tables and of JSON outputs",
				Action: func(context.Context, *cli.Command) error { return p.print(p.schemaTable()) },
			},
			p.schemaShowCommand(),
			p.schemaCheckCommand(),
		},
	}
}

func (p *program) schemaTable() table.Table {
	form := schemas.Schemas()
	t := table.Table{Schema: form.Schema(), Columns: form.Columns(), First: []string{"group", "name", "documents"}}
	for _, s := range schemas.All() {
		t.Rows = append(t.Rows, []any{s.Group, whole(s.FullName()), p.documentsOf(s), s.Title})
	}
	return t
}

// documentsOf names the documents of s: for programs a list.
func (p *program) documentsOf(s schemas.Schema) any {
	names := mapped(s.Dialects(), func(d schemas.Dialect) string { return string(d) })
	if p.flags.json {
		return names
	}
	return whole(strings.Join(names, ", "))
}

// whole is text that a table does not cut: it is to be typed again.
type whole string

func (p *program) schemaShowCommand() *cli.Command {
	var dialect string
	var example bool
	return &cli.Command{
		Name: "show", Usage: "the document of one type, or of Dexcom's API", ArgsUsage: "[" + schemaArg + "]",
		Description: "TYPE is a name of schema list. With --dialect openapi there is none: that document is of the whole API.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dialect", Usage: "`LANGUAGE` of the document: " + strings.Join(dialects(), ", "), Value: string(schemas.JSONSchema), Destination: &dialect},
			&cli.BoolFlag{Name: "example", Usage: "a value of the type instead", Destination: &example},
		},
		Action: func(_ context.Context, c *cli.Command) error {
			switch {
			case example && c.IsSet("dialect"):
				return failure(exitUsage, helpOf(c), "--example is a value of the type: it has no --dialect")
			case !slices.Contains(dialects(), dialect):
				return usage("--dialect %q: not one of %s", dialect, strings.Join(dialects(), ", "))
			case dialect == openAPI && c.Args().Present():
				return failure(exitUsage, dexetl("schema", "show", "--dialect", openAPI), "--dialect openapi is of the whole API: it takes no TYPE")
			case dialect == openAPI:
				return p.document(schemas.OpenAPI())
			}
			name, err := one(c, schemaArg)
			if err != nil {
				return err
			}
			if example {
				dialect = string(schemas.Example)
			}
			return p.showSchema(name, schemas.Dialect(dialect))
		},
	}
}

func (p *program) showSchema(name string, d schemas.Dialect) error {
	s, err := schemas.Named(name)
	if err != nil {
		return schemaNext(err)
	}
	text, ok := s.Document(d)
	if !ok {
		return failure(exitUsage, dexetl("schema", "show", s.FullName()), "there is no %s of %s", d, s.FullName())
	}
	return p.document(text)
}

// schemaNext is err of schemas.Named with the next command.
func schemaNext(err error) error {
	return failure(exitUsage, dexetl("schema", "list"), "%w", err)
}

// document writes a document, which is JSON with or without --json.
func (p *program) document(text []byte) error {
	_, err := p.stdout.Write(text)
	return err
}
