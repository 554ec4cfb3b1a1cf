package consent

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// canary is in every secret of these tests; no log and no error may show it.
const canary = "CANARY"

// foreign looks like somebody else's token: nobody told us that it is one.
const foreign = canary + "-0123456789abcdef0123"

// server is a token endpoint of the strict kind (a refresh token works once,
// its second use revokes the grant) with as much of the data API as Verify asks.
type server struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	n       int
	refresh map[string]string // live refresh token to user
	access  map[string]string // live access token to user
	codes   map[string]string
	posted  map[string]int // refresh tokens and codes presented, and how often
	posts   int
	// fail, if set, answers a POST in the server's place; true: it did.
	fail func(w http.ResponseWriter, r *http.Request) bool
	// late, if set, runs after tokens were rotated, before they are sent.
	late     func(w http.ResponseWriter, body []byte) bool
	redirect string // URI of the app; "": redirectURI
	// data, if set, answers data requests.
	data func(w http.ResponseWriter, r *http.Request) bool
}

func newServer(t *testing.T) *server {
	s := &server{t: t, refresh: map[string]string{}, access: map[string]string{}, codes: map[string]string{}, posted: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/oauth2/token", s.token)
	mux.HandleFunc("GET /v3/users/self/dataRange", s.dataRange)
	mux.HandleFunc("GET /v3/users/self/devices", s.devices)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func oauthError(w http.ResponseWriter, status int, code string) bool {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":%q,"error_description":"not accepted: %s"}`, code, foreign)
	return true
}

// mint makes a pair for user; s.mu is held.
func (s *server) mint(user string) (access, refresh string) {
	s.n++
	access, refresh = fmt.Sprintf("access-%s-%d", canary, s.n), fmt.Sprintf("refresh-%s-%d", canary, s.n)
	s.access[access], s.refresh[refresh] = user, user
	return access, refresh
}

func (s *server) newRefresh(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, refresh := s.mint(user)
	return refresh
}

func (s *server) newCode(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	code := fmt.Sprintf("code-%s-%d", canary, s.n)
	s.codes[code] = user
	return code
}

func (s *server) revoke(user string) {
	for token, u := range s.refresh {
		if u == user {
			delete(s.refresh, token)
		}
	}
}

func (s *server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts++
	if r.Header.Get("Idempotency-Key") != "" || r.Header.Get("Authorization") != "" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		s.t.Errorf("POST with headers %v", r.Header)
	}
	if !r.Close {
		s.t.Errorf("POST on a connection that is kept")
	}
	if s.fail != nil && s.fail(w, r) {
		s.posted[r.FormValue("refresh_token")+r.FormValue("code")]++
		return
	}
	if r.PostFormValue("client_id") != "id" || r.PostFormValue("client_secret") != "secret-"+canary {
		oauthError(w, 401, "invalid_client")
		return
	}
	var live map[string]string
	var presented string
	switch r.PostFormValue("grant_type") {
	case "refresh_token":
		live, presented = s.refresh, r.PostFormValue("refresh_token")
	case "authorization_code":
		live, presented = s.codes, r.PostFormValue("code")
		if r.PostFormValue("redirect_uri") != cmp.Or(s.redirect, redirectURI) {
			oauthError(w, 400, "invalid_grant")
			return
		}
	default:
		oauthError(w, 400, "unsupported_grant_type")
		return
	}
	s.posted[presented]++
	user, ok := live[presented]
	if !ok {
		oauthError(w, 400, "invalid_grant")
		return
	}
	delete(live, presented)
	access, refresh := s.mint(user)
	body := fmt.Appendf(nil, `{"access_token":%q,"expires_in":7200,"token_type":"Bearer","refresh_token":%q,"refresh_expires_in":0,"not-before-policy":"1726871301,"}`, access, refresh)
	w.Header().Set("Content-Type", "application/json")
	if s.late != nil && s.late(w, body) {
		return
	}
	w.Write(body)
}

func (s *server) user(w http.ResponseWriter, r *http.Request) (string, bool) {
	if s.data != nil && s.data(w, r) {
		return "", false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	user, ok := s.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	w.Header().Set("Content-Type", "application/json")
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
	}
	return user, ok
}

func (s *server) dataRange(w http.ResponseWriter, r *http.Request) {
	if user, ok := s.user(w, r); ok {
		fmt.Fprintf(w, `{"recordType":"dataRange","recordVersion":"3.0","userId":"%s-%s","calibrations":null,"events":null,
			"egvs":{"start":{"systemTime":"2026-01-01T00:00:00Z","displayTime":"2026-01-01T00:00:00Z"},"end":{"systemTime":"2026-02-01T00:00:00Z","displayTime":"2026-02-01T00:00:00Z"}}}`, user, canary)
	}
}

func (s *server) devices(w http.ResponseWriter, r *http.Request) {
	if user, ok := s.user(w, r); ok {
		fmt.Fprintf(w, `{"recordType":"device","recordVersion":"3.0","userId":"%s-%s","records":[
			{"lastUploadDate":"2026-01-01T00:00:00Z","transmitterGeneration":"g6","displayDevice":"receiver","alertSchedules":[]},
			{"lastUploadDate":"2026-02-01T00:00:00Z","transmitterGeneration":"g7","displayDevice":"iOS","displayApp":"G7","alertSchedules":[]}]}`, user, canary)
	}
}

// presented returns how often each token or code was, and the number of POSTs.
func (s *server) presented(token string) (times, posts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posted[token], s.posts
}

// with changes the server under its lock.
func (s *server) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

const redirectURI = "http://127.0.0.1:8085/callback"

// study is a folder, a clock and a server, in which processes are started.
type study struct {
	*server
	t   *testing.T
	dir string

	mu  sync.Mutex
	now time.Time
	log bytes.Buffer
}

// Write collects the log.
func (s *study) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *study) add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *study) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// newFolder is a folder with the state of a study that has a key and nobody in it. It is
// made once: migrations and keys take their time.
func newFolder(t *testing.T) (dir string) {
	t.Helper()
	return folderOf(t, blank)
}

