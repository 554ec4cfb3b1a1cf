package consent

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// damages are what may become of sealed bytes in a row of the state.
func damages(t *testing.T) map[string]func([]byte) []byte {
	t.Helper()
	stranger, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key, err := newKey(stranger)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(at func(int) int) func([]byte) []byte {
		return func(b []byte) []byte { b = slices.Clone(b); b[at(len(b))] ^= 4; return b }
	}
	return map[string]func([]byte) []byte{
		"a bit of its head":        flip(func(int) int { return 60 }),
		"a bit of its end":         flip(func(n int) int { return n - 3 }),
		"its first byte":           flip(func(int) int { return 0 }),
		"cut off":                  func(b []byte) []byte { return b[:len(b)/2] },
		"empty":                    func([]byte) []byte { return []byte{} },
		"in the clear":             func([]byte) []byte { return []byte(`{"access_token":"a"}`) },
		"sealed for somebody else": func([]byte) []byte { b, _ := key.seal([]byte("{}")); return b },
		"sealed, but no pair":      func([]byte) []byte { return nil }, // made below: the study's key does it
	}
}

// spoil changes the sealed bytes of one row as damage says.
func (s *study) spoil(table, column, id string, damage func([]byte) []byte) {
	s.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "state.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	var sealed []byte
	if err := db.QueryRow("select "+column+" from "+table+" where connection_id = ?", id).Scan(&sealed); err != nil {
		s.t.Fatal(err)
	}
	if _, err := db.Exec("update "+table+" set "+column+" = ? where connection_id = ?", damage(sealed), id); err != nil {
		s.t.Fatal(err)
	}
}

// Tokens of one person that cannot be opened are that person's matter: the others'
// are handed out, the store knows whose are damaged, and signing in again mends it.
func TestDamagedTokens(t *testing.T) {
	oneAfterTheOther(t)
	for name, damage := range damages(t) {
		t.Run(name, func(t *testing.T) {
			s, g := newStudy(t, "P001", "P002", "P003")
			ids := map[string]string{}
			for _, who := range []string{"P001", "P002", "P003"} {
				ids[who] = s.imported(g, who)
			}
			if name == "sealed, but no pair" {
				damage = func([]byte) []byte { b, _ := g.Key.seal([]byte("no pair")); return b }
			}
			s.spoil("tokens", "current", ids["P002"], damage)
			next := s.process()
			if err := next.Recover(t.Context()); err != nil {
				t.Fatalf("Recover = %v, want nothing", err)
			}
			for _, later := range []time.Duration{0, 3 * time.Hour} {
				s.add(later)
				for who, id := range ids {
					token, err := next.Token(t.Context(), id)
					quiet(t, err)
					seal, damaged := asError[*SealError](err)
					if (who == "P002") != damaged || damaged && seal.ParticipantID != who || !damaged && token == "" {
						t.Errorf("%v later, Token of %s = %v", later, who, err)
					}
				}
			}
			c, err := next.Register.Connection(t.Context(), ids["P002"])
			if err != nil || c.LastError != TokensDamaged || c.Status != Connected {
				t.Errorf("connection: %s, %q, %v; want that the tokens are damaged", c.Status, c.LastError, err)
			}
			if n, err := next.CheckSealed(t.Context()); n != 3 || !as[*SealError](err) || strings.Count(err.Error(), "P002: ") != 1 || strings.Contains(err.Error(), "P001") {
				t.Errorf("CheckSealed = %d, %v; want 3, and P002 named alone", n, err)
			}
			s.again(next, "P002", ids["P002"])
		})
	}
}

// again connects a participant anew, to the same account, and expects that all is
// well then.
func (s *study) again(g *process, who, id string) {
	s.t.Helper()
	got, err := g.Import(s.t.Context(), strings.NewReader("participant_id,refresh_token\n"+who+","+s.newRefresh("user of "+who)+"\n"))
	if err != nil {
		s.t.Fatal(err)
	}
	found, err := g.Verify(s.t.Context(), got.ConnectionIDs[0])
	if err != nil || found.Connection.ID != id || found.Connection.LastError != "" {
		s.t.Fatalf("Verify = %+v, %v; want connection %s without an error", found.Connection, err, id)
	}
	if _, err := g.Token(s.t.Context(), id); err != nil {
		s.t.Errorf("Token afterwards = %v", err)
	}
	if _, err := g.CheckSealed(s.t.Context()); err != nil {
		s.t.Errorf("CheckSealed afterwards = %v", err)
	}
}

