package consent

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// edit changes state.db as somebody with an editor does.
func (s *study) edit(statements ...string) {
	s.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "state.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	for _, q := range statements {
		if _, err := db.Exec(q); err != nil {
			s.t.Fatalf("%s: %v", q, err)
		}
	}
}

// swap exchanges the columns of two rows.
func swap(table, key, one, two string, columns ...string) []string {
	out := []string{"pragma foreign_keys = off", "create table swapped as select * from " + table + " where " + key + " in ('" + one + "', '" + two + "')"}
	clear := map[string]string{"account_hash": "''"}
	for _, c := range columns { // first out of the way of what must be unique
		if v, ok := clear[c]; ok {
			out = append(out, "update "+table+" set "+c+" = "+v+" where "+key+" in ('"+one+"', '"+two+"')")
		}
	}
	for _, c := range columns {
		for row, from := range map[string]string{one: two, two: one} {
			out = append(out, "update "+table+" set "+c+" = (select "+c+" from swapped where "+key+" = '"+from+"') where "+key+" = '"+row+"'")
		}
	}
	return append(out, "drop table swapped")
}

// moved gives the tokens of two connections to each other.
func moved(one, two string) []string {
	return []string{"pragma foreign_keys = off",
		"update tokens set connection_id = 'x' where connection_id = '" + one + "'",
		"update tokens set connection_id = '" + one + "' where connection_id = '" + two + "'",
		"update tokens set connection_id = '" + two + "' where connection_id = 'x'"}
}

// Two people whose rows were exchanged, in whatever column, are refused, and named;
// no request is made for them, and the others go on.
func TestExchangedPeople(t *testing.T) {
	edits := map[string]func(one, two string) []string{
		"current pairs":    func(a, b string) []string { return swap("tokens", "connection_id", a, b, "current") },
		"pairs and hashes": func(a, b string) []string { return swap("tokens", "connection_id", a, b, "current", "refresh_hash") },
		"pairs, hashes and seals": func(a, b string) []string {
			return swap("tokens", "connection_id", a, b, "current", "previous", "refresh_hash", "previous_hash", "seal", "access_expires_at")
		},
		"previous pairs": func(a, b string) []string { return swap("tokens", "connection_id", a, b, "previous") },
		"previous pairs and hashes": func(a, b string) []string {
			return swap("tokens", "connection_id", a, b, "previous", "previous_hash")
		},
		"rows of tokens": moved,
		"participants":   func(a, b string) []string { return swap("connections", "connection_id", a, b, "participant_id") },
		"participants and seals": func(a, b string) []string {
			return swap("connections", "connection_id", a, b, "participant_id", "seal")
		},
		"accounts": func(a, b string) []string { return swap("connections", "connection_id", a, b, "account_hash") },
		"participants and accounts": func(a, b string) []string {
			return swap("connections", "connection_id", a, b, "participant_id", "account_hash")
		},
		"accounts and rows of tokens": func(a, b string) []string {
			return append(swap("connections", "connection_id", a, b, "account_hash"), moved(a, b)...)
		},
		"accounts forgotten": func(a, b string) []string {
			return append([]string{"update connections set account_hash = '' where connection_id in ('" + a + "', '" + b + "')"}, moved(a, b)...)
		},
		"seals taken off": func(a, b string) []string {
			return append([]string{"update connections set seal = ''", "update tokens set seal = ''"}, moved(a, b)...)
		},
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			s, g := newStudy(t, "P001", "P002", "P003")
			one, two, three := s.imported(g, "P001"), s.imported(g, "P002"), s.imported(g, "P003")
			s.add(3 * time.Hour)
			for _, id := range []string{one, two, three} { // so that there is a pair before
				if _, err := g.Token(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
			s.edit(edit(one, two)...)
			for _, later := range []time.Duration{0, 3 * time.Hour} { // with tokens that are good, and with spent ones
				s.add(later)
				next := s.process()
				if err := next.Recover(t.Context()); err != nil {
					t.Fatalf("Recover = %v", err)
				}
				calls := next.Calls()
				for _, id := range []string{one, two} {
					token, err := next.Token(t.Context(), id)
					quiet(t, err)
					if owner, ok := asError[*state.OwnerError](err); !ok || token != "" || owner.ParticipantID != "P001" && owner.ParticipantID != "P002" {
						t.Errorf("Token = %v, want *OwnerError of P001 or P002", err)
					}
					if _, err := next.Renew(t.Context(), id, "x"); !as[*state.OwnerError](err) {
						t.Errorf("Renew = %v, want *OwnerError", err)
					}
					if err := next.SetAside(t.Context(), id); !as[*state.OwnerError](err) {
						t.Errorf("SetAside = %v, want *OwnerError", err)
					}
				}
				if sent := next.Calls() - calls; sent != 0 {
					t.Errorf("%d requests for those who were exchanged", sent)
				}
				if name != "seals taken off" {
					if _, err := next.Token(t.Context(), three); err != nil {
						t.Errorf("Token of the third = %v", err)
					}
				}
				_, err := next.CheckSealed(t.Context())
				if !as[*state.OwnerError](err) || !strings.Contains(err.Error(), "P001") || !strings.Contains(err.Error(), "P002") {
					t.Errorf("CheckSealed = %v, want both named", err)
				}
				if name != "seals taken off" && strings.Contains(fmt.Sprint(err), "P003") {
					t.Errorf("CheckSealed = %v, names P003", err)
				}
			}
			c, err := g.Store.Connection(t.Context(), one)
			if err != nil || c.LastError != state.NotOwned {
				t.Errorf("the connection's last error is %q, %v", c.LastError, err)
			}
		})
	}
}

