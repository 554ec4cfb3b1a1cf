package extract

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
)

// fetchAll fetches the participants at indexes of r.work, which share an app, so
// many at a time.
func (r *runner) fetchAll(ctx context.Context, indexes []int, active int) error {
	claims := r.newClaims()
	group, groupCtx := errgroup.WithContext(ctx)
	fetching, done := context.WithCancel(groupCtx)
	group.Go(func() error { return claims.keep(fetching) })
	group.Go(func() error {
		defer done()
		return r.fetchClaimed(groupCtx, indexes, active, claims)
	})
	err := group.Wait()
	if e := claims.endAll(ctx); err == nil {
		err = e
	}
	return err
}

// fetchClaimed is fetchAll while somebody keeps the claims alive. Nobody is claimed
// before there is a place.
func (r *runner) fetchClaimed(ctx context.Context, indexes []int, active int, claims *claims) error {
	group, ctx := errgroup.WithContext(ctx)
	places := make(chan struct{}, active)
	for some := range slices.Chunk(indexes, claims.together) {
		places <- struct{}{}
		people := r.participants(some)
		refused, err := claims.take(ctx, idsOf(people))
		if err == nil { // what another process fetched before is in the log by now
			err = r.index.Extend(r.fetcher.Log)
		}
		for n, p := range people {
			if n > 0 {
				places <- struct{}{}
			}
			group.Go(func() error {
				defer func() { <-places }()
				defer func() {
					r.report.Participants[some[n]] = p.report
					r.advance(Progress{ParticipantsDone: 1})
				}()
				if err != nil {
					return err
				}
				return p.fetch(ctx, claims, refused[p.report.ParticipantID])
			})
		}
	}
	return group.Wait()
}

// participants are those at indexes of r.work, with the targets of which anything may
// be asked.
func (r *runner) participants(indexes []int) []*participant {
	people := make([]*participant, len(indexes))
	for n, i := range indexes {
		p := &participant{runner: r, targets: r.work[i]}
		p.report.ParticipantID = p.targets[0].ParticipantID
		p.targets = p.eligible()
		people[n] = p
	}
	return people
}

// idsOf are those of people of whom anything may be asked.
func idsOf(people []*participant) (ids []string) {
	for _, p := range people {
		if len(p.targets) > 0 {
			ids = append(ids, p.report.ParticipantID)
		}
	}
	return ids
}
