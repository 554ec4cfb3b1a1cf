package consent

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// live is an ordinary run: recover, then use everybody's tokens, some at a
// time, through several refreshes each. Whoever has no consent, or one that is
// in doubt, consents.
func live(ctx context.Context, e errand) error {
	g, err := e.grants(ctx)
	if err != nil {
		return err
	}
	defer g.Register.Store.Close()
	if err := g.Recover(ctx); err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(e.Workers)
	for _, who := range e.Participants {
		group.Go(func() error {
			if err := liveOn(ctx, g, who, who == e.Connect); err != nil {
				return fmt.Errorf("%s: %w", who, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// liveOn uses the participant's tokens, through the door first if they are to
// consent.
func liveOn(ctx context.Context, g *process, who string, consents bool) error {
	if consents {
		if err := consent(ctx, g, who); err != nil {
			return err
		}
	}
	used, err := useAll(ctx, g, who)
	if err != nil || used {
		return err
	}
	if err := consent(ctx, g, who); err != nil {
		return err
	}
	used, err = useAll(ctx, g, who)
	if err == nil && !used {
		err = errors.New("has no connection after a consent")
	}
	return err
}

// useAll uses the participant's connections and reports whether one works.
func useAll(ctx context.Context, g *process, who string) (used bool, err error) {
	all, err := g.Register.Connections(ctx)
	if err != nil {
		return false, err
	}
	for _, c := range all {
		if c.ParticipantID != who || c.Status != Connected || c.Aside {
			continue
		}
		switch err := use(ctx, g, c.ID); {
		case err == nil:
			used = true
		case errors.As(err, new(*AuthSuspectError)):
		case errors.As(err, new(*MovedError)):
			return useAll(ctx, g, who)
		default:
			return false, err
		}
	}
	return used, nil
}

// use asks for data, then twice more after the token was called bad.
func use(ctx context.Context, g *process, connection string) error {
	token, err := g.Token(ctx, connection)
	for range 2 {
		if err == nil {
			_, err = g.Client.client(g.Apps["us"]).Do(ctx, token, dexcom.Request{Resource: dexcom.DataRange})
		}
		if err != nil {
			return err
		}
		token, err = g.Renew(ctx, connection, token)
	}
	return err
}

// consent is a person who signs in.
func consent(ctx context.Context, g *process, who string) error {
	address, err := g.Begin(ctx, who)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"&user="+who, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = g.Finish(ctx, response.Header.Get("Location"))
	return err
}
