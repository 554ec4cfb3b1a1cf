//go:build faults

package consent

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	kills = flag.Int("kills", 200, "how many processes TestTorture kills")
	seed  = flag.Uint64("seed", 1, "of TestTorture")
)

// A death is how a child is to end.
type death struct {
	point  string // where it dies by itself; "": by a strike
	hit    int
	strike strike
}

func (d death) String() string {
	if d.point != "" {
		return d.point
	}
	return d.strike.at + "." + string(d.strike.when)
}

// costs is how many consents the death may cost at most, of the connection
// that it met: an answer that nobody could keep.
func (d death) costs() int {
	switch d.String() {
	case "refresh.answered", "state.written", "token.lost", "token.after":
		return 1
	}
	return 0
}

func points() []string {
	return []string{
		"refresh.leased", "refresh.begun", "refresh.answered", "refresh.kept", "refresh.parsed", "refresh.committed",
		"connect.returned", "connect.answered", "connect.kept", "connect.parsed", "connect.committed",
		"account.seen", "account.leased", "account.settled", "state.written", "state.committed",
	}
}

// randomDeath draws a point or a strike.
func randomDeath(chance *rand.Rand) death {
	n := chance.IntN(len(points()) + 6)
	if n < len(points()) {
		d := death{point: points()[n], hit: 1 + chance.IntN(6)}
		switch area, _, _ := strings.Cut(d.point, "."); area {
		case "connect", "account":
			d.hit = 1
		case "state":
			d.hit = 1 + chance.IntN(40)
		}
		return d
	}
	at := []string{"token", "token", "data"}[chance.IntN(3)]
	return death{strike: strike{at: at, nth: 1 + chance.IntN(12), when: []moment{beforeServer, noAnswer, afterAnswer}[chance.IntN(3)]}}
}

// A torture kills processes that live on a cohort's consents, one after the
// other, and holds the store against the witness after each death.
type torture struct {
	*world
	people    []string
	chance    *rand.Rand
	consented map[string]bool // who can do without a new consent
	pending   map[string]bool // refresh tokens of intents whose answer nobody has

	byDeath  map[string]int // kills
	inFlight map[string]int // consents lost with an answer that nobody had kept, one refresh at a time, by death
	parallel int            // the same, with more refreshes at a time than the one that death met
	lost     int            // other consents lost
	survived int            // children whose death did not come
	retried  int            // presentations of a pending token
	reused   int            // of another that had been presented before
}

// However a process dies, what it was told to keep is kept: a refresh costs no
// consent but those whose answers were not yet sealed on disk, and no token is
// presented again but those.
func TestTorture(t *testing.T) {
	w := newWorld(t, "P001", "P002", "P003", "P004", "P005", "P006")
	x := &torture{world: w, people: []string{"P001", "P002", "P003", "P004", "P005", "P006"}, chance: rand.New(rand.NewPCG(*seed, 0)),
		consented: map[string]bool{}, pending: map[string]bool{}, byDeath: map[string]int{}, inFlight: map[string]int{}}
	for _, who := range x.people {
		x.consented[who] = true
	}
	for n := 0; n < *kills && !t.Failed(); {
		if x.child(randomDeath(x.chance)) {
			n++
		} else {
			x.survived++
		}
	}
	x.child(death{}) // nobody kills this one
	x.settled()
	fmt.Println(x.summary())
}

// child runs a process, audits what it left, and reports whether it was killed.
func (x *torture) child(d death) bool {
	x.t.Helper()
	x.now = x.now.Add(3 * time.Hour)
	before := len(x.since(0))
	web := httptest.NewServer(x)
	e := errand{Job: "live", Dir: x.dir, URL: web.URL, Now: x.now, Participants: x.shuffled(), Workers: 1 + 3*x.chance.IntN(2)}
	if strings.HasPrefix(d.point, "connect.") || x.chance.IntN(4) == 0 {
		e.Connect = e.Participants[0]
	}
	killed := x.run(e, d)
	web.Close() // waits for requests that a dead process sent
	if killed {
		x.byDeath[d.String()]++
	}
	x.audit(d, x.since(before), e.Workers)
	return killed
}

func (x *torture) shuffled() []string {
	people := slices.Clone(x.people)
	x.chance.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
	return people
}

// run reports whether the child was killed. It must not end in any other way
// than well.
func (x *torture) run(e errand, d death) bool {
	x.t.Helper()
	var env []string
	if d.point != "" {
		env = []string{fmt.Sprintf("DEXETL_FAULT=%s:%d", d.point, d.hit)}
	}
	command, stderr := e.command(env...)
	started, ended := make(chan struct{}), make(chan struct{})
	d.strike.kill = func() {
		<-started
		command.Process.Kill()
		<-ended
	}
	x.set(d.strike)
	if err := command.Start(); err != nil {
		x.t.Fatal(err)
	}
	close(started)
	err := command.Wait()
	close(ended)
	if err == nil {
		return false
	}
	failed, ok := errors.AsType[*exec.ExitError](err)
	if status, _ := failed.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		x.t.Fatalf("a process that was to die at %s: %v\n%s", d, err, stderr)
	}
	return true
}

// kept is what a store holds after a death.
type kept struct {
	tokens  map[string]bool // refresh tokens, in a pair or in an answer that waits
	pending map[string]bool // refresh tokens of intents without an answer
}

