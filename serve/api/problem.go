package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/study"
)

// A Problem is an answer that says why not.
type Problem struct {
	Status     int
	Detail     string
	Wrong      []Wrong       // of 422: what is wrong with what was sent
	Body       any           // the whole answer, where a route has a form of its own
	RetryAfter time.Duration // 0: not said
}

// Wrong is one thing that is wrong with a request.
type Wrong struct {
	Where   string // such as query.start_date or body.user_id
	Message string
}

// Refusal is a Problem with a status and a sentence.
func Refusal(status int, detail string) *Problem { return &Problem{Status: status, Detail: detail} }

// Invalid is a Problem about one value of a request, such as query.start_date.
func Invalid(where, format string, args ...any) *Problem {
	return &Problem{Status: http.StatusUnprocessableEntity, Detail: invalid, Wrong: []Wrong{{where, fmt.Sprintf(format, args...)}}}
}

const invalid = "the request is not valid"

func unauthorized(detail string) *Problem {
	return Refusal(http.StatusUnauthorized, detail+": send one in "+KeyHeader+", or as Authorization: Bearer")
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is for huma.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders are for huma: what goes along with an answer of this status.
func (p *Problem) GetHeaders() http.Header {
	h := make(http.Header)
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.RetryAfter+time.Second-1)/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	return h
}

// isVital reports whether a path is one of Vital's, with refusals in its form.
func isVital(path string) bool {
	return strings.HasPrefix(path, "/v2/") || strings.HasPrefix(path, "/v1/org/")
}

// A VitalError is a refusal as Vital's clients know it.
type VitalError struct {
	Detail any `json:"detail" doc:"A sentence; of 422, a list of what is wrong"`
}

// A VitalWrong is one thing that is wrong with a request, as Vital's clients know it.
type VitalWrong struct {
	Loc  []any  `json:"loc"`
	Msg  string `json:"msg"`
	Type string `json:"type"`
}

// body is the answer in the form of a path.
func (p *Problem) body(path string) (contentType string, body any) {
	switch {
	case p.Body != nil:
		return "application/json", p.Body
	case isVital(path) && p.Wrong != nil:
		list := make([]VitalWrong, len(p.Wrong))
		for i, w := range p.Wrong {
			list[i] = VitalWrong{Loc: locOf(w.Where), Msg: w.Message, Type: typeOf(w.Message)}
		}
		return "application/json", VitalError{list}
	case isVital(path):
		return "application/json", VitalError{p.Detail}
	}
	problem := huma.ErrorModel{Title: http.StatusText(p.Status), Status: p.Status, Detail: p.Detail}
	for _, w := range p.Wrong {
		problem.Errors = append(problem.Errors, &huma.ErrorDetail{Location: w.Where, Message: w.Message})
	}
	return "application/problem+json", problem
}

var locPart = regexp.MustCompile(`[^.\[\]]+`)

// locOf takes body.types[0] apart.
func locOf(where string) []any {
	loc := []any{}
	for _, part := range locPart.FindAllString(where, -1) {
		if n, err := strconv.Atoi(part); err == nil {
			loc = append(loc, n)
		} else {
			loc = append(loc, part)
		}
	}
	return loc
}

func typeOf(message string) string {
	if strings.Contains(message, "required") {
		return "value_error.missing"
	}
	return "value_error"
}

// problem is what the caller is told of an error: nothing that is not meant for them.
func (a *API) problem(ctx context.Context, err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if ctx.Err() != nil {
		return Refusal(statusGone, "the caller is gone")
	}
	if _, busy := errors.AsType[*state.BusyError](err); busy {
		return &Problem{Status: http.StatusServiceUnavailable, Detail: "busy: try again", RetryAfter: 2 * time.Second}
	}
	if _, unsure := errors.AsType[*study.UnsureError](err); unsure {
		a.Log.Error("nothing is handed out", "route", visitOf(ctx).route, "error", err)
		return Refusal(http.StatusServiceUnavailable, "whether somebody has withdrawn cannot be told: at the server, dexetl status says what to do")
	}
	a.Log.Error("request failed", "route", visitOf(ctx).route, "error", err)
	return broken()
}

// statusGone is in the log for a caller who does not wait for the answer.
const statusGone = 499

func broken() *Problem {
	return Refusal(http.StatusInternalServerError, "something went wrong here; the log of the server says what")
}

// transform gives what the library refuses, and what handlers do, the form of the route.
func (a *API) transform(ctx huma.Context, _ string, v any) (any, error) {
	var p *Problem
	switch v := v.(type) {
	case *Problem:
		p = v
	case *huma.ErrorModel:
		p = ofLibrary(v)
	default:
		return v, nil
	}
	contentType, body := p.body(ctx.Operation().Path)
	ctx.SetHeader("Content-Type", contentType)
	return body, nil
}

// ofLibrary is a refusal of the library's, without the values that were sent.
func ofLibrary(e *huma.ErrorModel) *Problem {
	if e.Status >= http.StatusInternalServerError {
		return broken()
	}
	p := Refusal(e.Status, e.Detail)
	for _, d := range e.Errors {
		p.Wrong = append(p.Wrong, Wrong{Where: d.Location, Message: d.Message})
	}
	if e.Status == http.StatusUnprocessableEntity {
		p.Detail = invalid
	}
	return p
}

// refuse answers before the route's handler is asked.
func (a *API) refuse(ctx huma.Context, p *Problem) {
	for name, values := range p.GetHeaders() {
		ctx.SetHeader(name, values[0])
	}
	contentType, body := p.body(ctx.Operation().Path)
	ctx.SetHeader("Content-Type", contentType)
	ctx.SetStatus(p.Status)
	json.NewEncoder(ctx.BodyWriter()).Encode(body) // who is gone needs no answer
}

// write is refuse where there is no route.
func (p *Problem) write(w http.ResponseWriter, path string) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	contentType, body := p.body(path)
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(body) // who is gone needs no answer
}
