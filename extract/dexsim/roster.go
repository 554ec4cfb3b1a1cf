package dexsim

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// WriteRoster writes the study's roster of all users as CSV. The study goes on
// for everybody but those of a Replay, whose ends with their data.
func (s *Server) WriteRoster(w io.Writer) error {
	return s.writeCSV(w, "participant_id,site,cohort,arm,status,status_date,consent_date,anchor_date,study_start,study_end,timezone", (*person).rosterRow)
}

// WriteTokens writes a fresh refresh token for every user as CSV: each time
// another grant.
func (s *Server) WriteTokens(w io.Writer) error {
	return s.writeCSV(w, "participant_id,refresh_token", func(p *person) []string {
		return []string{p.participantID, s.RefreshToken(p.name)}
	})
}

func (s *Server) writeCSV(w io.Writer, header string, row func(*person) []string) error {
	rows := csv.NewWriter(w)
	_ = rows.Write(strings.Split(header, ","))
	for _, p := range s.people {
		_ = rows.Write(row(p)) // Flush tells
	}
	rows.Flush()
	return rows.Error()
}

func (p *person) rosterRow() []string {
	first, end := time.UnixMilli(p.start).In(p.home), ""
	start := first.Format(time.DateOnly)
	if p.replay != nil && !p.empty {
		start, end = p.dates()
	}
	consent := first.AddDate(0, 0, -7).Format(time.DateOnly)
	pick := func(i uint64, a, b string) string {
		if hash(p.seed, forPerson, i)%2 == 0 {
			return a
		}
		return b
	}
	cohort, arm := string("AB"[p.index%2]), pick(1, "control", "intervention")
	return []string{p.participantID, pick(2, "North", "South"), cohort, arm, "enrolled", start, consent, start, start, end, p.zone}
}

// WriteTruth writes Truth as a JSON array, one user a line.
func (s *Server) WriteTruth(w io.Writer) error {
	separator := "[\n"
	e := json.NewEncoder(w)
	for t := range s.Truth() {
		if _, err := io.WriteString(w, separator); err != nil {
			return err
		}
		if err := e.Encode(t); err != nil {
			return err
		}
		separator = ","
	}
	_, err := io.WriteString(w, "]\n")
	return err
}

// file serves what write writes.
func (s *Server) file(contentType string, write func(io.Writer) error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-store")
		if write(w) != nil {
			panic(http.ErrAbortHandler) // the client must not take half of it for the whole
		}
	}
}

// page says how to use the simulation.
func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>dexsim</title></head><body>
<h1>A simulated Dexcom API v3</h1>
<p>Base URL: this server. client_id <code>`+s.cfg.ClientID+`</code>; the client secret is printed where the server was started.</p>
<ul>
<li><a href="/sim/roster.csv">roster.csv</a>: the users as a study roster</li>
<li><a href="/sim/tokens.csv">tokens.csv</a>: a fresh refresh token for each user</li>
<li><a href="/sim/truth.json">truth.json</a>: every record a client must hold now, in its last state (large)</li>
<li><a href="/sim/stats.json">stats.json</a>: what has been asked so far</li>
`+s.openAPILink()+`</ul>
<p>Consent is given at <code>/v2/oauth2/login</code> or <code>/v3/oauth2/login</code> with client_id, redirect_uri, response_type=code, scope=offline_access and state.
Add <code>&amp;user=NAME</code> to skip the page, and <code>&amp;deny=1</code> to refuse.</p>
</body></html>
`)
}

func (s *Server) openAPILink() string {
	if len(s.cfg.OpenAPI) == 0 {
		return ""
	}
	return `<li><a href="/sim/openapi.json">openapi.json</a>: the API as OpenAPI</li>
`
}

func (s *Server) writeOpenAPI(w io.Writer) error {
	_, err := w.Write(s.cfg.OpenAPI)
	return err
}
