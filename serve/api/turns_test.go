package api

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dexetl/dexetl/access"
)

// Who gets no turn is told so, and does not wait for ever.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns, began := NewTurns(1, 1), time.Now()
		end, err := turns.Take(t.Context())
		check(t, err)
		_, err = turns.Take(t.Context())
		p, ok := errors.AsType[*Problem](err)
		if waited := time.Since(began); !ok || p.Status != 503 || p.RetryAfter <= 0 || waited != turnWithin {
			t.Errorf("without a turn: %v after %s", err, waited)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := turns.Take(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("who is gone: %v", err)
		}
		end()
		end, err = turns.Take(t.Context())
		check(t, err)
		end()
	})
}

// A key that keeps its turns long leaves others room, and gets another one when it ends one.
func TestTurnsOfAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns(3, 2)
		of := func(id int64) context.Context { return context.WithValue(t.Context(), keyOf{}, access.Key{ID: id}) }
		end, err := turns.Take(of(1))
		check(t, err)
		_, err = turns.Take(of(1))
		check(t, err)
		if _, err := turns.Take(of(1)); err == nil {
			t.Error("a key has all turns")
		}
		_, err = turns.Take(of(2))
		check(t, err)
		if _, err := turns.Take(of(2)); err == nil {
			t.Error("more than all turns were taken")
		}
		end()
		_, err = turns.Take(of(2)) // the one that waited in vain keeps nothing
		check(t, err)
	})
}

// A key whose requests take long leaves others room.
func TestRequestsOfAKeyAtATime(t *testing.T) {
	b := newBench(t)
	in, out := make(chan struct{}), make(chan struct{})
	Register(b.api, huma.Operation{OperationID: "slow", Method: "GET", Path: "/v1/slow"}, Needs{Scope: access.Read}, func(context.Context, *struct{}) (*struct{}, error) {
		in <- struct{}{}
		<-out
		return nil, nil
	})
	slow, other := b.key("slow", access.Rights{Scope: access.Read}), b.key("other", access.Rights{Scope: access.Read})
	statuses := make(chan int)
	for range keyInFlight {
		go func() { statuses <- b.ask("GET", "/v1/slow", "", KeyHeader+": "+slow).StatusCode }()
		<-in
	}
	path := "/v2/user/" + b.user("P001")
	if a := b.ask("GET", path, "", KeyHeader+": "+slow); a.StatusCode != 429 || a.Header.Get("Retry-After") == "" {
		t.Errorf("one request more: %d %v", a.StatusCode, a.Header)
	}
	if a := b.ask("GET", path, "", KeyHeader+": "+other); a.StatusCode != 200 {
		t.Errorf("another key: %d", a.StatusCode)
	}
	close(out)
	for range keyInFlight {
		if status := <-statuses; status != 204 {
			t.Errorf("a slow request: %d", status)
		}
	}
	if a := b.ask("GET", path, "", KeyHeader+": "+slow); a.StatusCode != 200 {
		t.Errorf("when they are done: %d", a.StatusCode)
	}
}
