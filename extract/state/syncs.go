package state

import (
	"context"
	"time"
)

// syncTTL outlives every sync; the lease of one ends with its process anyway.
const syncTTL = 24 * time.Hour

// BeginSync announces that a sync is under way, until EndSync or until the
// process ends: backfills leave it calls then.
func (s *Store) BeginSync(ctx context.Context, runID string) error {
	_, err := s.Lease(syncLease+runID, runID).Take(ctx, syncTTL)
	return err
}

// EndSync ends what BeginSync began.
func (s *Store) EndSync(ctx context.Context, runID string) error {
	return s.Lease(syncLease+runID, runID).Release(ctx)
}

const syncLease = "sync "

// SyncUnderWay reports whether a process that lives is at a sync. What dead ones
// left is swept.
func (s *Store) SyncUnderWay(ctx context.Context) (bool, error) {
	names, err := Collect(ctx, s, ScanText, "select name from leases where name glob ? and expires_at > ? order by name", syncLease+"*", Micros(s.now()))
	if err != nil {
		return false, err
	}
	for _, name := range names {
		if free, err := s.freeDead(ctx, name); !free || err != nil {
			return !free, err
		}
	}
	return false, nil
}
