package dexsim

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// faults decides which questions meet which faults. What a question meets
// depends on the seed and on how often it was asked, on nothing else: so a
// client that asks again often enough always gets through.
type faults struct {
	cfg   Config
	mu    sync.Mutex
	asked map[string]int // by question
}

func newFaults(cfg Config) *faults { return &faults{cfg: cfg, asked: map[string]int{}} }

// next is the fault that q meets now; 0: none. Certain says that a client can know
// that there are records: only then an answer may come without any.
func (f *faults) next(q question, certain bool) (kind Kinds, variant uint8) {
	c := f.cfg.Chaos
	choice := c.Kinds & AllTransport &^ InvalidGrant
	if !certain {
		choice &^= Empty
	}
	u := hash(f.cfg.Seed, forFault, hashText(f.cfg.Seed, q.key()))
	if choice == 0 || share(u) >= c.FaultRate {
		return 0, 0
	}
	turn := f.count(q.key())
	if turn >= 1+int(mix(u)%uint64(c.MaxFaults)) {
		return 0, 0
	}
	for i := range turn + 1 {
		if choice == 0 {
			return 0, 0
		}
		v := hash(u, uint64(i))
		kind, variant = nth(choice, v), uint8(v>>40)
		choice &^= kind & Empty // once: a second empty answer is to be believed
	}
	if kind == Unauthorized && f.count("401|"+q.person.name) > 0 {
		return 0, 0 // once a user: clients rightly give up at a second one in a row
	}
	return kind, variant
}

// count is how often key was asked before.
func (f *faults) count(key string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.asked[key]
	f.asked[key]++
	return n
}

// refuses reports whether the user's next refresh is refused for no reason:
// the first one of some users.
func (f *faults) refuses(user string) bool {
	c := f.cfg.Chaos
	if !c.Kinds.Has(InvalidGrant) || share(hash(f.cfg.Seed, forFault, 1, hashText(f.cfg.Seed, user))) >= c.FaultRate {
		return false
	}
	return f.count("refresh|"+user) == 0
}

// trouble is a question on its way to an answer or into a fault.
type trouble struct {
	server   *Server
	w        http.ResponseWriter
	r        *http.Request
	view     view
	question question
	body     []byte // the right answer
	hits     []hit  // the records in it
	variant  uint8
}

func (t trouble) befall(kind Kinds) {
	switch kind {
	case TooMany:
		t.tooMany()
	case ServerError:
		refuseHTML(t.w, []int{500, 502, 503, 504}[t.variant%4])
	case Unauthorized:
		refuseJSON(t.w, http.StatusUnauthorized, `{"error":"invalid_token"}`)
	case HTML:
		refuseHTML(t.w, http.StatusOK)
	case Cut:
		t.cut()
	case CutGzip:
		half := t.server.encode(t.w, t.r, t.body)
		t.send("application/json", half[:len(half)/2])
	case ContentType:
		t.send("text/html", t.server.encode(t.w, t.r, t.body))
	case Envelope:
		t.envelope()
	case Slow:
		t.slow()
	case Reset:
		t.reset()
	case Huge:
		t.huge()
	case Empty:
		t.send("application/json", t.server.encode(t.w, t.r, t.view.recordAnswer(t.question, nil)))
	}
}

// send writes an already encoded body.
func (t trouble) send(contentType string, body []byte) {
	t.head(contentType, len(body))
	_, _ = t.w.Write(body) // that the client may have left is its affair
}

func (t trouble) head(contentType string, length int) {
	t.w.Header().Set("Content-Type", contentType)
	t.w.Header().Set("Content-Length", strconv.Itoa(length))
}

// answer sends the right answer. It counts as given before its last byte
// leaves, so that whoever has it finds it counted.
func (t trouble) answer(done func()) {
	body := t.server.encode(t.w, t.r, t.body)
	t.head("application/json; charset=utf-8", len(body))
	t.finish(body, done)
}

func (t trouble) finish(body []byte, done func()) {
	last := len(body) - 1
	if _, err := t.w.Write(body[:last]); err != nil {
		return
	}
	t.server.tally.answered(t.question, t.view, t.hits)
	done()
	_, _ = t.w.Write(body[last:]) // too late to take it back
}

func (t trouble) tooMany() {
	wait := t.server.cfg.Chaos.RetryAfter
	switch t.variant % 3 {
	case 0:
		t.w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	case 1:
		t.w.Header().Set("Retry-After", t.server.cfg.Now().Add(wait).UTC().Format(http.TimeFormat))
	}
	refuseJSON(t.w, http.StatusTooManyRequests, "")
}

// cut sends half a body: as if it were whole, or less than was announced.
func (t trouble) cut() {
	half := t.body[:len(t.body)/2]
	if t.variant%2 == 0 {
		t.send("application/json", half)
		return
	}
	t.head("application/json", len(t.body))
	_, _ = t.w.Write(half)
	panic(http.ErrAbortHandler) // the way to break a connection off in net/http
}

// envelope sends JSON that is no answer.
func (t trouble) envelope() {
	bodies := []string{
		`{"egvs":[]}`, `[]`, `null`, `{"recordType":"profile","recordVersion":"3.0","userId":"` + t.view.userID() + `"}`,
		`{"message":"OK"}`,
	}
	t.send("application/json", []byte(bodies[int(t.variant)%len(bodies)]))
}

// slow pauses in the middle of the right answer.
func (t trouble) slow() {
	body := t.server.encode(t.w, t.r, t.body)
	t.head("application/json; charset=utf-8", len(body))
	_, _ = t.w.Write(body[:len(body)/2])
	_ = http.NewResponseController(t.w).Flush() // at worst the pause comes before the first half
	select {
	case <-time.After(t.server.cfg.Chaos.Slow):
		t.finish(body[len(body)/2:], func() {})
	case <-t.r.Context().Done():
	}
}

// reset breaks the connection in the middle of the body, so that the client
// sees a reset rather than an end.
func (t trouble) reset() {
	t.head("application/json", len(t.body))
	_, _ = t.w.Write(t.body[:len(t.body)/2])
	conn, _, err := http.NewResponseController(t.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else it closes politely, which is a fault too
	}
	_ = conn.Close()
}

// huge sends a body that goes on for Chaos.Huge bytes and is no JSON even
// then; gzipped, it is a bomb.
func (t trouble) huge() {
	t.w.Header().Set("Content-Type", "application/json")
	var out io.Writer = t.w
	if acceptsGzip(t.r) {
		t.w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(t.w)
		defer z.Close()
		out = z
	}
	_, _ = fmt.Fprintf(out, `{"recordType":%q,"padding":"`, recordType(t.question.resource))
	chunk := make([]byte, 1<<16)
	for i := range chunk {
		chunk[i] = 'A'
	}
	for sent := int64(0); sent < t.server.cfg.Chaos.Huge; sent += int64(len(chunk)) {
		if _, err := out.Write(chunk); err != nil {
			return
		}
	}
}
