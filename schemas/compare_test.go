package schemas

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/transform"
)

// compare fails the test if the schema and the decoder differ about answer, an answer
// of r as JSON, and no limit and no leniency says why. It reports whether the schema
// takes it, and names the leniencies.
func compare(t testing.TB, r dexcom.Resource, answer any) (taken bool, lenient []string) {
	t.Helper()
	body, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	v := validatorOf(t, typeOf(r))
	refusals, rejected := v.refusals(answer), decoded(t, r, body)
	if len(refusals) == 0 {
		for _, reason := range rejected {
			if !slices.ContainsFunc(limits(), func(l limit) bool { return slices.Contains(l.reasons, reason) }) {
				t.Errorf("the schema of %s takes what the decoder does not (%s): %.2000s", v.Name, reason, body)
			}
		}
		return true, nil
	}
	if len(rejected) > 0 {
		return false, nil
	}
	for _, refused := range byPlace(refusals) {
		name, ok := v.leniencyOf(answer, refused)
		if !ok {
			t.Errorf("the decoder takes what the schema of %s does not (%s: %T %.300v), and no leniency says so: %.2000s",
				v.Name, strings.Join(refused[0].at, "/"), refused[0].kind, refused[0].kind, body)
		}
		lenient = append(lenient, name)
	}
	return false, lenient
}

// byPlace puts together what is wrong at one place.
func byPlace(refusals []refusal) (places [][]refusal) {
	at := map[string]int{}
	for _, r := range refusals {
		place := strings.Join(r.at, "/")
		if p, named := r.kind.(*kind.PropertyNames); named {
			place = "/" + p.Property // the validator does not keep the place
		}
		i, known := at[place]
		if !known {
			i = len(places)
			at[place], places = i, append(places, nil)
		}
		places[i] = append(places[i], r)
	}
	return places
}

// leniencyOf names the leniency that explains any of what is wrong at a place.
func (v *validator) leniencyOf(answer any, refused []refusal) (name string, ok bool) {
	for _, l := range leniencies() {
		for _, r := range refused {
			if l.explains(v.difference(answer, r)) {
				return l.name, true
			}
		}
	}
	return "", false
}

// decoded is why the decoder does not take body, or some records of it.
func decoded(t testing.TB, r dexcom.Resource, body []byte) (rejected []string) {
	t.Helper()
	batch, err := transform.Apply(t.Context(), memory.DefaultAllocator, transform.Answer{
		RequestID: "R1", ParticipantID: "P001", ConnectionID: "C1", Resource: r, Body: body,
		AskedAt: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), // nothing is after it
	})
	if err != nil {
		return []string{err.Error()}
	}
	defer batch.Release()
	if rows := batch.Tables["rejects"]; rows != nil {
		column := rows.Column(rows.Schema().FieldIndices("reason")[0])
		for i := range column.Len() {
			rejected = append(rejected, transform.TextAt(column, i))
		}
	}
	return rejected
}

// A difference is where a schema does not take what the decoder takes.
type difference struct {
	refusal
	of    dexcom.Type  // the object that is wrong or has the field
	field dexcom.Field // zero: it is the object itself
	value any
}

// difference finds the field that a refusal is about.
func (v *validator) difference(answer any, refused refusal) difference {
	d := difference{refusal: refused, of: v.Type, value: answer}
	inside := v.Type // of the value in hand
	if _, named := refused.kind.(*kind.PropertyNames); named {
		return d
	}
	for _, step := range refused.at {
		switch value := d.value.(type) {
		case map[string]any:
			i := slices.IndexFunc(inside.Fields, func(f dexcom.Field) bool { return slices.Contains(spellings(f), step) })
			if i < 0 {
				return d
			}
			d.of, d.field, d.value = inside, inside.Fields[i], value[step]
			inside = types().named(d.field.Of)
		case []any:
			i, _ := strconv.Atoi(step)
			d.value = value[i]
		}
	}
	if _, isObject := d.value.(map[string]any); isObject && inside.Fields != nil {
		d.of, d.field = inside, dexcom.Field{}
	}
	return d
}