// The account of an answer is held against a connection only if it is the
// participant's.
func TestSameOfExchangedPeople(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	one, two := s.imported(g, "P001"), s.imported(g, "P002")
	if _, err := g.Same(t.Context(), "P002", one, "user of P001-"+canary); !as[*state.OwnerError](err) {
		t.Errorf("Same of another participant's connection = %v", err)
	}
	s.edit(swap("connections", "connection_id", one, two, "account_hash")...)
	for _, userID := range []string{"user of P002-" + canary, "user of P001-" + canary, ""} {
		if same, err := s.process().Same(t.Context(), "P001", one, userID); same || !as[*state.OwnerError](err) {
			t.Errorf("Same(%q) = %t, %v; want *OwnerError", userID, same, err)
		}
	}
}

// Kept answers that were exchanged bring nobody a pair, and no token is tried for
// them; put back, they are used.
func TestExchangedAnswers(t *testing.T) {
	edits := map[string][]string{
		"what is sealed": {"sealed"}, "connections": {"connection_id"}, "connections and hashes": {"connection_id", "old_hash"},
		"all but the id": {"connection_id", "participant_id", "old_hash", "sealed", "seal"},
	}
	for name, columns := range edits {
		t.Run(name, func(t *testing.T) {
			s, g := newStudy(t, "P001", "P002", "P003")
			ids := []string{s.imported(g, "P001"), s.imported(g, "P002")}
			three := s.imported(g, "P003")
			s.add(3 * time.Hour)
			for _, id := range ids {
				s.kill(id, "refresh.kept")
			}
			answers, err := g.Store.Answers(t.Context(), "")
			if err != nil || len(answers) != 2 {
				t.Fatalf("%d answers, %v", len(answers), err)
			}
			exchange := swap("token_answers", "answer_id", answers[0].ID, answers[1].ID, columns...)
			s.edit(exchange...)
			next := s.process()
			if err := next.Recover(t.Context()); err != nil {
				t.Fatalf("Recover = %v", err)
			}
			if _, err := next.Token(t.Context(), three); err != nil {
				t.Errorf("Token of the third = %v", err)
			}
			_, posts := s.presented("")
			for _, id := range ids {
				if _, err := next.Token(t.Context(), id); !as[*state.OwnerError](err) {
					t.Errorf("Token = %v, want *OwnerError", err)
				}
			}
			if _, now := s.presented(""); now != posts {
				t.Errorf("%d POSTs for those whose answers were exchanged", now-posts)
			}
			if _, err := next.CheckSealed(t.Context()); !as[*state.OwnerError](err) {
				t.Errorf("CheckSealed = %v", err)
			}
			s.edit(exchange...)
			for _, id := range ids {
				if _, err := s.process().Token(t.Context(), id); err != nil {
					t.Errorf("Token once they are put back = %v", err)
				}
			}
		})
	}
}

