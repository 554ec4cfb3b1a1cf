package schemas

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/textfile"
)

func checked(t testing.TB, text, as string) Report {
	t.Helper()
	report, err := CheckAnswers(strings.NewReader(text), as)
	if err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return report
}

// What is new about an answer is told by path, once and with a count.
func TestCheckTellsWhatIsNew(t *testing.T) {
	const setting = "records/0/alertSchedules/0/alertSettings/0/"
	for _, test := range []struct {
		in    dexcom.Resource
		at    string
		value string // JSON; empty: the member is left out
		want  Finding
	}{
		{dexcom.EGVs, "records/0/sensorAge", `[]`, Finding{"", UnknownMember, "records[].sensorAge", 1, "list"}},
		{dexcom.EGVs, "more", `"2026-03-01T12:00:00Z"`, Finding{"", UnknownMember, "more", 1, "time"}},
		{dexcom.EGVs, "records/0/Value", `1`, Finding{"", UnknownMember, "records[].Value", 1, "number"}},
		{dexcom.EGVs, "records/0/status", `"veryHigh"`, Finding{"", UnknownValue, "records[].status", 1, `"veryHigh"`}},
		{dexcom.EGVs, "records/0/status", `"Anna Meier"`, Finding{"", UnknownValue, "records[].status", 1, "text of 10 bytes"}},
		{dexcom.EGVs, "records/0/unit", `""`, Finding{"", UnknownValue, "records[].unit", 1, "empty text"}},
		{dexcom.EGVs, "recordType", `"egvz"`, Finding{"", UnknownValue, "recordType", 1, `"egvz"`}},
		{dexcom.EGVs, "records/0/value", `"101"`, Finding{"", WrongType, "records[].value", 1, "text, not whole number"}},
		{dexcom.EGVs, "records/0/value", `101.5`, Finding{"", WrongType, "records[].value", 1, "number with decimals, not whole number"}},
		{dexcom.EGVs, "records/0/value", `1001`, Finding{"", OutOfRange, "records[].value", 1, "outside of 0 to 1000"}},
		{dexcom.EGVs, "records/0", `"x"`, Finding{"", WrongType, "records[]", 1, "text, not object"}},
		{dexcom.EGVs, "records", `{}`, Finding{"", WrongType, "records", 1, "object, not list"}},
		{dexcom.EGVs, "records/0/systemTime", `"31/03/2026 4:05 PM"`, Finding{"", NewTime, "records[].systemTime", 1, `"99/99/9999 9:99 AA"`}},
		{dexcom.EGVs, "records/0/systemTime", `"2026-03-31T14:05:00ZEST"`, Finding{"", NewTime, "records[].systemTime", 1, `"9999-99-99T99:99:99ZAAA"`}},
		{dexcom.EGVs, "records/0/recordId", `null`, Finding{"", NullValue, "records[].recordId", 1, "null"}},
		{dexcom.EGVs, "userId", "", Finding{"", Missing, "userId", 1, ""}},
		{dexcom.EGVs, "recordVersion", `""`, Finding{"", OutOfRange, "recordVersion", 1, "empty text"}},
		{dexcom.Devices, setting + "unit", `"stone"`, Finding{"", UnknownValue, "records[].alertSchedules[].alertSettings[].unit", 1, `"stone"`}},
		{dexcom.Devices, setting + "enabled", `1`, Finding{"", WrongType, "records[].alertSchedules[].alertSettings[].enabled", 1, "number, not true or false"}},
		{dexcom.DataRange, "egvs/end/systemTime", `5`, Finding{"", WrongType, "egvs.end.systemTime", 1, "number, not text"}},
	} {
		answer := exampleAnswer(t, test.in)
		change(t, answer, test.at, test.value)
		test.want.Type = typeOf(test.in)
		got := checked(t, jsonOf(t, answer), test.want.Type)
		if diff := cmp.Diff([]Finding{test.want}, got.Findings); diff != "" {
			t.Errorf("%s = %s (-want +got):\n%s", test.at, test.value, diff)
		}
	}
}

