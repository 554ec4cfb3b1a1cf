package study

import (
	"slices"
	"testing"

	"github.com/dexetl/dexetl/extract/consent"
)

// Connections lead to one account if both were seen to: an account that nobody knows
// is none.
func TestSameAccount(t *testing.T) {
	all := []consent.Connection{
		{ID: "first", AccountHash: "a", Status: consent.Ended},
		{ID: "others", AccountHash: "b", Status: consent.Ended},
		{ID: "aside", Aside: true},
		{ID: "again", AccountHash: "a", Status: consent.Exported},
		{ID: "unseen"},
		{ID: "now", AccountHash: "a", Status: consent.Connected},
	}
	for id, want := range map[string][]string{"now": {"first", "again"}, "others": nil, "unseen": nil, "aside": nil} {
		c := all[slices.IndexFunc(all, func(c consent.Connection) bool { return c.ID == id })]
		if got := sameAccount(c, all); !slices.Equal(got, want) {
			t.Errorf("sameAccount(%s) = %v, want %v", id, got, want)
		}
	}
}
