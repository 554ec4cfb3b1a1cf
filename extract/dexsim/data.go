package dexsim

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/gzip"
)

// data serves one of the six data endpoints.
func (s *Server) data(w http.ResponseWriter, r *http.Request, resource string) {
	now := s.now()
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	p := s.person(s.tokens.user(bearer, now))
	if p == nil {
		refuseJSON(w, http.StatusUnauthorized, `{"error":"invalid_token"}`)
		return
	}
	if !s.tally.call(now) {
		refuseJSON(w, http.StatusTooManyRequests, "")
		return
	}
	q := question{person: p, resource: resource}
	var err error
	switch resource {
	case "devices":
	case "dataRange":
		q.since, err = sinceOf(r.URL.Query())
	default:
		q.window, err = windowOf(r.URL.Query())
	}
	if err != nil {
		quoted, _ := jsontext.AppendQuote(nil, err.Error())
		refuseJSON(w, http.StatusBadRequest, `{"errors":[`+string(quoted)+`]}`)
		return
	}
	s.reply(w, r, q, bearer, now)
}

// reply answers q, or lets it meet the fault whose turn it is.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, q question, bearer string, now int64) {
	answered := s.tally.ask(q)
	defer answered()
	v := s.viewOf(q.person, now)
	body, hits := v.answer(q)
	t := trouble{server: s, w: w, r: r, view: v, question: q, body: body, hits: hits}
	fault, variant := s.faults.next(q, v.certain(q))
	if fault == 0 {
		t.answer(answered)
		return
	}
	if fault == Unauthorized {
		s.tokens.drop(bearer)
	}
	answered() // before the client can ask again
	t.variant = variant
	t.befall(fault)
}

// refuse answers with an error, or what should be one.
func refuse(w http.ResponseWriter, status int, contentType, body string) {
	if body != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // nobody to tell
}

func refuseJSON(w http.ResponseWriter, status int, body string) {
	refuse(w, status, "application/json", body)
}

func refuseHTML(w http.ResponseWriter, status int) {
	refuse(w, status, "text/html; charset=utf-8", "<!doctype html>\n<html><head><title>"+strconv.Itoa(status)+" "+http.StatusText(status)+
		"</title></head><body><h1>Something went wrong</h1></body></html>\n")
}

// encode gzips body if r accepts it, and says so in w's header.
func (s *Server) encode(w http.ResponseWriter, r *http.Request, body []byte) []byte {
	w.Header().Set("Vary", "Accept-Encoding")
	if !acceptsGzip(r) {
		return body
	}
	w.Header().Set("Content-Encoding", "gzip")
	return s.compress(body)
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(part, " ", ""), ";")
		if name == "gzip" && weight != "q=0" {
			return true
		}
	}
	return false
}

// compress gzips body. Idle compressors are kept: each is some 800 kB.
func (s *Server) compress(body []byte) []byte {
	z, ok := s.gzips.Get().(*gzip.Writer)
	if !ok {
		z, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	}
	defer s.gzips.Put(z)
	out := &writer{b: make([]byte, 0, len(body)/6)}
	z.Reset(out)
	_, _ = z.Write(body) // a writer in memory does not fail
	_ = z.Close()
	return out.b
}

// Write implements io.Writer.
func (w *writer) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}