// Who signs in again need not wait until an answer that was exchanged is put back.
func TestAgainAfterExchangedAnswers(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	one, two := s.imported(g, "P001"), s.imported(g, "P002")
	s.add(3 * time.Hour)
	s.kill(one, "refresh.kept")
	s.kill(two, "refresh.kept")
	answers, _ := g.Store.Answers(t.Context(), "")
	s.edit(swap("token_answers", "answer_id", answers[0].ID, answers[1].ID, "sealed")...)
	next := s.process()
	s.goesOn(next, "P001", one)
	s.goesOn(next, "P002", two)
	if _, err := next.CheckSealed(t.Context()); err != nil {
		t.Errorf("CheckSealed afterwards = %v", err)
	}
}

// goesOn signs a participant in again, to the same account: the connection goes on.
func (s *study) goesOn(g *Grants, who, id string) {
	s.t.Helper()
	got, err := g.Import(s.t.Context(), strings.NewReader("participant_id,refresh_token\n"+who+","+s.newRefresh("user of "+who)+"\n"))
	if err != nil {
		s.t.Fatal(err)
	}
	if found, err := g.Verify(s.t.Context(), got.ConnectionIDs[0]); err != nil || found.Connection.ID != id {
		s.t.Fatalf("Verify = %+v, %v; want connection %s", found.Connection, err, id)
	}
	if _, err := g.Token(s.t.Context(), id); err != nil {
		s.t.Errorf("Token afterwards = %v", err)
	}
}

// The answer to a code, exchanged with another's, makes nobody a connection.
func TestExchangedAnswersToCodes(t *testing.T) {
	for _, columns := range [][]string{{"participant_id"}, {"sealed"}, {"participant_id", "seal"}} {
		s, g := newStudy(t, "P001", "P002")
		var ids []string
		for _, who := range []string{"P001", "P002"} {
			a := state.TokenAnswer{ConnectionID: g.Store.NewID(), ParticipantID: who, Region: "us", HTTPStatus: 200, ReceivedAt: s.clock()}
			kept, err := g.keep(context.Background(), a, []byte(`{"access_token":"a`+who+`","refresh_token":"r`+who+`"}`))
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, kept.ID)
		}
		exchange := swap("token_answers", "answer_id", ids[0], ids[1], columns...)
		s.edit(exchange...)
		next := s.process()
		if err := next.Recover(t.Context()); err != nil {
			t.Errorf("%v: Recover = %v", columns, err)
		}
		if c := allConnections(t, next); len(c) != 0 {
			t.Errorf("%v: connections %+v", columns, c)
		}
		if _, err := next.CheckSealed(t.Context()); !as[*state.OwnerError](err) {
			t.Errorf("%v: CheckSealed = %v", columns, err)
		}
		s.edit(exchange...)
		if err := s.process().Recover(t.Context()); err != nil {
			t.Errorf("%v: Recover once they are put back = %v", columns, err)
		}
		if c := allConnections(t, next); len(c) != 2 {
			t.Errorf("%v: connections %+v, want two", columns, c)
		}
	}
}

