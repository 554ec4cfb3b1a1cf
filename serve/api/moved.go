package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Vital has routes between which net/http's mux cannot choose: a user of
// /v2/user/{user_id}/device might be called providers. So the mux has the one of them at
// another place, and requests for it are led there.
const (
	devicesPath = "/v2/user/{user_id}/device"
	devicesAt   = "/v2/user/device/{user_id}"
)

// A mover registers routes where the mux can have them.
type mover struct{ huma.Adapter }

// Handle adds a route.
func (m mover) Handle(op *huma.Operation, handler func(huma.Context)) {
	if op.Path == devicesPath {
		at := *op
		at.Path, op = devicesAt, &at
	}
	m.Adapter.Handle(op, handler)
}

// moved is a request as the mux has its route.
func moved(r *http.Request) *http.Request {
	rest, below := strings.CutPrefix(r.URL.Path, "/v2/user/")
	user, ok := strings.CutSuffix(rest, "/device")
	if !below || !ok || r.URL.RawPath != "" || strings.Contains(user, "/") || slices.Contains([]string{"", "providers", "resolve", "refresh"}, user) {
		return r
	}
	led := r.Clone(r.Context())
	led.URL = &url.URL{Path: "/v2/user/device/" + user, RawQuery: r.URL.RawQuery}
	return led
}

// asDescribed is the pattern of a route as the API describes it.
func asDescribed(pattern string) string {
	if pattern == devicesAt {
		return devicesPath
	}
	return pattern
}
