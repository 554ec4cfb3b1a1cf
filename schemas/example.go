package schemas

import (
	"encoding/json"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// example is a value of t as it may be sent.
func (c catalogue) example(t dexcom.Type) any {
	if t.Fields == nil {
		return json.RawMessage(t.Example)
	}
	var made object
	for _, f := range t.Fields {
		if value := c.exampleOf(f); value != nil {
			made = append(made, member{f.Name, value})
		}
	}
	return made
}

// exampleOf is an example of the value of f; nil: f is left out.
func (c catalogue) exampleOf(f dexcom.Field) any {
	switch {
	case f.Example != "":
		return json.RawMessage(f.Example)
	case f.Kind == dexcom.IsObject:
		return c.example(c.named(f.Of))
	case f.Kind == dexcom.IsList:
		return []any{c.example(c.named(f.Of))}
	}
	return nil
}
