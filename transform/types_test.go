package transform

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Whatever a type admits in a field becomes a row, without a warning.
func TestWhatTypesAdmitIsARow(t *testing.T) {
	for resource, name := range recordTypes() {
		record := exampleOf(t, name)
		becomesRow(t, resource, record, "")
		eachField(t, name, record, func(f dexcom.Field, of map[string]any) {
			before := of[f.Name]
			for _, value := range admitted(f) {
				of[f.Name] = value
				becomesRow(t, resource, record, "")
			}
			if delete(of, f.Name); !f.Required {
				becomesRow(t, resource, record, "")
			}
			of[f.Name] = before
		})
	}
}

// Another spelling of a value becomes the usual one.
func TestSpellingsOfTypesAreKnown(t *testing.T) {
	for resource, name := range recordTypes() {
		record := exampleOf(t, name)
		eachField(t, name, record, func(f dexcom.Field, of map[string]any) {
			before := of[f.Name]
			values, _ := dexcom.TypeNamed(f.Of)
			for other, usual := range values.Means {
				of[f.Name] = other
				becomesRow(t, resource, record, usual)
			}
			of[f.Name] = before
		})
	}
}

// Numbers fit their columns in either unit.
func TestBoundsOfTypesInMmol(t *testing.T) {
	for resource, name := range recordTypes() {
		record := exampleOf(t, name)
		for name, unit := range map[string]string{"unit": mmol, "rateUnit": mmol + "/min"} {
			if record[name] != nil {
				record[name] = unit
			}
		}
		eachField(t, name, record, func(f dexcom.Field, of map[string]any) {
			if f.Kind == dexcom.IsWhole || f.Kind == dexcom.IsReal {
				before := of[f.Name]
				for _, of[f.Name] = range admitted(f) {
					becomesRow(t, resource, record, "")
				}
				of[f.Name] = before
			}
		})
	}
}

// A rate is still a rate when it is in mg/dL.
func TestEventInMmol(t *testing.T) {
	for sent, want := range map[string]string{mmol: mgdl, mmol + "/min": mgdl + "/min"} {
		got := apply(t, answerOf(dexcom.Events, pageOf(dexcom.Events, `{`+when+`,"eventType":"bloodGlucose","value":"2","unit":"`+sent+`"}`)))
		expect(t, sent, got.rows["events"][0], row{"value": 2 * mgdlPerMmol, "unit": want})
	}
}

func recordTypes() map[dexcom.Resource]string {
	return map[dexcom.Resource]string{
		dexcom.EGVs: "egv-record", dexcom.Events: "event-record", dexcom.Calibrations: "calibration-record",
		dexcom.Alerts: "alert-record", dexcom.Devices: "device-record",
	}
}

// admitted are values at the edge of what f admits.
func admitted(f dexcom.Field) (values []any) {
	of, _ := dexcom.TypeNamed(f.Of)
	switch f.Kind {
	case dexcom.IsEnum:
		for _, value := range of.Values {
			values = append(values, value)
		}
	case dexcom.IsWhole, dexcom.IsReal:
		values = append(values, f.Min, f.Max)
	case dexcom.IsNote:
		values = append(values, "", "-1.00", "about 40", 400, strings.Repeat("🍕", 4096))
	case dexcom.IsBool:
		values = append(values, true, false)
	case dexcom.IsText:
		values = append(values, strings.Repeat("🍕", dexcom.MaxTextBytes/4))
		if f.Min == 0 {
			values = append(values, "")
		}
	case dexcom.IsList:
		values = append(values, []any{})
	}
	if f.Null {
		values = append(values, nil)
	}
	return values
}

func exampleOf(t *testing.T, name string) (record map[string]any) {
	of, _ := dexcom.TypeNamed(name)
	if err := json.Unmarshal([]byte(of.Example), &record); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return record
}

// becomesRow checks that record becomes a row without a warning; with usual somewhere,
// if that is not empty.
func becomesRow(t *testing.T, resource dexcom.Resource, record map[string]any, usual string) {
	t.Helper()
	sent, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	got := apply(t, answerOf(resource, pageOf(resource, string(sent))))
	if got.Rejected != 0 || len(got.Warnings) > 0 || len(got.rows[string(resource)]) != 1 {
		t.Errorf("%s %s: %d rejected, warnings %v", resource, sent, got.Rejected, got.Warnings)
	}
	if rows := fmt.Sprint(got.rows); !strings.Contains(rows, ":"+usual+" ") && usual != "" {
		t.Errorf("%s %s: want %s in %s", resource, sent, usual, rows)
	}
}

// eachField calls each of the fields of an object of the type called name, at any
// depth, with the object that it is in. Objects that are null it fills.
func eachField(t *testing.T, name string, object map[string]any, each func(f dexcom.Field, of map[string]any)) {
	of, _ := dexcom.TypeNamed(name)
	for _, f := range of.Fields {
		each(f, object)
		switch f.Kind {
		case dexcom.IsObject:
			if object[f.Name] == nil {
				object[f.Name] = exampleOf(t, f.Of)
			}
			eachField(t, f.Of, object[f.Name].(map[string]any), each)
		case dexcom.IsList:
			for _, element := range object[f.Name].([]any) {
				if inner, ok := element.(map[string]any); ok {
					eachField(t, f.Of, inner, each)
				}
			}
		}
	}
}
