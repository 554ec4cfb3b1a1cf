package study

import (
	"testing"

	"github.com/dexetl/dexetl/extract/consent"
)

// An account that is set aside is nobody's connection in the lake either.
func TestConnectionRow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		c    consent.Connection
		want string
	}{
		{consent.Connection{Status: consent.Connected}, "connected"},
		{consent.Connection{Status: consent.Connected, Aside: true}, "set_aside"},
		{consent.Connection{Status: consent.NeedsReconsent, Aside: true}, "set_aside"},
		{consent.Connection{Status: consent.Ended, Aside: true}, "ended"},
	} {
		if got := connectionRow(tt.c).Status; got != tt.want {
			t.Errorf("%+v is %s in the lake, want %s", tt.c, got, tt.want)
		}
	}
}
