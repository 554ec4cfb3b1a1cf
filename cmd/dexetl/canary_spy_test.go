package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// noteCanary is in every text that the spy lets a person write.
const noteCanary = "canarynote"

// A fault answers in the API's place, repeating what it was told.
type fault func(w http.ResponseWriter, told string)

// A spy stands before the simulated API. It learns every secret that passes,
// writes notes into the answers, and can answer badly in the API's place.
type spy struct {
	api http.Handler

	mu      sync.Mutex
	secrets map[string]string // text to what it is
	notes   int               // answers with notes so far
	bad     fault
	where   string // part of the paths that are answered badly
}

func (s *spy) learn(what string, texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		if text != "" {
			s.secrets[text] = what
		}
	}
}

func (s *spy) learned() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.secrets)
}

// misbehave makes bad answer where the path says, told all that the request
// and the true answer hold; nil ends that.
func (s *spy) misbehave(where string, bad fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bad, s.where = bad, where
}

func (s *spy) faultAt(path string) fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bad == nil || !strings.Contains(path, s.where) {
		return nil
	}
	return s.bad
}

func (s *spy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("Accept-Encoding")
	r.ParseForm()
	bad := s.faultAt(r.URL.Path)
	told := r.Form.Encode() + " " + r.Header.Get("Authorization") + " " + noteCanary
	if bad != nil && strings.HasSuffix(r.URL.Path, "/token") { // which nothing is spent for
		bad(w, told)
		return
	}
	answer := httptest.NewRecorder()
	s.api.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	if at, err := url.Parse(answer.Header().Get("Location")); err == nil {
		s.learn("authorisation code", at.Query().Get("code"))
	}
	var known struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		UserID  string `json:"userId"`
	}
	if json.Unmarshal(body, &known) == nil {
		s.learn("access token", known.Access)
		s.learn("refresh token", known.Refresh)
		s.learn("userId", known.UserID)
	}
	if strings.HasSuffix(r.URL.Path, "/events") {
		body = s.withNotes(body)
	}
	if bad != nil {
		bad(w, told+string(body))
		return
	}
	header := w.Header()
	maps.Copy(header, answer.Header())
	header.Del("Content-Length")
	w.WriteHeader(answer.Code)
	w.Write(body)
}

// withNotes adds to an answer with events all the ways in which a person's text
// may come.
func (s *spy) withNotes(body []byte) []byte {
	var page map[string]any
	if json.Unmarshal(body, &page) != nil {
		return body
	}
	records, _ := page["records"].([]any)
	if len(records) == 0 {
		return body
	}
	s.mu.Lock()
	s.notes++
	n := s.notes
	s.mu.Unlock()
	like, _ := records[0].(map[string]any)
	add := func(fields map[string]any) {
		record := maps.Clone(like)
		record["value"], record["recordId"] = noteCanary, fmt.Sprintf("%v-%d", like["recordId"], len(records))
		maps.Copy(record, fields)
		records = append(records, record)
	}
	add(map[string]any{"eventType": "notes"})
	add(map[string]any{"eventType": "notes", "value": fmt.Sprintf("%s edited %d", noteCanary, n)})
	add(map[string]any{"eventType": "note", "recordId": ""})
	add(map[string]any{"eventType": "diary"})
	add(map[string]any{"eventType": "carbs", "unit": "grams"})
	add(map[string]any{"eventType": "notes", "comment": fmt.Sprintf("%s edited %d", noteCanary, n), "sent": noteCanary, "more": map[string]any{"text": noteCanary}})
	add(map[string]any{"eventType": "notes", "systemTime": "no time"})
	add(map[string]any{"eventType": "notes", "value": map[string]any{"text": noteCanary}})
	add(map[string]any{"eventType": "notes", "systemTime": noteCanary + strings.Repeat("!", 80)})
	records = append(records, noteCanary)
	page["records"] = records
	out, _ := json.Marshal(page)
	return bytes.Replace(out, []byte(`"eventType":"diary"`), []byte(`"eventType":"diary","value":"`+noteCanary+`"`), 1) // value twice
}

// secretsIn names what of the secrets is in text, whole or half.
func secretsIn(text string, secrets map[string]string) []string {
	found := map[string]bool{}
	for secret, what := range secrets {
		half := secret[:(len(secret)+1)/2]
		if strings.Contains(text, half) || strings.Contains(text, secret[len(half):]) {
			found[what] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
