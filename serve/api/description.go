package api

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/dexetl/dexetl/access"
)

// descriptionPath is where the API describes itself. Nobody needs a key to read it: it
// says nothing of the study.
const descriptionPath = "/openapi.json"

// The names of the ways to sign a request.
const (
	schemeKey    = "key"
	schemeBearer = "bearer"
	schemeManage = "managementKey"
	schemeLink   = "linkToken"
)

// config is the library's, without what it would add to answers and serve besides.
func (a *API) config() huma.Config {
	c := huma.DefaultConfig("dexetl", a.Version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil // a member $schema
	c.Formats = map[string]huma.Format{"application/json": answers(), "json": answers()}
	c.Transformers = []huma.Transformer{a.transform}
	c.AllowAdditionalPropertiesByDefault = true // what newer clients send
	c.Info.Description = "A study's glucose data: the routes of Vital below /v2 (for its clients), and the study's own below /v1."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		schemeKey:    {Type: "apiKey", In: "header", Name: KeyHeader},
		schemeBearer: {Type: "http", Scheme: "bearer"},
		schemeManage: {Type: "apiKey", In: "header", Name: ManageHeader, Description: "a key of scope manage"},
		schemeLink:   {Type: "apiKey", In: "header", Name: LinkTokenHeader},
	}
	return c
}

// answers is encoding/json, but for lists, which are never null.
func answers() huma.Format {
	options := jsonv2.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv2.FormatNilSliceAsNull(false), jsontext.EscapeForHTML(false))
	return huma.Format{
		Marshal:   func(w io.Writer, v any) error { return jsonv2.MarshalWrite(w, v, options) },
		Unmarshal: json.Unmarshal,
	}
}

// document adds to a route's description who may call it, and what refusals look like.
func (a *API) document(op *huma.Operation, needs Needs) {
	op.Security = []map[string][]string{{schemeKey: {}}, {schemeBearer: {}}}
	if needs.Scope == access.Manage {
		op.Security = append(op.Security, map[string][]string{schemeManage: {}})
	}
	if needs.LinkToken {
		op.Security = []map[string][]string{{schemeLink: {}}}
	}
	op.Extensions = map[string]any{"x-needs": needs.words()}
	if op.Responses == nil {
		op.Responses = make(map[string]*huma.Response)
	}
	for _, status := range needs.refusals() {
		if code := strconv.Itoa(status); op.Responses[code] == nil {
			op.Responses[code] = a.refusal(op.Path, status)
		}
	}
}

// words name what is needed.
func (n Needs) words() []string {
	if n.LinkToken {
		return []string{"link token"}
	}
	words := []string{"scope " + string(n.Scope)}
	if n.Glucose {
		words = append(words, "unblinded, if the study is blinded")
	}
	if n.Notes {
		words = append(words, "notes")
	}
	return words
}

func (n Needs) refusals() []int {
	all := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity,
		http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
	return all
}

// refusal describes a refusal of the routes of this form.
func (a *API) refusal(path string, status int) *huma.Response {
	contentType, kind := "application/problem+json", reflect.TypeFor[huma.ErrorModel]()
	if isVital(path) {
		contentType, kind = "application/json", reflect.TypeFor[VitalError]()
	}
	return &huma.Response{
		Description: http.StatusText(status),
		Content:     map[string]*huma.MediaType{contentType: {Schema: a.OpenAPI().Components.Schemas.Schema(kind, true, kind.Name())}},
	}
}

func (a *API) describe() ([]byte, error) { return json.MarshalIndent(a.OpenAPI(), "", "  ") }

func (a *API) serveDescription(w http.ResponseWriter, r *http.Request) {
	text, err := a.description()
	if err != nil {
		a.problem(r.Context(), err).write(w, r.URL.Path)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
}
