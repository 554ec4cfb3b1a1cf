package extract

import (
	"context"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// fakeTokens gives every connection its id as token.
type fakeTokens struct {
	token, renew func(connection string) (string, error)
}

func (f fakeTokens) Token(_ context.Context, connection string) (string, error) {
	if f.token != nil {
		return f.token(connection)
	}
	return connection, nil
}

func (f fakeTokens) Renew(_ context.Context, connection, rejected string) (string, error) {
	if f.renew != nil {
		return f.renew(connection)
	}
	return connection, nil
}

// fakeClaims is a table of claims in memory.
type fakeClaims struct {
	mu    sync.Mutex
	owner map[string]string
	lost  bool // claims cannot be renewed
	most  int  // held at a time

	before func(participant string) // called first when somebody claims
}

func (f *fakeClaims) Claim(_ context.Context, participants []string, owner string, _ time.Duration) (map[string]error, error) {
	refused := map[string]error{}
	for _, participant := range participants {
		if f.before != nil {
			f.before(participant)
		}
		if !f.claim(participant, owner) {
			refused[participant] = cohort.ErrClaimed
		}
	}
	return refused, nil
}

func (f *fakeClaims) claim(participant, owner string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.owner == nil {
		f.owner = map[string]string{}
	}
	if f.owner[participant] == owner && f.lost {
		return false
	}
	if o := f.owner[participant]; o != "" && o != owner {
		return false
	}
	f.owner[participant] = owner
	f.most = max(f.most, len(f.owner))
	return true
}

func (f *fakeClaims) Unclaim(ctx context.Context, participants []string, owner string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, participant := range participants {
		if f.owner[participant] == owner {
			delete(f.owner, participant)
		}
	}
	return nil
}

// fakeBudget grants perHour calls in an hour.
type fakeBudget struct {
	mu    sync.Mutex
	start time.Time
	used  int
	err   error
}

func (f *fakeBudget) TakeCalls(_ context.Context, _ string, n int, of state.Share) (int, time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.start) >= time.Hour {
		f.start, f.used = time.Now(), 0
	}
	granted := min(n, of.PerHour-f.used)
	f.used += granted
	return granted, time.Until(f.start.Add(time.Hour)), f.err
}

func (f *fakeBudget) CallRefused(context.Context, string) error { return f.err }
