package consent

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A witness stands before a simulated Dexcom and remembers every token that
// was presented and every one that was issued, to hold a store against it. It
// believes neither side: it sees what is sent.
type witness struct {
	sim *dexsim.Server

	mu     sync.Mutex
	users  map[string]string // by code and refresh token
	live   map[string]bool   // refresh tokens that work
	posts  []*post
	nth    map[string]int // requests to "token" and "data" since the last strike was set
	strike strike
}

// A post is what came to the token endpoint.
type post struct {
	user      string
	code      bool   // an exchange of a code
	presented string // code or refresh token
	status    int    // of the server's answer; 0: it never came to the server
	issued    string // refresh token in the answer
}

// A strike kills the client when it sends its nth request to an endpoint.
type strike struct {
	at   string // token, data; "": no strike
	nth  int
	when moment
	kill func() // returns when the client is dead
}

// A moment is when a strike falls.
type moment string

const (
	beforeServer moment = "before" // the server never sees the request
	noAnswer     moment = "lost"   // the server has done it, the client hears nothing
	afterAnswer  moment = "after"  // the answer is in the client's kernel
)

func newWitness(sim *dexsim.Server) *witness {
	return &witness{sim: sim, users: map[string]string{}, live: map[string]bool{}, nth: map[string]int{}}
}

// grant is a refresh token of a user that was granted elsewhere.
func (w *witness) grant(user string) string {
	token := w.sim.RefreshToken(user)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.users[token], w.live[token] = user, true
	return token
}

// set readies the next strike and counts from here.
func (w *witness) set(s strike) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.strike = s
	clear(w.nth)
}

// since returns the posts from the nth on.
func (w *witness) since(n int) []*post {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.posts[n:len(w.posts):len(w.posts)]
}

// presented returns how often a token or code was, and the number of posts.
func (w *witness) presented(token string) (times, posts int) {
	for _, p := range w.since(0) {
		if p.presented == token {
			times++
		}
	}
	return times, len(w.since(0))
}

func (w *witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "POST /v2/oauth2/token":
		w.token(rw, r)
	case "GET /v2/oauth2/login":
		answer := httptest.NewRecorder()
		w.sim.ServeHTTP(answer, r)
		if u, err := url.Parse(answer.Header().Get("Location")); err == nil {
			w.mu.Lock()
			w.users[u.Query().Get("code")] = r.URL.Query().Get("user")
			w.mu.Unlock()
		}
		send(rw, answer)
	default:
		w.pass(rw, r, "data", func(*httptest.ResponseRecorder) {})
	}
}

func (w *witness) token(rw http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	p := &post{code: r.PostForm.Has("code"), presented: r.PostForm.Get("code") + r.PostForm.Get("refresh_token")}
	w.mu.Lock()
	p.user = w.users[p.presented]
	w.posts = append(w.posts, p)
	w.mu.Unlock()
	r.Body = http.NoBody // r.PostForm is what the server reads
	w.pass(rw, r, "token", func(answer *httptest.ResponseRecorder) {
		w.mu.Lock()
		defer w.mu.Unlock()
		p.status = answer.Code
		reply := readReply(answer.Body.Bytes())
		switch {
		case p.status == http.StatusOK:
			p.issued = reply.Refresh
			w.users[p.issued], w.live[p.issued] = p.user, true
			delete(w.live, p.presented)
		case !p.code && !w.live[p.presented]: // the family is revoked
			for _, q := range w.posts {
				if q.presented == p.presented {
					delete(w.live, q.issued)
				}
			}
		}
	})
}

// pass hands a request to the server and its answer to note and the client,
// unless a strike falls.
func (w *witness) pass(rw http.ResponseWriter, r *http.Request, endpoint string, note func(*httptest.ResponseRecorder)) {
	w.mu.Lock()
	w.nth[endpoint]++
	s := w.strike
	if s.at != endpoint || s.nth != w.nth[endpoint] {
		s = strike{}
	}
	w.mu.Unlock()
	if s.when == beforeServer {
		s.kill()
		panic(http.ErrAbortHandler)
	}
	answer := httptest.NewRecorder()
	w.sim.ServeHTTP(answer, r)
	note(answer)
	if s.when == noAnswer {
		s.kill()
		panic(http.ErrAbortHandler)
	}
	send(rw, answer)
	if s.when == afterAnswer {
		s.kill()
	}
}

// send sends an answer whole.
func send(rw http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for name, values := range answer.Header() {
		rw.Header()[name] = values
	}
	rw.Header().Set("Content-Length", fmt.Sprint(answer.Body.Len()))
	rw.WriteHeader(answer.Code)
	if _, err := bytes.NewReader(answer.Body.Bytes()).WriteTo(rw); err == nil {
		http.NewResponseController(rw).Flush()
	}
}
