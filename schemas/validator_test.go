package schemas

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// types are all of Dexcom's.
var types = sync.OnceValue(func() catalogue { return dexcom.Types() })

// A validator is the schema document of a type of Dexcom's, compiled, which checks it
// against its own meta-schema.
type validator struct {
	dexcom.Type
	document map[string]any
	compiled *jsonschema.Schema
}

var validators struct {
	sync.Mutex
	made map[string]*validator
}

// validatorOf returns that of the type called name.
func validatorOf(t testing.TB, name string) *validator {
	t.Helper()
	validators.Lock()
	defer validators.Unlock()
	if v := validators.made[name]; v != nil {
		return v
	}
	of, known := dexcom.TypeNamed(name)
	if !known {
		t.Fatalf("there is no type %s", name)
	}
	text, err := document(schemaDocument(types(), of))
	if err != nil {
		t.Fatal(err)
	}
	v := &validator{Type: of, document: parsed(t, text).(map[string]any)}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(v.document["$id"].(string), v.document); err != nil {
		t.Fatal(err)
	}
	if v.compiled, err = c.Compile(v.document["$id"].(string)); err != nil {
		t.Fatal(err)
	}
	if validators.made == nil {
		validators.made = map[string]*validator{}
	}
	validators.made[name] = v
	return v
}

// parsed is JSON as the validator takes it.
func parsed(t testing.TB, text []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return value
}

// holds fails the test if v does not take text.
func (v *validator) holds(t testing.TB, what string, text []byte) {
	t.Helper()
	if err := v.compiled.Validate(parsed(t, text)); err != nil {
		t.Errorf("%s is no %s: %v", what, v.Name, err)
	}
}

// A refusal is where a value is not what its schema says, and what is wrong there.
type refusal struct {
	at   []string
	kind jsonschema.ErrorKind
}

// refusals are those of value, the innermost ones. That a value is not null is told
// only where it may be nothing else.
func (v *validator) refusals(value any) (all []refusal) {
	err := v.compiled.Validate(value)
	if err == nil {
		return nil
	}
	var root *jsonschema.ValidationError
	if !errors.As(err, &root) {
		return []refusal{{kind: &kind.InvalidJsonValue{Value: err}}}
	}
	var gather func(e *jsonschema.ValidationError)
	gather = func(e *jsonschema.ValidationError) {
		if _, named := e.ErrorKind.(*kind.PropertyNames); named || len(e.Causes) == 0 {
			if wanted, ok := e.ErrorKind.(*kind.Type); !ok || len(wanted.Want) != 1 || wanted.Want[0] != "null" {
				all = append(all, refusal{e.InstanceLocation, e.ErrorKind})
			}
			return
		}
		for _, cause := range e.Causes {
			gather(cause)
		}
	}
	gather(root)
	return all
}