func folderOf(t *testing.T, made func() (map[string][]byte, error)) (dir string) {
	t.Helper()
	dir = t.TempDir()
	files, err := made()
	for name, content := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var blank = sync.OnceValues(func() (map[string][]byte, error) {
	return made(func(store *state.Store, dir string) error {
		_, err := OpenKey(context.Background(), filepath.Join(dir, "key.age"), registerOf(store))
		return err
	})
})

// made are the files of a state after do.
func made(do func(store *state.Store, dir string) error) (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "blank")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	store, err := state.Open(context.Background(), dir)
	if err != nil {
		return nil, err
	}
	err = errors.Join(do(store, dir), store.Close())
	files := map[string][]byte{}
	for _, name := range []string{"state.db", "key.age", state.AuditFile} {
		content, e := os.ReadFile(filepath.Join(dir, name))
		if e == nil {
			files[name] = content
		}
	}
	return files, err
}

// beside are the tests that run beside others.
var beside sync.Map

// newStudy is a study of its own, so its test runs beside others.
func newStudy(t *testing.T, participants ...string) (*study, *process) {
	t.Helper()
	if _, again := beside.LoadOrStore(t, true); !again {
		t.Parallel()
	}
	s := &study{server: newServer(t), t: t, dir: newFolder(t), now: time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)}
	t.Cleanup(func() {
		s.mu.Lock() // whoever still serves may still log
		defer s.mu.Unlock()
		if strings.Contains(s.log.String(), canary) {
			t.Errorf("the log shows a secret:\n%s", s.log.String())
		}
	})
	g := s.process()
	for _, id := range participants {
		if err := g.Register.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	return s, g
}

// process is what another dexetl in the same folder would have.
func (s *study) process() *process {
	s.t.Helper()
	store, err := state.Open(s.t.Context(), s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { store.Close() })
	store.Now = s.clock
	key, err := OpenKey(s.t.Context(), filepath.Join(s.dir, "key.age"), registerOf(store))
	if err != nil {
		s.t.Fatal(err)
	}
	g := newProcess(registerOf(store), key, &Client{
		Region: "us", Log: slog.New(slog.NewJSONHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Apps: map[string]App{"us": {BaseURL: s.URL, OAuthPrefix: "v2", ClientID: "id", ClientSecret: "secret-" + canary, RedirectURI: redirectURI}},
	})
	g.Wanted = func(cohort.Participant) bool { return true }
	return g
}

// A process has all of a Grants at hand.
type process struct {
	Register *Register
	Key      *Key
	*Client
	*keeper
	*Accounts
	*Links
	*Connecting
	*Questions
	*Moving
}

type keeper = Tokens // Register has a method of the name

func newProcess(r *Register, k *Key, c *Client) *process {
	g := New(r, k, c)
	return &process{r, k, c, g.Tokens, g.Accounts, g.Links, g.Connecting, g.Questions, g.Moving}
}

// imported connects a participant by a refresh token and settles the account.
func (s *study) imported(g *process, participant string) (id string) {
	s.t.Helper()
	file := fmt.Sprintf("participant_id,refresh_token\n%s,%s\n", participant, s.newRefresh("user of "+participant))
	got, err := g.Import(s.t.Context(), strings.NewReader(file))
	if err != nil || len(got.ConnectionIDs) != 1 {
		s.t.Fatalf("Import(%s) = %+v, %v", participant, got, err)
	}
	id = got.ConnectionIDs[0]
	if _, err := g.Verify(s.t.Context(), id); err != nil {
		s.t.Fatalf("Verify(%s) = %v", participant, err)
	}
	return id
}

// pairOf is what the store holds of a connection.
func pairOf(t *testing.T, g *process, id string) held {
	t.Helper()
	h, err := g.read(context.Background(), id)
	if err != nil {
		t.Fatalf("read(%s) = %v", id, err)
	}
	return h
}

func asError[E error](err error) (E, bool) {
	var e E
	ok := errors.As(err, &e)
	return e, ok
}

// quiet fails if err shows a secret.
func quiet(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text, _ := json.Marshal(err)
	if all := fmt.Sprintf("%v %+v %s", err, err, text); strings.Contains(all, canary) {
		t.Errorf("the error shows a secret: %s", all)
	}
}