// A consent that was begun, and a link, bring nobody in as somebody else.
func TestExchangedConsents(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	addresses := map[string]string{}
	for _, who := range []string{"P001", "P002"} {
		address, err := g.Begin(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(address)
		addresses[who] = redirectURI + "?code=" + s.newCode("user of "+who) + "&state=" + u.Query().Get("state")
	}
	links, err := g.Invite(t.Context(), []string{"P001", "P002"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	swapAll := func(table string) []string {
		return []string{"update " + table + " set participant_id = case participant_id when 'P001' then 'P002' else 'P001' end"}
	}
	s.edit(swapAll("oauth_states")...)
	s.edit(swapAll("invitations")...)
	_, before := s.presented("")
	for _, address := range addresses {
		if _, err := g.Finish(t.Context(), address); !as[*state.OwnerError](err) {
			t.Errorf("Finish = %v, want *OwnerError", err)
		}
	}
	for _, link := range links {
		if _, err := g.CheckLink(t.Context(), string(link.Token)); !as[*state.OwnerError](err) {
			t.Errorf("CheckLink = %v, want *OwnerError", err)
		}
		if _, _, err := g.BeginByLink(t.Context(), string(link.Token)); !as[*state.OwnerError](err) {
			t.Errorf("BeginByLink = %v, want *OwnerError", err)
		}
	}
	if _, after := s.presented(""); after != before || len(allConnections(t, g)) != 0 {
		t.Errorf("%d codes were exchanged, connections %+v", after-before, allConnections(t, g))
	}
	if _, err := g.CheckSealed(t.Context()); !as[*state.OwnerError](err) {
		t.Errorf("CheckSealed = %v", err)
	}
	s.edit(swapAll("oauth_states")...)
	if found, err := g.Finish(t.Context(), addresses["P001"]); err != nil || found.Connection.ParticipantID != "P001" {
		t.Errorf("Finish once it is put back = %+v, %v", found, err)
	}
}

// A consent that an edited link led to is refused when the browser comes back.
func TestLinkEditedMeanwhile(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	links, err := g.Invite(t.Context(), []string{"P001"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	_, address, err := g.BeginByLink(t.Context(), string(links[0].Token))
	if err != nil {
		t.Fatal(err)
	}
	s.edit("update invitations set participant_id = 'P002'")
	u, _ := url.Parse(address)
	if _, err := g.Finish(t.Context(), redirectURI+"?code="+s.newCode("user of P001")+"&state="+u.Query().Get("state")); !as[*state.OwnerError](err) {
		t.Errorf("Finish = %v, want *OwnerError", err)
	}
}

// Where connections were exchanged and no backup tells how they were, signing in again
// needs somebody's word, and then all is well.
func TestAgainAfterExchangedAccounts(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	one, two := s.imported(g, "P001"), s.imported(g, "P002")
	s.edit(swap("connections", "connection_id", one, two, "account_hash")...)
	for _, who := range []string{"P001", "P002"} {
		g := s.process()
		got, err := g.Import(t.Context(), strings.NewReader("participant_id,refresh_token\n"+who+","+s.newRefresh("user of "+who)+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		id := got.ConnectionIDs[0]
		_, err = g.Verify(t.Context(), id)
		owner, edited := asError[*state.OwnerError](err)
		if who == "P001" && (!edited || !owner.Aside || owner.ParticipantID != who) {
			t.Errorf("Verify of %s = %v, want *OwnerError of the grant kept aside", who, err)
		}
		g.Change = &state.Changeover{Reason: "looked"}
		if err != nil {
			if _, err = g.Verify(t.Context(), id); err != nil {
				t.Errorf("Verify of %s, confirmed = %v", who, err)
			}
		}
		g.Change = nil
		if _, err := g.Token(t.Context(), id); err != nil {
			t.Errorf("Token of %s = %v", who, err)
		}
	}
	if _, err := g.CheckSealed(t.Context()); err != nil {
		t.Errorf("CheckSealed afterwards = %v", err)
	}
}

// Grants that were exported, and exchanged since, do not come back as another's.
func TestExchangedExports(t *testing.T) {
	edits := map[string]func(one, two string) []string{
		"rows of tokens": moved,
		"hashes":         func(a, b string) []string { return swap("tokens", "connection_id", a, b, "refresh_hash") },
		"participants":   func(a, b string) []string { return swap("connections", "connection_id", a, b, "participant_id") },
		"accounts":       func(a, b string) []string { return swap("connections", "connection_id", a, b, "account_hash") },
	}
	for name, edit := range edits {
		s, g := newStudy(t, "P001", "P002")
		one, two := s.imported(g, "P001"), s.imported(g, "P002")
		path := filepath.Join(t.TempDir(), "grants.age")
		if n, err := g.Export(t.Context(), path, "", nil); n != 2 || err != nil {
			t.Fatalf("Export = %d, %v", n, err)
		}
		exchange := edit(one, two)
		s.edit(exchange...)
		if _, err := s.takes(s.process(), path); !as[*state.OwnerError](err) {
			t.Errorf("%s: take back = %v, want *OwnerError", name, err)
		}
		if _, err := g.Export(t.Context(), path+"2", "", nil); !as[*state.OwnerError](err) {
			t.Errorf("%s: Export again = %v, want *OwnerError", name, err)
		}
		s.edit(exchange...)
		if got, err := s.takes(s.process(), path); err != nil || got.Back != 2 {
			t.Errorf("%s: take back once they are put back = %+v, %v", name, got, err)
		}
	}
}

// unsealed makes the study one of before there were seals.
func (s *study) unsealed() {
	s.edit("update connections set seal = ''", "update tokens set seal = '', previous_hash = ''", "update token_answers set seal = ''",
		"update oauth_states set seal = ''", "update invitations set seal = ''", "delete from meta where key = 'sealed'")
}

// What is older than seals is sealed once, when the key first opens it, and whoever
// takes the seals off after that is found out.
func TestSealedOnce(t *testing.T) {
	s := &study{server: newServer(t), t: t, dir: t.TempDir(), now: time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)}
	store, err := state.Open(t.Context(), s.dir)
	if err != nil {
		t.Fatal(err)
	}
	key, err := OpenKey(t.Context(), filepath.Join(s.dir, "key.age"), store)
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	// The key of an older program, of whose seals the trail says nothing.
	s.edit("delete from meta", "delete from audit_pending", "update audit_head set seq = 0, hash = '', bytes = 0",
		"insert into meta values ('recipient', '"+key.Recipient()+"')")
	if err := removeTrail(s.dir); err != nil {
		t.Fatal(err)
	}
	g := s.process()
	for _, who := range []string{"P001", "P002", "P003"} {
		if err := g.Store.AddParticipant(t.Context(), state.Participant{ID: who}); err != nil {
			t.Fatal(err)
		}
	}
	one, two, three := s.imported(g, "P001"), s.imported(g, "P002"), s.imported(g, "P003")
	s.add(3 * time.Hour)
	for _, id := range []string{one, two, three} {
		if _, err := g.Token(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := g.Store.Trail(t.Context())
	if err != nil || !strings.Contains(lines[0].After, `"sealed_connections":0`) {
		t.Fatalf("trail %+v, %v; want that what there was is sealed", lines[:1], err)
	}
	s.unsealed()
	if err := removeTrail(s.dir); err != nil {
		t.Fatal(err)
	}
	s.edit("update audit_head set seq = 0, hash = '', bytes = 0")
	s.edit(swap("tokens", "connection_id", two, three, "current")...) // already then

	next := s.process()
	if _, err := next.Token(t.Context(), one); err != nil {
		t.Errorf("Token of one who is sealed now = %v", err)
	}
	for _, id := range []string{two, three} {
		if _, err := next.Token(t.Context(), id); !as[*state.OwnerError](err) {
			t.Errorf("Token of a pair that was exchanged before = %v, want *OwnerError", err)
		}
	}
	lines, err = next.Store.Trail(t.Context())
	if err != nil || len(lines) != 1 || lines[0].Subject != "key" || !strings.Contains(lines[0].After, `"sealed_connections":3`) {
		t.Errorf("trail %+v, %v; want one line of three connections", lines, err)
	}
	for _, edit := range []string{"delete from meta where key = 'sealed'", "update tokens set seal = ''", "update meta set value = 'x' where key = 'sealed'"} {
		s.edit(edit)
	}
	store, err = state.Open(t.Context(), s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := OpenKey(t.Context(), filepath.Join(s.dir, "key.age"), store); !errors.Is(err, state.ErrSealsLost) {
		t.Errorf("OpenKey where the mark was edited = %v, want ErrSealsLost", err)
	}
	s.edit("delete from meta where key = 'sealed'", "update connections set seal = ''")
	if _, err := OpenKey(t.Context(), filepath.Join(s.dir, "key.age"), store); !errors.Is(err, state.ErrSealsLost) {
		t.Errorf("OpenKey where all seals and the mark are gone = %v, want ErrSealsLost", err)
	}
}

func removeTrail(dir string) error { return os.Remove(filepath.Join(dir, state.AuditFile)) }
