package schemas

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// What a schema takes the decoder takes, and what the decoder takes beyond that is a
// leniency: of documents made of the schemas, as they are and spoiled in a few places.
func TestSchemasAreTheDecoder(t *testing.T) {
	const rounds = 200
	for _, r := range resources {
		v := validatorOf(t, typeOf(r))
		made, whole, spoiled := 0, 0, map[string]int{}
		for seed := range uint64(rounds) {
			g := generator{rand.New(rand.NewPCG(seed, 1)), v.document}
			answer := g.value(v.document)
			made++
			if taken, _ := compare(t, r, answer); taken {
				whole++
			}
			for range 1 + g.IntN(2) {
				answer = g.mutate(answer)
			}
			taken, lenient := compare(t, r, answer)
			switch {
			case taken:
				spoiled["taken"]++
			case len(lenient) == 0:
				spoiled["refused by both"]++
			}
			for _, name := range lenient {
				spoiled[name]++
			}
			if t.Failed() {
				t.Fatalf("%s, seed %d", r, seed)
			}
		}
		t.Logf("%s: %d of %d documents hold; spoiled ones: %v", r, whole, made, spoiled)
		if whole < made*99/100 {
			t.Errorf("of %d documents of the schema of %s it takes %d", made, r, whole)
		}
	}
}

// The same of any bodies.
func FuzzSchemasAreTheDecoder(f *testing.F) {
	for i, r := range resources {
		answer := exampleAnswer(f, r)
		for seed := range uint64(20) {
			text, err := json.Marshal(answer)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(i, text)
			g := generator{rand.New(rand.NewPCG(seed, 2)), nil}
			answer = g.mutate(answer)
		}
	}
	f.Fuzz(func(t *testing.T, which int, body []byte) {
		if !comparable(body) {
			t.Skip("what a schema cannot say")
		}
		answer, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			t.Skip("no JSON")
		}
		compare(t, resources[uint(which)%uint(len(resources))], answer)
	})
}

// comparable reports whether body is JSON without names that come twice, broken text
// and numbers of many digits: limits that no schema says.
func comparable(body []byte) bool {
	const digits, exponent = 30, 3
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return d.StackDepth() == 0
		}
		if token.Kind() != '0' {
			continue
		}
		text := token.String()
		e := bytes.IndexAny([]byte(text), "eE")
		if len(text) > digits || e >= 0 && len(text)-e > exponent+1 {
			return false
		}
	}
}

// A long note is a row: people write more than enums have.
func TestLongNote(t *testing.T) {
	answer := exampleAnswer(t, dexcom.Events)
	change(t, answer, "records/0/eventType", `"notes"`)
	change(t, answer, "records/0/value", `"`+strings.Repeat("ä", 10_000)+`"`)
	if taken, _ := compare(t, dexcom.Events, answer); !taken {
		t.Error("the schema refuses it")
	}
}
