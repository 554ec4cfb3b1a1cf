//go:build linux || darwin

package sql_test

import (
	"fmt"
	"testing"

	views "github.com/dexetl/dexetl/sql"
)

// Whoever is named is found, whatever is in the name, and nobody else.
func TestAmong(t *testing.T) {
	db := openLake(t)
	exec(t, db, `insert into participants (participant_id) values ('P001'), ('O''Hara'), ('''); drop table participants; --'), ('null')`)
	for _, tt := range []struct{ ids, want []string }{
		{[]string{"P001"}, []string{"P001"}},
		{[]string{"nobody", "O'Hara"}, []string{"O'Hara"}},
		{[]string{"'); drop table participants; --"}, []string{"'); drop table participants; --"}},
		{[]string{"null", "P001"}, []string{"P001", "null"}},
		{nil, nil},
	} {
		var got []string
		for _, row := range query(t, db, `select participant_id from participants where `+views.Among("participant_id", tt.ids)+` order by 1`) {
			got = append(got, row["participant_id"].(string))
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("among %q: %q, want %q", tt.ids, got, tt.want)
		}
	}
}
