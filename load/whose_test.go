package load

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// say appends an answer of a resource, with one record where it has records, of
// a Dexcom account.
func (w *world) say(user, participant, connection, resource string) raw.Header {
	w.user = user
	defer func() { w.user = "u" }()
	from, to, noon := at(2, "00:00:00"), at(3, "00:00:00"), at(2, "12:00:00")
	id := fmt.Sprint(resource, w.n)
	switch resource {
	case "dataRange":
		return w.append(raw.Header{ParticipantID: participant, ConnectionID: connection, Resource: resource},
			rangeBody(w.userMember(), map[string]*dexcom.Range{"egvs": {Start: noon, End: noon}}))
	case "devices":
		return w.answer(participant, connection, resource, time.Time{}, time.Time{}, deviceJSON("2026-03-02T00:00:00Z", "modern", w.n))
	case "events":
		return w.answer(participant, connection, resource, from, to, event(id, "notes", "words", "created", noon))
	}
	return w.answer(participant, connection, resource, from, to, egv(id, noon, 100))
}

// Whatever the resources are: the first answer of a connection that says of
// which account it is settles it, others are held and leave nothing but a row of
// requests, and one that does not say passes.
func TestOtherAccounts(t *testing.T) {
	t.Parallel()
	resources := []string{"dataRange", "egvs", "events", "calibrations", "alerts", "devices"}
	w := newWorld(t, t.TempDir())
	type asked struct {
		request string
		first   string // request of the first answer of another account; "": applied
	}
	var all []asked
	nameless := 0
	for i, first := range resources {
		for n := range others {
			second := resources[(i+n)%len(resources)]
			participant, connection := "P-"+first+"-"+second, "C-"+first+"-"+second
			say := func(user, connection, resource, otherThan string) string {
				h := w.say(user, participant, connection, resource)
				all = append(all, asked{h.RequestID, otherThan})
				nameless += bit(user == "")
				return h.RequestID
			}
			say("", connection, second, "")
			began := say("one", connection, first, "")
			say("two", connection, second, began)
			say("one", connection, second, "")
			say("", connection, first, "")
			say("two", connection, first, began)
			say("two", connection+"-new", second, "") // another connection may be anybody's
		}
	}
	for _, commitBytes := range []int64{0, 100_000} {
		k := w.tank(fmt.Sprint("lake", commitBytes), commitBytes)
		r := k.load(Study{})
		held := 0
		reasons := make(map[string]string)
		for _, row := range k.rows("requests", "request_id", "outcome", "held_reason") {
			request, rest, _ := strings.Cut(strings.TrimPrefix(row, "request_id="), " ")
			reasons[request] = rest
		}
		for _, a := range all {
			want := "outcome=applied held_reason=-"
			if a.first != "" {
				held++
				want = "outcome=held held_reason=of another Dexcom account: "
			}
			if got := reasons[a.request]; !strings.HasPrefix(got, want) || !strings.Contains(got, a.first) {
				t.Errorf("%s: %s; want %s, and %q in it", a.request, got, want, a.first)
			}
		}
		if r.Held != held || r.Nameless != nameless || len(r.OtherAccount) != len(resources)*others || r.OtherAccount["P-egvs-events"] != 2 {
			t.Errorf("Load: %d held, %d nameless, others %v; want %d, %d, two of everybody", r.Held, r.Nameless, r.OtherAccount, held, nameless)
		}
		for _, table := range []string{"egvs", "events", "event_notes", "calibrations", "alerts", "devices", "changes", "rejects"} {
			for _, row := range k.rows(table) {
				if i := slices.IndexFunc(all, func(a asked) bool { return a.first != "" && strings.Contains(row, "request_id="+a.request) }); i >= 0 {
					t.Errorf("%s has a row of a held answer: %s", table, row)
				}
			}
		}
		for _, row := range k.rows("connection_accounts") {
			if strings.Contains(row, "one") || strings.Contains(row, "two") {
				t.Errorf("connection_accounts tells a userId: %s", row)
			}
		}
		before := k.all()
		if d := k.replay(Study{}); !d.Identical() {
			t.Errorf("Diff after a replay = %+v", d)
		}
		sameLakes(t, "replayed", k.all(), before)
		k.unlock()
	}
}

// The account is the first one's also where a later commit goes on, and an
// answer that could not be read settles nothing.
func TestAccountIsRemembered(t *testing.T) {
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 0)
	defer k.unlock()
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	w.append(raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "egvs", WindowStart: from, WindowEnd: to}, `{"recordType":"egv","userId":"two","records":[]}`)
	k.load(Study{})
	if r := k.load(Study{}); r.Commits != 0 || len(k.rows("connection_accounts")) != 0 {
		t.Errorf("accounts %v after an answer that could not be read, want none", k.rows("connection_accounts"))
	}
	first := w.say("one", "P1", "A", "egvs")
	k.load(Study{})
	w.say("two", "P1", "A", "events")
	if r := k.load(Study{}); r.Held != 1 || r.OtherAccount["P1"] != 1 {
		t.Errorf("Load of another account's answer: %+v, want it held", r)
	}
	m := k.current()
	if i := len(m.Held) - 1; i < 0 || m.Held[i].Reason != (&OtherAccountError{"A", first.RequestID}).Error() {
		t.Errorf("manifest holds %+v, want the other account told", m.Held)
	}
}

// The hash tells neither the userId nor that two connections lead to one account.
func TestAccountHash(t *testing.T) {
	a, b, c := accountHash("A", "u"), accountHash("B", "u"), accountHash("A", "v")
	if a == b || a == c || len(a) != 64 || accountHash("A", "") != "" || a != accountHash("A", "u") {
		t.Errorf("hashes %s, %s, %s, %q; want three different ones, and none of no user", a, b, c, accountHash("A", ""))
	}
}

// Who withdraws after another account's answers came is not given their records,
// and the account is remembered as before.
func TestWithdrawalKeepsAccounts(t *testing.T) {
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 0)
	defer k.unlock()
	w.say("one", "P1", "A", "egvs")
	w.say("two", "P1", "A", "egvs")
	w.say("one", "P2", "B", "dataRange")
	k.load(Study{})
	accounts, egvs := k.rows("connection_accounts"), k.rows("egvs")
	study := Study{Withdrawals: []Withdrawal{{"P1", at(20, "00:00:00"), w.time}}}
	k.load(study)
	sameText(t, "connection_accounts", k.rows("connection_accounts"), accounts)
	sameText(t, "egvs", k.rows("egvs"), egvs)
	w.say("two", "P1", "A", "egvs")
	if r := k.load(study); r.Held != 1 {
		t.Errorf("Load: %+v, want the answer held", r)
	}
	study.Withdrawals[0].EffectiveAt, study.Withdrawals[0].RecordedAt = at(1, "00:00:00"), w.time
	k.load(study)
	sameText(t, "connection_accounts after another instant", k.rows("connection_accounts"), accounts)
	sameText(t, "egvs after another instant", k.rows("egvs"), nil)
}
