package consent

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Kept answers that were exchanged are used for nobody, and cost no POST beside
// them; put back, they are used.
func TestExchangedAnswers(t *testing.T) {
	oneAfterTheOther(t)
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
			answers, err := g.Register.Answers(t.Context(), "")
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
				if _, err := next.Token(t.Context(), id); !as[*OwnerError](err) {
					t.Errorf("Token = %v, want *OwnerError", err)
				}
			}
			if _, now := s.presented(""); now != posts {
				t.Errorf("%d POSTs for those whose answers were exchanged", now-posts)
			}
			if _, err := next.CheckSealed(t.Context()); !as[*OwnerError](err) {
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
	answers, _ := g.Register.Answers(t.Context(), "")
	s.edit(swap("token_answers", "answer_id", answers[0].ID, answers[1].ID, "sealed")...)
	next := s.process()
	s.goesOn(next, "P001", one)
	s.goesOn(next, "P002", two)
	if _, err := next.CheckSealed(t.Context()); err != nil {
		t.Errorf("CheckSealed afterwards = %v", err)
	}
}

// goesOn signs a participant in again, to the same account: the connection goes on.
func (s *study) goesOn(g *process, who, id string) {
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
	oneAfterTheOther(t)
	for _, columns := range [][]string{{"participant_id"}, {"sealed"}, {"participant_id", "seal"}} {
		s, g := newStudy(t, "P001", "P002")
		var ids []string
		for _, who := range []string{"P001", "P002"} {
			a := tokenAnswer{ConnectionID: g.Register.Store.NewID(), ParticipantID: who, Region: "us", HTTPStatus: 200, ReceivedAt: s.clock()}
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
		if _, err := next.CheckSealed(t.Context()); !as[*OwnerError](err) {
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
		if _, err := g.Finish(t.Context(), address); !as[*OwnerError](err) {
			t.Errorf("Finish = %v, want *OwnerError", err)
		}
	}
	for _, link := range links {
		if _, err := g.CheckLink(t.Context(), string(link.Token)); !as[*OwnerError](err) {
			t.Errorf("CheckLink = %v, want *OwnerError", err)
		}
		if _, _, err := g.BeginByLink(t.Context(), string(link.Token), "", ""); !as[*OwnerError](err) {
			t.Errorf("BeginByLink = %v, want *OwnerError", err)
		}
	}
	if _, after := s.presented(""); after != before || len(allConnections(t, g)) != 0 {
		t.Errorf("%d codes were exchanged, connections %+v", after-before, allConnections(t, g))
	}
	if _, err := g.CheckSealed(t.Context()); !as[*OwnerError](err) {
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
	_, address, err := g.BeginByLink(t.Context(), string(links[0].Token), "", "")
	if err != nil {
		t.Fatal(err)
	}
	s.edit("update invitations set participant_id = 'P002'")
	u, _ := url.Parse(address)
	if _, err := g.Finish(t.Context(), redirectURI+"?code="+s.newCode("user of P001")+"&state="+u.Query().Get("state")); !as[*OwnerError](err) {
		t.Errorf("Finish = %v, want *OwnerError", err)
	}
}

// Grants that were exported, and exchanged since, do not come back as another's.
func TestExchangedExports(t *testing.T) {
	oneAfterTheOther(t)
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
		if _, err := s.takes(s.process(), path); !as[*OwnerError](err) {
			t.Errorf("%s: take back = %v, want *OwnerError", name, err)
		}
		if _, err := g.Export(t.Context(), path+"2", "", nil); !as[*OwnerError](err) {
			t.Errorf("%s: Export again = %v, want *OwnerError", name, err)
		}
		s.edit(exchange...)
		if got, err := s.takes(s.process(), path); err != nil || got.Back != 2 {
			t.Errorf("%s: take back once they are put back = %+v, %v", name, got, err)
		}
	}
}

// A sign-in by a link where a connection was edited is kept aside, and the person
// may come by the same link again.
func TestLinkWhereAConnectionWasEdited(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	one, two := s.imported(g, "P001"), s.imported(g, "P002")
	s.edit(swap("connections", "connection_id", one, two, "account_hash")...)
	links, err := g.Invite(t.Context(), []string{"P001"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	token := string(links[0].Token)
	_, address, err := g.BeginByLink(t.Context(), token, mine, g.PressToken(token, mine))
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.Arrive(t.Context(), Arrival{Address: redirectURI, Query: s.came(address, s.newCode("user of P001")), Browser: mine})
	if owner, ok := asError[*OwnerError](err); !ok || !owner.Aside || owner.ParticipantID != "P001" {
		t.Errorf("Arrive = %v, want *OwnerError of the grant kept aside", err)
	}
	if _, err := g.CheckLink(t.Context(), token); err != nil {
		t.Errorf("CheckLink afterwards = %v", err)
	}
}

// A question that is taken out of the state, or moved to another browser, lets
// nobody around it; put back, it can be answered.
func TestEditedQuestions(t *testing.T) {
	oneAfterTheOther(t)
	const waits = "select answer_id, invitation, browser, expires_at, seen, first_reading from "
	for name, edit := range map[string]func(g *process) string{
		"taken out":       func(*process) string { return "delete from unconfirmed" },
		"of nobody's":     func(*process) string { return "update unconfirmed set browser = ''" },
		"another browser": func(g *process) string { return "update unconfirmed set browser = '" + g.browserHash("other") + "'" },
		"of no link":      func(*process) string { return "update unconfirmed set invitation = ''" },
	} {
		t.Run(name, func(t *testing.T) {
			s, g := newStudy(t, "P001")
			s.asked(g, s.link(g, "P001"))
			s.edit("create table kept as "+waits+"unconfirmed", edit(g))
			next := s.process()
			if err := next.Recover(t.Context()); err != nil {
				t.Fatalf("Recover = %v", err)
			}
			for _, browser := range []Secret{yours, "other", ""} {
				q, err := next.Question(t.Context(), browser)
				if err != nil {
					continue // it is not asked any more
				}
				if _, err := next.Answer(t.Context(), browser, q.Token, true); !as[*OwnerError](err) {
					t.Errorf("Answer = %v, want *OwnerError", err)
				}
			}
			if all := allConnections(t, next); len(all) != 0 {
				t.Errorf("connections %+v", all)
			}
			s.edit("delete from unconfirmed", "insert into unconfirmed "+waits+"kept")
			q, err := next.Question(t.Context(), yours)
			if err != nil {
				t.Fatalf("Question once it is put back = %v", err)
			}
			if _, err := next.Answer(t.Context(), yours, q.Token, true); err != nil {
				t.Errorf("Answer once it is put back = %v", err)
			}
		})
	}
}

// A consent begun in one browser cannot be given to another by an edit.
func TestEditedBrowser(t *testing.T) {
	s, g := newStudy(t, "P001")
	query := s.pressed(g, s.link(g, "P001"))
	s.edit("update oauth_states set browser = '" + g.browserHash(yours) + "'")
	if _, err := g.Arrive(t.Context(), Arrival{Address: redirectURI, Query: query, Browser: yours, Ask: true}); !as[*OwnerError](err) {
		t.Errorf("Arrive = %v, want *OwnerError", err)
	}
}