func (x *torture) kept() kept {
	x.t.Helper()
	ctx := x.t.Context()
	g, err := errand{Dir: x.dir, Now: x.now}.grants(ctx)
	if err != nil {
		x.t.Fatal(err)
	}
	defer g.Register.Store.Close()
	connections, err := g.Register.Connections(ctx)
	answers, err2 := g.Register.Answers(ctx, "")
	intents, err3 := g.intents(ctx)
	if err := errors.Join(err, err2, err3); err != nil {
		x.t.Fatal(err)
	}
	k := kept{map[string]bool{}, map[string]bool{}}
	for _, c := range connections {
		if c.Status != Ended {
			k.tokens[pairOf(x.t, g, c.ID).Refresh] = true
		}
	}
	for _, id := range intents {
		k.pending[pairOf(x.t, g, id).Refresh] = true
	}
	for _, a := range answers {
		body, err := g.Key.open(a.Sealed)
		if err != nil {
			x.t.Fatal(err)
		}
		k.tokens[readReply(body).Refresh] = true
		if a.OldHash != "" {
			delete(k.pending, pairOf(x.t, g, a.ConnectionID).Refresh)
		}
	}
	return k
}

// audit checks what a child left that sent posts.
func (x *torture) audit(d death, posts []*post, workers int) {
	x.t.Helper()
	x.presentedRightly(d, posts)
	k, lost := x.kept(), 0
	for _, who := range x.people {
		had := x.consented[who]
		x.consented[who] = x.alive(k, who)
		if !had || x.consented[who] {
			continue
		}
		if last := lastOf(posts, who); last == nil || last.status != 200 || !k.pending[last.presented] {
			x.lost++
			x.t.Errorf("killed at %s: %s is lost, and no answer was on its way to them", d, who)
			continue
		}
		lost++
	}
	if workers == 1 {
		x.inFlight[d.String()] += lost
	} else {
		x.parallel += lost
	}
	if most := d.costs() + workers - 1; lost > most {
		x.t.Errorf("killed at %s with %d at work: %d consents lost, want at most %d", d, workers, lost, most)
	}
	x.pending = k.pending
}

// alive reports whether the store holds a token that the server will take.
func (x *torture) alive(k kept, who string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for token := range k.tokens {
		if x.live[token] && x.users[token] == who {
			return true
		}
	}
	return false
}

// lastOf is the last refresh of a participant.
func lastOf(posts []*post, who string) *post {
	for _, p := range slices.Backward(posts) {
		if p.user == who && !p.code {
			return p
		}
	}
	return nil
}

// presentedRightly checks that a child presented no token a second time but
// those of an intent without answer, once, and that the server took them if no
// answer to them was lost, and else refused.
func (x *torture) presentedRightly(d death, posts []*post) {
	x.t.Helper()
	for i, p := range posts {
		if slices.ContainsFunc(posts[:i], func(q *post) bool { return q.presented == p.presented }) {
			x.reused++
			x.t.Errorf("child to die at %s: a token of %s was presented twice by one process", d, p.user)
			continue
		}
		spent, times := x.history(p)
		if times == 0 {
			continue
		}
		if p.code || !x.pending[p.presented] {
			x.reused++
			x.t.Errorf("child to die at %s: a token of %s was presented again although its answer was known", d, p.user)
			continue
		}
		x.retried++
		want := 200
		if spent {
			want = 400
		}
		if p.status != want && p.status != 0 {
			x.t.Errorf("child to die at %s: a token of %s, presented again, was answered %d, want %d", d, p.user, p.status, want)
		}
	}
}

// history is how often p's token was presented before p, and whether it was
// spent by that.
func (x *torture) history(p *post) (spent bool, times int) {
	for _, q := range x.since(0) {
		if q == p {
			break
		}
		if q.presented == p.presented {
			times++
			spent = spent || q.status == 200
		}
	}
	return spent, times
}

// settled checks that a run that nobody killed leaves everybody connected and
// nothing to do.
func (x *torture) settled() {
	for _, who := range x.people {
		if !x.consented[who] {
			x.t.Errorf("%s has no consent in the end", who)
		}
	}
	g, closed := x.open()
	defer closed()
	intents, err := g.intents(x.t.Context())
	answers, err2 := g.Register.Answers(x.t.Context(), "")
	if err := errors.Join(err, err2); err != nil || len(intents)+len(answers) > 0 {
		x.t.Errorf("left over: %d intents, %d answers, %v", len(intents), len(answers), err)
	}
	reused := 0
	for _, p := range x.since(0) {
		if spent, _ := x.history(p); spent && p.status != 0 && !p.code {
			reused++
		}
	}
	if stats := x.sim.Stats(); stats.Reused != reused {
		x.t.Errorf("the server saw %d spent tokens, the witness %d", stats.Reused, reused)
	}
}

func (x *torture) summary() string {
	sum := func(m map[string]int) (n int) {
		for _, v := range m {
			n += v
		}
		return n
	}
	line := func(m map[string]int) string {
		var parts []string
		for _, at := range slices.Sorted(maps.Keys(m)) {
			if m[at] > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", at, m[at]))
			}
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprintf("torture: seed %d, %d kills (%s); %d processes lived on\n"+
		"torture: consents lost: %d with an answer kept; with an answer on its way %d at one refresh at a time (%s), %d at four\n"+
		"torture: %d POSTs, %d of them a retry of a token whose answer nobody had, %d a second use of another",
		*seed, sum(x.byDeath), line(x.byDeath), x.survived, x.lost, sum(x.inFlight), line(x.inFlight), x.parallel, len(x.since(0)), x.retried, x.reused)
}
