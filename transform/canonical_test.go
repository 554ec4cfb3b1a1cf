package transform

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

func TestCanonical(t *testing.T) {
	for _, test := range []struct{ sent, want, withoutNulls string }{
		{` 1 `, `1`, `1`},
		{`1.50`, `1.50`, `1.50`},
		{`12345678901234567890`, `12345678901234567890`, `12345678901234567890`},
		{`"\u0041\/\ud83d\ude00"`, `"A/😀"`, `"A/😀"`},
		{`null`, `null`, `null`},
		{`[ ]`, `[]`, `[]`},
		{`{ }`, `{}`, `{}`},
		{`[true, null, {"b":null,"a":[{}]}]`, `[true,null,{"a":[{}],"b":null}]`, `[true,null,{"a":[{}]}]`},
		{`{"b":1,"a":{"d":2,"c":null}}`, `{"a":{"c":null,"d":2},"b":1}`, `{"a":{"d":2},"b":1}`},
		{`{"a":2,"a":1}`, `{"a":2,"a":1}`, `{"a":2,"a":1}`},
	} {
		if got := canonical(jsontext.Value(test.sent), verbatim); string(got) != test.want {
			t.Errorf("canonical(%s) = %s, want %s", test.sent, got, test.want)
		}
		if got := canonical(jsontext.Value(test.sent), nulls); string(got) != test.withoutNulls {
			t.Errorf("canonical(%s, nulls) = %s, want %s", test.sent, got, test.withoutNulls)
		}
	}
}

// Canonical JSON says the same, and says it once and for all.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{`{"b":[1,{"a":null}],"a":"\u00e9"}`, `[]`, `-0.0`, `"\\"`, `{"":{"":0}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		v := jsontext.Value(sent)
		if !v.IsValid() {
			return
		}
		got := canonical(v, verbatim)
		if again := canonical(got, verbatim); !bytes.Equal(again, got) {
			t.Errorf("canonical(%s) = %s, and of that %s", sent, got, again)
		}
		var a, b any
		if json.Unmarshal(sent, &a) != nil {
			return // numbers beyond float64
		}
		if err := json.Unmarshal(got, &b); err != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("canonical(%s) = %s says something else, %v", sent, got, err)
		}
	})
}

// No two lists of parts have one digest, however they are cut.
func TestDigestSeparates(t *testing.T) {
	parts := rapid.SliceOfN(rapid.SliceOfN(rapid.ByteRange('a', 'b'), 0, 3), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		same := len(a) == len(b)
		for i := range a {
			same = same && bytes.Equal(a[i], b[i])
		}
		if (digest(a...) == digest(b...)) != same {
			t.Fatalf("digest(%q) == digest(%q) is %v", a, b, !same)
		}
	})
}
