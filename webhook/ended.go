package webhook

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/state"
)

// EndOf disables the endpoints whose URLs a key set, which is revoked: whoever holds it
// is to get nothing more. Those that are disabled already are so because of this now.
func (es Endpoints) EndOf(ctx context.Context, tx *sql.Tx, k access.Key) (acts []state.Act, err error) {
	all, err := endpointsIn(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if e.MadeBy != k.Name {
			continue
		}
		act, err := es.end(ctx, tx, e, Revoked, "key "+k.Name+" is revoked")
		if err != nil {
			return nil, err
		}
		acts = append(acts, act)
	}
	return acts, nil
}

// end disables an endpoint, for the reason that the trail has in words.
func (es Endpoints) end(ctx context.Context, tx *sql.Tx, e Endpoint, why Reason, reason string) (state.Act, error) {
	before := acted(e)
	e.disable(es.now(), why)
	e.Why, e.UpdatedAt = why, es.now()
	return state.Act{Subject: subject, Before: before, After: acted(e), Reason: reason}, updateEndpoint(ctx, tx, e)
}

// keyWorks makes sure that a key was not revoked while a request of it was answered; ""
// is a person.
func keyWorks(ctx context.Context, tx *sql.Tx, name string) error {
	if name == "" {
		return nil
	}
	n, err := state.One(ctx, tx, scanNumber, "select exists (select 1 from api_keys where name = ? and revoked_at is null)", name)
	if err == nil && n == 0 {
		err = fmt.Errorf("key %s is revoked", name)
	}
	return err
}

// EndAgain disables endpoints that are enabled by the state though the audit trail says
// that they were removed or disabled, or are at another host: the state is from a backup
// that is older. It returns their names. It is called before anything is sent.
func (es Endpoints) EndAgain(ctx context.Context) (names []string, err error) {
	lines, err := es.Store.Trail(ctx)
	if _, damaged := errors.AsType[*state.AuditError](err); err != nil && !damaged {
		return nil, err
	}
	last := lastBy(lines)
	all, err := es.List(ctx)
	if err != nil || !slices.ContainsFunc(all, last.contradict) {
		return nil, err
	}
	return names, es.Store.Change(ctx, func(tx *sql.Tx) (acts []state.Act, err error) {
		all, err := endpointsIn(ctx, tx)
		for _, e := range slices.DeleteFunc(all, func(e Endpoint) bool { return !last.contradict(e) }) {
			act, err := es.end(ctx, tx, e, Outdated, "it was ended or changed before: state.db is older than this trail")
			if err != nil {
				return nil, err
			}
			names, acts = append(names, e.Name()), append(acts, act)
		}
		return acts, err
	})
}

// A remembered endpoint is what the audit trail says last of it; nil: it was removed.
type remembered *struct {
	Endpoint, Host string
	Enabled        bool
}

// A memory is of endpoints by name.
type memory map[string]remembered

// contradict reports whether an endpoint gets events though by the trail it does not.
func (m memory) contradict(e Endpoint) bool {
	was, known := m[e.Name()]
	return known && e.Enabled() && (was == nil || !was.Enabled || was.Host != hostOf(e.URL))
}

func lastBy(lines []state.AuditLine) memory {
	last := make(memory)
	for _, l := range lines {
		if l.Subject != subject {
			continue
		}
		var before, after remembered
		_ = json.Unmarshal([]byte(cmp.Or(l.Before, "null")), &before) // a line that is damaged says nothing
		_ = json.Unmarshal([]byte(cmp.Or(l.After, "null")), &after)
		switch {
		case after != nil:
			last[after.Endpoint] = after
		case before != nil:
			last[before.Endpoint] = nil
		}
	}
	return last
}
