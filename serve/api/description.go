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
func (a *API) document(op *huma.Operation, needs Needs, sendsBody bool) {
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
	all := append(refusals(), op.Errors...)
	if sendsBody {
		all = append(all, refusalsOfBodies()...)
	}
	for _, status := range all {
		if code := strconv.Itoa(status); op.Responses[code] == nil {
			op.Responses[code] = a.refusal(op.Path, status)
		}
	}
	op.Errors = nil // the library would describe them in its own form
	op.Responses[strconv.Itoa(http.StatusRequestHeaderFieldsTooLarge)] = &huma.Response{Description: "The head of the request is too long; the answer is text, and the connection ends"}
}

// Describes reports whether the description of a route has answers of a status. A route is a
// pattern, as Observe is told of it; what is no route has none.
func (a *API) Describes(method, route string, status int) bool {
	if status == 0 || status == statusGone || status == http.StatusMethodNotAllowed || route == "" {
		return true // nobody gets it, or it is no operation's
	}
	at := a.OpenAPI().Paths[route]
	if at == nil {
		return route == descriptionPath
	}
	op := map[string]*huma.Operation{"GET": at.Get, "HEAD": at.Get, "POST": at.Post, "PUT": at.Put, "PATCH": at.Patch, "DELETE": at.Delete}[method]
	return op != nil && op.Responses[strconv.Itoa(status)] != nil
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
	return append(words, n.Besides...)
}

// refusals are those that every route has.
func refusals() []int {
	return []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity,
		http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
}

// refusalsOfBodies are those that routes have to which a body is sent: it is no JSON or not
// there, late, too long, or says that it is something else.
func refusalsOfBodies() []int {
	return []int{http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}
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
