package schemas

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Every schema is one by the meta-schema of 2020-12, and takes the example.
func TestExamples(t *testing.T) {
	for _, s := range dexcomSchemas() {
		example, ok := s.Document(Example)
		if !ok {
			t.Errorf("%s has no example", s.Name)
			continue
		}
		validatorOf(t, s.Name).holds(t, "the example", example)
	}
}

// The schemas within the OpenAPI document are JSON Schemas, and its references lead
// somewhere.
func TestOpenAPI(t *testing.T) {
	c := jsonschema.NewCompiler()
	whole := parsed(t, OpenAPI())
	if err := c.AddResource("urn:openapi", whole); err != nil {
		t.Fatal(err)
	}
	for _, of := range types() {
		s, err := c.Compile("urn:openapi#/components/schemas/" + identifier(of))
		if err != nil {
			t.Error(err)
			continue
		}
		text, err := json.Marshal(types().example(of))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(parsed(t, text)); err != nil {
			t.Errorf("the example of %s: %v", of.Name, err)
		}
	}
	eachReference(whole, func(ref string) {
		at := whole
		for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			at, _ = at.(map[string]any)[step]
		}
		if at == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	})
}

// What a server serves says of the API what the document says, and leads to nobody else.
func TestServedOpenAPI(t *testing.T) {
	served := ServedOpenAPI()
	if strings.Contains(string(served), "dexcom.com") {
		t.Error("it leads to Dexcom")
	}
	here := strings.NewReplacer("https://api.dexcom.com/", "/").Replace(string(OpenAPI()))
	want, got := parsed(t, []byte(here)).(map[string]any), parsed(t, served).(map[string]any)
	want["servers"] = []any{map[string]any{"url": "/", "description": "The server that has this document"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// No list may be null: see jsonStructure.value.
func TestListsAreNotNull(t *testing.T) {
	for _, of := range types() {
		for _, f := range of.Fields {
			if f.Kind == dexcom.IsList && f.Null {
				t.Errorf("%s.%s is a list that may be null", of.Name, f.Name)
			}
		}
	}
}

// eachReference calls each with every $ref in value.
func eachReference(value any, each func(string)) {
	switch value := value.(type) {
	case map[string]any:
		if ref, ok := value["$ref"].(string); ok {
			each(ref)
		}
		for _, v := range value {
			eachReference(v, each)
		}
	case []any:
		for _, v := range value {
			eachReference(v, each)
		}
	}
}

// The schemas take the samples that Dexcom publishes, where they are at hand.
func TestPublishedSamples(t *testing.T) {
	folder := filepath.Join("..", "..", "shared", "fixtures")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the published samples are not at hand: " + err.Error())
	}
	for file, of := range map[string]string{
		"01-official-v3-alerts.json":        "alerts-response",
		"02-official-v3-events.json":        "events-response",
		"03-official-v3-calibrations.json":  "calibrations-response",
		"04-official-v3-dataRange.json":     "data-range-response",
		"05-official-v3-devices-head.json":  "devices-response",
		"07-v3-egvs-glucodesk-test.json":    "egvs-response",
		"08-v3-egvs-empty.json":             "egvs-response",
		"17-swagger-v3-token-response.json": "token-response",
	} {
		text, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		validatorOf(t, of).holds(t, file, text)
	}
}
