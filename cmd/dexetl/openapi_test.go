package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// The API's description of itself is OpenAPI 3.1, as another library understands it.
func TestDescriptionOfTheAPI(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := openBench(t, dexsim.Config{Seed: 5, Participants: 1, Days: 1}, demoNow)
	text := b.get("/openapi.json")
	document, err := openapi3.NewLoader().LoadFromData(text)
	check(t, err)
	if document.OpenAPI != "3.1.0" {
		t.Errorf("version %s, want 3.1.0", document.OpenAPI)
	}
	check(t, document.Validate(t.Context()))
}

// get is what the API answers without a listener.
func (b *bench) get(path string) []byte {
	b.t.Helper()
	w := httptest.NewRecorder()
	b.service().front().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	text, err := io.ReadAll(w.Result().Body)
	check(b.t, err)
	if w.Code != http.StatusOK {
		b.t.Fatalf("GET %s: %d %s", path, w.Code, text)
	}
	return text
}
