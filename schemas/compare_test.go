package schemas

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

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
	for _, refused := range refusals {
		d := v.difference(answer, refused)
		i := slices.IndexFunc(leniencies(), func(l leniency) bool { return l.explains(d) })
		if i < 0 {
			t.Errorf("the decoder takes what the schema of %s does not (%s: %T %+v), and no leniency says so: %.2000s",
				v.Name, strings.Join(refused.at, "/"), refused.kind, refused.kind, body)
			continue
		}
		lenient = append(lenient, leniencies()[i].name)
	}
	return false, lenient
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
	all := catalogue(dexcom.Types())
	inside := v.Type // of the value in hand
	for _, step := range refused.at {
		switch value := d.value.(type) {
		case map[string]any:
			i := slices.IndexFunc(inside.Fields, func(f dexcom.Field) bool { return slices.Contains(spellings(f), step) })
			if i < 0 {
				return d
			}
			d.of, d.field, d.value = inside, inside.Fields[i], value[step]
			inside = all.named(d.field.Of)
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
