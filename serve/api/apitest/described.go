package apitest

import (
	"testing"
	"time"

	"github.com/dexetl/dexetl/serve/api"
)

// Described holds every answer of an API against what it says of itself: it is to observe
// its requests.
func Described(t testing.TB, a *api.API) func(method, route string, status int, took time.Duration) {
	return func(method, route string, status int, _ time.Duration) {
		if !a.Describes(method, route, status) {
			t.Errorf("the description of %s %s has no answer %d", method, route, status)
		}
	}
}
