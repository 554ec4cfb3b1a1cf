package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dexetl/dexetl/access"
)

// Needs are what the caller of a route must have.
type Needs struct {
	Scope     access.Scope
	Glucose   bool     // in a blinded study, the right to see what it hides
	Notes     bool     // the right to read free text
	LinkToken bool     // a link token in the place of a key: the route's handler looks at it
	Besides   []string // in words, what the route's handler looks for
}

// A Route is a method and a pattern, and what their caller needs.
type Route struct {
	Method, Path string
	Needs        Needs
}

// The headers in which a key may come, and that of a link token.
const (
	KeyHeader       = "x-vital-api-key"
	ManageHeader    = "X-Management-Key"
	LinkTokenHeader = "x-vital-link-token"
)

// secretIn is the key that a request brings; by the header of management, only keys of
// scope manage do.
func secretIn(h http.Header) (secret string, manages bool) {
	if key := h.Get(KeyHeader); key != "" {
		return key, false
	}
	if scheme, token, ok := strings.Cut(h.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token), false
	}
	return h.Get(ManageHeader), true
}

// guard lets those through who have what a route needs, and their share left.
func (a *API) guard(needs Needs) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if needs.LinkToken {
			if err := a.shares.take(byLinkToken, a.Now()); err != nil {
				a.refuse(ctx, a.problem(ctx.Context(), err))
				return
			}
			next(ctx)
			return
		}
		key, err := a.admit(ctx, needs)
		if err != nil {
			a.refuse(ctx, a.problem(ctx.Context(), err))
			return
		}
		leave, err := a.shares.enter(key.ID)
		if err != nil {
			a.refuse(ctx, a.problem(ctx.Context(), err))
			return
		}
		defer leave()
		next(huma.WithValue(ctx, keyOf{}, key))
	}
}

// refuseEmpty refuses query parameters without a value. As if they were not there they would
// mean everything, where a program that lost a value means one thing.
func (a *API) refuseEmpty(ctx huma.Context, next func(huma.Context)) {
	at := ctx.URL()
	query := at.Query()
	p := &Problem{Status: http.StatusUnprocessableEntity, Detail: invalid}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if slices.Contains(query[name], "") && !mayBeEmpty(ctx.Operation().Path, name) {
			p.Wrong = append(p.Wrong, Wrong{"query." + name, "it is empty: give a value, or leave it out"})
		}
	}
	if p.Wrong != nil {
		a.refuse(ctx, p)
		return
	}
	next(ctx)
}

// mayBeEmpty reports whether a parameter may come without a value: on the routes of Vital
// they may, but for the one that says whom a request is about.
func mayBeEmpty(path, name string) bool { return isVital(path) && name != "user_id" }

func (a *API) admit(ctx huma.Context, needs Needs) (access.Key, error) {
	headers := make(http.Header)
	for _, name := range []string{KeyHeader, "Authorization", ManageHeader} {
		headers.Set(name, ctx.Header(name))
	}
	secret, manages := secretIn(headers)
	if secret == "" {
		return access.Key{}, unauthorized("a key is missing")
	}
	key, err := a.Keys.Check(ctx.Context(), secret)
	if errors.Is(err, access.ErrUnknown) {
		return key, unauthorized("the key is not known")
	}
	if err != nil {
		return key, err
	}
	visitOf(ctx.Context()).key = key.ID
	if manages {
		needs.Scope = access.Manage
	}
	return key, errors.Join(a.shares.take(key.ID, a.Now()), a.allowed(key.Rights, needs))
}

// Knows reports whether a request brings a key that works, for what is no route.
func (a *API) Knows(r *http.Request) bool {
	secret, _ := secretIn(r.Header)
	if secret == "" {
		return false
	}
	_, err := a.Keys.Check(r.Context(), secret)
	return err == nil
}

// Allows says which right the key of a request lacks, for what a route cannot say of all
// its requests.
func (a *API) Allows(ctx context.Context, needs Needs) error {
	if needs.Scope == "" {
		needs.Scope = access.Read
	}
	return a.allowed(KeyOf(ctx).Rights, needs)
}

// allowed says which right is missing.
func (a *API) allowed(r access.Rights, needs Needs) error {
	switch {
	case !r.Scope.Includes(needs.Scope):
		return Refusal(http.StatusForbidden, "this key has scope "+string(r.Scope)+", and "+string(needs.Scope)+" is needed")
	case needs.Glucose && a.blinded(r):
		return Refusal(http.StatusForbidden, "the study is blinded, and this key is not unblinded")
	case needs.Notes && !r.Notes:
		return Refusal(http.StatusForbidden, "this key may not read notes")
	}
	return nil
}

// Blinded reports whether the study is blinded for the key of a request: what it hides is
// study.BlindOf.
func (a *API) Blinded(ctx context.Context) bool { return a.blinded(KeyOf(ctx).Rights) }

func (a *API) blinded(r access.Rights) bool { return !r.Unblinded && a.Study.Blinded() }

type keyOf struct{}

// KeyOf is the key with which a route was called; the zero Key, which may see nobody's
// data, where it was called with a link token.
func KeyOf(ctx context.Context) access.Key {
	key, _ := ctx.Value(keyOf{}).(access.Key)
	return key
}
