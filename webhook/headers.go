package webhook

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/state"
)

// A HeaderError says why a header is not sent along. It does not quote its value.
type HeaderError struct{ Name, Reason string }

func (e *HeaderError) Error() string { return fmt.Sprintf("header %q %s", e.Name, e.Reason) }

// maxHeaders bounds how many headers of its own an endpoint has.
const maxHeaders = 20

var (
	headerName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	headerValue = regexp.MustCompile(`^[\x20-\x7e]{0,1000}$`)
)

// ours are headers that dexetl or the connection sets.
func ours(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "webhook-") || strings.HasPrefix(name, "svix-") || slices.Contains([]string{
		"host", "user-agent", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive",
		"upgrade", "te", "trailer", "expect", "proxy-authorization", "proxy-connection", "accept-encoding",
	}, name)
}

func checkHeaders(all map[string]string) error {
	if len(all) > maxHeaders {
		return &HeaderError{"", fmt.Sprintf("is one too many: at most %d", maxHeaders)}
	}
	for name, value := range all {
		switch {
		case !headerName.MatchString(name):
			return &HeaderError{name[:min(len(name), 64)], "is no name of a header: 1 to 64 letters, digits, - and _"}
		case ours(name):
			return &HeaderError{name, "cannot be set"}
		case !headerValue.MatchString(value):
			return &HeaderError{name, "has a value that is longer than 1000 characters, or not ASCII"}
		}
	}
	return nil
}

// Headers are those that an endpoint wants sent along, such as one that its proxy looks
// at.
func (es Endpoints) Headers(e Endpoint) (map[string]string, error) {
	if e.headers == nil {
		return map[string]string{}, nil
	}
	text, err := es.Seal.Open(e.headers)
	if err != nil {
		return nil, err
	}
	all := make(map[string]string)
	return all, json.Unmarshal(text, &all)
}

// SetHeaders replaces them. The audit trail has their names.
func (es Endpoints) SetHeaders(ctx context.Context, id int64, all map[string]string) error {
	if err := checkHeaders(all); err != nil {
		return err
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	sealed, err := es.Seal.Seal(text)
	if err != nil {
		return err
	}
	var names []string
	for name := range all {
		names = append(names, http.CanonicalHeaderKey(name))
	}
	slices.Sort(names)
	return es.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		e, err := endpointIn(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		before := acted(e)
		e.headers, e.UpdatedAt = sealed, es.now()
		after := acted(e)
		after["headers"] = strings.Join(names, " ")
		return []state.Act{{Subject: subject, Before: before, After: after}}, updateEndpoint(ctx, tx, e)
	})
}
