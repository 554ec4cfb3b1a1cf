package consent

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	oneAfterTheOther(t)
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
					if owner, ok := asError[*OwnerError](err); !ok || token != "" || owner.ParticipantID != "P001" && owner.ParticipantID != "P002" {
						t.Errorf("Token = %v, want *OwnerError of P001 or P002", err)
					}
					if _, err := next.Renew(t.Context(), id, "x"); !as[*OwnerError](err) {
						t.Errorf("Renew = %v, want *OwnerError", err)
					}
					if err := next.SetAside(t.Context(), id); !as[*OwnerError](err) {
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
				if !as[*OwnerError](err) || !strings.Contains(err.Error(), "P001") || !strings.Contains(err.Error(), "P002") {
					t.Errorf("CheckSealed = %v, want both named", err)
				}
				if name != "seals taken off" && strings.Contains(fmt.Sprint(err), "P003") {
					t.Errorf("CheckSealed = %v, names P003", err)
				}
			}
			c, err := g.Register.Connection(t.Context(), one)
			if err != nil || c.LastError != NotOwned {
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
	if _, err := g.Same(t.Context(), "P002", one, "user of P001-"+canary); !as[*OwnerError](err) {
		t.Errorf("Same of another participant's connection = %v", err)
	}
	s.edit(swap("connections", "connection_id", one, two, "account_hash")...)
	for _, userID := range []string{"user of P002-" + canary, "user of P001-" + canary, ""} {
		if same, err := s.process().Same(t.Context(), "P001", one, userID); same || !as[*OwnerError](err) {
			t.Errorf("Same(%q) = %t, %v; want *OwnerError", userID, same, err)
		}
	}
}

// Kept answers that were exchanged bring nobody a pair, and no token is tried for
// Where connections were exchanged and no backup tells how they were, signing in again
// Who signs in by a link while a connection in the way is edited is not connected, and
// What is older than seals is sealed once, when the key first opens it, and whoever