func jsonOf(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A new member of many records is one finding, and so is what is in it.
func TestCheckCounts(t *testing.T) {
	record := `{"new":{"a":[1,2],"it is a name":null},"value":1,"value":2}`
	text := `{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[` + strings.Repeat(record+",", 8639) + record + "]}"
	got := checked(t, text, "")
	if want := []Answers{{"egvs-response", 1, 8640}}; !slices.Equal(got.Read, want) {
		t.Errorf("read %v, want %v", got.Read, want)
	}
	want := []Finding{
		{"egvs-response", UnknownMember, "records[].new", 8640, "object"},
		{"egvs-response", UnknownMember, "records[].new.a", 8640, "list"},
		{"egvs-response", UnknownMember, "records[].new.a[]", 17280, "number"},
		{"egvs-response", UnknownMember, "records[].new.(name of 12 bytes)", 8640, "null"},
		{"egvs-response", SentTwice, "records[].value", 8640, ""},
	}
	got.Findings = slices.DeleteFunc(got.Findings, func(f Finding) bool { return f.What == Missing })
	if diff := cmp.Diff(want, got.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// Nobody reads more than a few hundred findings, and no file brings more.
func TestCheckEnds(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[]`)
	for i := range 2 * maxFindings {
		fmt.Fprintf(&text, `,"m%c%c%c":1`, 'a'+i/676%26, 'a'+i/26%26, 'a'+i%26)
	}
	found := checked(t, text.String()+"}", "").Findings
	if last := found[len(found)-1]; len(found) != maxFindings+1 || last.What != More || last.Count != maxFindings {
		t.Errorf("%d findings, the last %v", len(found), last)
	}
}

// An answer tells what it is; several may stand in one file.
func TestCheckReadsFiles(t *testing.T) {
	egvs, devices := jsonOf(t, exampleAnswer(t, dexcom.EGVs)), jsonOf(t, exampleAnswer(t, dexcom.Devices))
	record := jsonOf(t, types().example(types().named("egv-record")))
	untold := strings.Replace(devices, `"recordType"`, `"typeOfRecord"`, 1)
	for _, test := range []struct {
		name, text, as string
		want           []Answers
	}{
		{"one", egvs, "", []Answers{{"egvs-response", 1, 1}}},
		{"byte order mark", "\ufeff" + egvs, "", []Answers{{"egvs-response", 1, 1}}},
		{"gzip", gzipped(t, egvs), "", []Answers{{"egvs-response", 1, 1}}},
		{"lines", egvs + "\r\n" + devices + "\n" + egvs, "", []Answers{{"egvs-response", 2, 2}, {"devices-response", 1, 1}}},
		{"list", "[" + egvs + " ,\n" + devices + "]", "", []Answers{{"egvs-response", 1, 1}, {"devices-response", 1, 1}}},
		{"by members", untold, "", []Answers{{"devices-response", 1, 1}}},
		{"tokens", `{"access_token":"a","expires_in":7200,"token_type":"Bearer","refresh_token":"r"}`, "", []Answers{{"token-response", 1, 0}}},
		{"a record", record, "", []Answers{{"egv-record", 1, 0}}},
		{"records", "[" + record + "," + record + "]", "egv-record", []Answers{{"egv-record", 2, 0}}},
		{"overruled", egvs, "events-response", []Answers{{"events-response", 1, 1}}},
		{"an enum", `"flat"`, "trend-type", []Answers{{"trend-type", 1, 0}}},
		{"a time", `"2026-03-01T12:00:00Z"`, "date-time", []Answers{{"date-time", 1, 0}}},
	} {
		if got := checked(t, test.text, test.as); !slices.Equal(got.Read, test.want) {
			t.Errorf("%s: read %v, want %v", test.name, got.Read, test.want)
		}
	}
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What cannot be read is refused, and nothing in the refusal is from the file.
func TestCheckRefuses(t *testing.T) {
	egvs := jsonOf(t, exampleAnswer(t, dexcom.EGVs))
	for _, test := range []struct{ text, want string }{
		{"", "there is nothing in it"},
		{"[]", "there is nothing in it"},
		{egvs[:300], "it ends in the middle"},
		{"[" + egvs, "it ends in the middle"},
		{"<html>Anna</html>", "it is not JSON from byte 1 on"},
		{egvs + "]", fmt.Sprintf("it is not JSON from byte %d on", len(egvs)+1)},
		{gzipped(t, egvs)[:60], "it ends in the middle"},
	} {
		if _, err := CheckAnswers(strings.NewReader(test.text), ""); err == nil || err.Error() != test.want {
			t.Errorf("%.40q: %v, want %s", test.text, err, test.want)
		}
	}
	// One that cannot be told of does not keep the others from being read.
	mixed := `{"error":"invalid_token"}` + egvs + `5` + egvs[:300]
	if report, err := CheckAnswers(strings.NewReader(mixed), ""); err == nil || err.Error() != "it ends in the middle" || len(report.Read) != 1 {
		t.Errorf("an error, an answer, a number and half an answer: %v, %v", report, err)
	}
	report, err := CheckAnswers(strings.NewReader(`{"error":"invalid_token"}`+egvs+`[5]`+egvs), "")
	if diff := cmp.Diff([]Answers{{"egvs-response", 2, 2}}, report.Read); diff != "" {
		t.Errorf("two answers between others (-want +got):\n%s", diff)
	}
	if want := "JSON value 1 and 1 more do not tell of which type they are"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	for _, text := range []string{`{"error":"invalid_grant"}`, `5`, `"Anna"`, `[[` + egvs + `]]`} {
		if _, err := CheckAnswers(strings.NewReader(text), ""); !errors.As(err, new(*UntoldError)) || strings.Contains(err.Error(), "Anna") {
			t.Errorf("%.40q: %v, want *UntoldError", text, err)
		}
	}
	if _, err := CheckAnswers(strings.NewReader("PK\x03\x04"), ""); !errors.As(err, new(*textfile.NotTextError)) {
		t.Errorf("a zip archive: %v", err)
	}
}

// What is the key of something, or what a person calls it, may stand as a name.
func TestCheckTellsNoNamesOfPeople(t *testing.T) {
	answer := exampleAnswer(t, dexcom.Devices)
	names := []string{"Anna", "AnnaMeier", "Nacht", "DX01AB", "hBpXqTzLvWnRkYsDfcJmgUaeZQxYWPLk", "hb3pxqtzlvwnrkysdfcjmguaezqxywpl", "anna@example.org"}
	for _, name := range names {
		change(t, answer, "records/0/alertSchedules/0/"+name, `{"`+name+`":"x"}`)
		change(t, answer, name, `1`)
	}
	report := fmt.Sprint(checked(t, jsonOf(t, answer), ""))
	for _, name := range names {
		if strings.Contains(report, name) {
			t.Errorf("%s is in the report: %s", name, report)
		}
	}
}

// A report tells nothing of people, wherever they are told of in an answer.
func TestCheckTellsNothingOfPeople(t *testing.T) {
	personal := []any{"Anna Meier", "Anna Meier called 0170-4242424", "4242-4242-4242", "a42424242b", json.Number("4242.4242"), "ä€4242"}
	for _, r := range resources {
		count := len(placesIn([]any{exampleAnswer(t, r)}, nil))
		for i := range count {
			for _, value := range personal {
				root := []any{exampleAnswer(t, r)}
				p := placesIn(root, nil)[i]
				p.put(value)
				if name, ok := value.(string); ok && p.object != nil {
					p.object[name] = map[string]any{name: []any{name}}
				}
				report := fmt.Sprint(checked(t, jsonOf(t, root[0]), typeOf(r)))
				for _, part := range []string{"Anna", "Meier", "42", "0170", "called"} {
					if strings.Contains(report, part) {
						t.Fatalf("%s: %q is in the report: %s", r, part, report)
					}
				}
			}
		}
	}
}

// Whatever a schema refuses, a check finds; examples and what the simulator sends
// without anomalies hold nothing new.
func TestCheckFindsWhatSchemasRefuse(t *testing.T) {
	for _, r := range resources {
		v, refused := validatorOf(t, typeOf(r)), 0
		for seed := range uint64(300) {
			g := generator{rand.New(rand.NewPCG(seed, 7)), v.document}
			answer := g.mutate(g.mutate(exampleAnswer(t, r)))
			if _, ok := answer.(map[string]any); !ok || v.compiled.Validate(answer) == nil {
				continue
			}
			refused++
			if text := jsonOf(t, answer); len(checked(t, text, typeOf(r)).Findings) == 0 {
				t.Fatalf("seed %d: a check finds nothing in %s", seed, text)
			}
		}
		if refused < 100 {
			t.Errorf("%s: %d answers refused: the test proves little", r, refused)
		}
		if found := checked(t, jsonOf(t, exampleAnswer(t, r)), "").Findings; found != nil {
			t.Errorf("the example of %s has %v", r, found)
		}
	}
	eachAnswer(t, 0, func(r dexcom.Resource, body []byte) {
		if found := checked(t, string(body), "").Findings; found != nil {
			t.Errorf("%s of the simulator have %v", r, found)
		}
	})
}

// Of what the simulator does with all anomalies, a check finds what dexetl does not know
// and nothing else.
func TestCheckFindsAnomalies(t *testing.T) {
	found := map[string]bool{}
	eachAnswer(t, dexsim.AllData, func(r dexcom.Resource, body []byte) {
		for _, f := range checked(t, string(body), "").Findings {
			found[fmt.Sprintf("%s %s: %s", f.What, f.Path, f.Seen)] = true
		}
	})
	want, err := os.ReadFile(filepath.Join("testdata", "anomalies.txt"))
	if err != nil && !*update {
		t.Fatal(err)
	}
	got := strings.Join(slices.Sorted(maps.Keys(found)), "\n") + "\n"
	if *update {
		if err := os.WriteFile(filepath.Join("testdata", "anomalies.txt"), []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("findings (-want +got), run with -update:\n%s", diff)
	}
}

// The answers that Dexcom published hold nothing new.
func TestCheckPublishedSamples(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join("..", "..", "shared", "fixtures", "*.json"))
	if len(files) == 0 {
		t.Skip("the published samples are not at hand")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := checked(t, string(text), "").Findings; found != nil {
			t.Errorf("%s: %v", file, found)
		}
	}
}