// An answer of the token endpoint that was kept and cannot be opened is as good as
// one that was lost on its way: the stored token is tried once, nobody else waits,
// and the answer stays for repair.
func TestDamagedAnswer(t *testing.T) {
	oneAfterTheOther(t)
	for name, damage := range damages(t) {
		if name == "sealed, but no pair" {
			continue // an answer is no pair
		}
		for _, strict := range []bool{true, false} {
			s, g := newStudy(t, "P001", "P002")
			one, two := s.imported(g, "P001"), s.imported(g, "P002")
			old := pairOf(t, g, one).Refresh
			s.add(3 * time.Hour)
			if strict {
				s.kill(one, "refresh.kept")
			} else { // the answer is there, and the token was never spent
				a := tokenAnswer{ConnectionID: one, ParticipantID: "P001", Region: "us", OldHash: g.Key.hash("refresh", old), HTTPStatus: 200, ReceivedAt: s.clock()}
				if _, err := g.keep(t.Context(), a, []byte("{}")); err != nil {
					t.Fatal(err)
				}
			}
			s.spoil("token_answers", "sealed", one, damage)
			next := s.process()
			if err := next.Recover(t.Context()); err != nil {
				t.Fatalf("%s: Recover = %v", name, err)
			}
			if _, err := next.Token(t.Context(), two); err != nil {
				t.Errorf("%s: Token of the other = %v", name, err)
			}
			_, err := next.Token(t.Context(), one)
			quiet(t, err)
			var suspect *AuthSuspectError
			if strict != errors.As(err, &suspect) || !strict && err != nil {
				t.Errorf("%s, the token was spent: %t: Token = %v", name, strict, err)
			}
			if waiting, err := next.Register.Answers(t.Context(), ""); err != nil || len(waiting) > 0 {
				t.Errorf("%s: %d answers wait, %v", name, len(waiting), err)
			}
			s.again(next, "P001", one)
		}
	}
}

// So it is with the answer to a code: the others are not kept waiting, and the
// consent is begun again.
func TestDamagedAnswerToACode(t *testing.T) {
	oneAfterTheOther(t)
	for name, damage := range damages(t) {
		if name == "sealed, but no pair" {
			continue
		}
		s, g := newStudy(t, "P001", "P002")
		two := s.imported(g, "P002")
		a := tokenAnswer{ConnectionID: g.Register.Store.NewID(), ParticipantID: "P001", Region: "us", HTTPStatus: 200, ReceivedAt: s.clock()}
		if _, err := g.keep(context.Background(), a, []byte(`{"access_token":"a","refresh_token":"r"}`)); err != nil {
			t.Fatal(err)
		}
		s.spoil("token_answers", "sealed", a.ConnectionID, damage)
		next := s.process()
		for range 2 {
			if err := next.Recover(t.Context()); err != nil {
				t.Errorf("%s: Recover = %v", name, err)
			}
		}
		if _, err := next.Token(t.Context(), two); err != nil {
			t.Errorf("%s: Token of the other = %v", name, err)
		}
		if all, err := next.Register.Connections(t.Context()); err != nil || len(all) != 1 {
			t.Errorf("%s: %d connections, %v; want one", name, len(all), err)
		}
	}
}

// A kept answer mends tokens that are damaged, if it brings a refresh token.
func TestKeptAnswerMendsDamagedTokens(t *testing.T) {
	for body, mended := range map[string]bool{`{"access_token":"a","refresh_token":"r"}`: true, `{"access_token":"a"}`: false} {
		s, g := newStudy(t, "P001")
		one := s.imported(g, "P001")
		a := tokenAnswer{ConnectionID: one, ParticipantID: "P001", Region: "us", OldHash: g.Key.hash("refresh", pairOf(t, g, one).Refresh), HTTPStatus: 200, ReceivedAt: s.clock()}
		if _, err := g.keep(t.Context(), a, []byte(body)); err != nil {
			t.Fatal(err)
		}
		s.spoil("tokens", "current", one, func([]byte) []byte { return []byte{} })
		next := s.process()
		if err := next.Recover(t.Context()); err != nil {
			t.Errorf("%s: Recover = %v", body, err)
		}
		token, err := next.Token(t.Context(), one)
		if mended != (err == nil && token == "a") || mended == as[*SealError](err) {
			t.Errorf("%s: Token = %v, want mended: %t", body, err, mended)
		}
	}
}
