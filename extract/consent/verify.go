package consent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/state"
)

// Found is what a connection leads to: for the eyes of whoever connects, so
// that a wrong account is noticed.
type Found struct {
	Connection state.Connection
	Ranges     dexcom.Ranges // its userId is left out
	Devices    []Device      // newest upload first; empty if the API did not say
}

// A Device is a display device of the account.
type Device struct {
	Display    string // iOS, android, receiver
	App        string // may be ""
	Generation string // of the transmitter
	LastUpload time.Time
}

// Verify looks at the account of a connection (dataRange and devices) and
// settles whose it is: see state.Store.Settle, whose errors these are
// (*state.AccountInUseError, *state.OtherAccountError). If the account cannot
// be seen, *UncheckedError: nothing is lost. Else Token's errors.
func (g *Grants) Verify(ctx context.Context, connectionID string) (Found, error) {
	h, err := g.fresh(ctx, connectionID, "")
	if err != nil {
		return Found{}, err
	}
	app, err := g.app(h.Region)
	if err != nil {
		return Found{}, fmt.Errorf("participant %s: %w", h.ParticipantID, err)
	}
	unchecked := func(err error) (Found, error) {
		return Found{}, &UncheckedError{h.ParticipantID, err}
	}
	data, h, err := g.look(ctx, app, h, dexcom.Request{Resource: dexcom.DataRange})
	if err != nil {
		return unchecked(err)
	}
	ranges, err := readRanges(data)
	if err != nil {
		return unchecked(err)
	}
	c, err := g.settle(ctx, connectionID, g.Key.hash("account", data.UserID))
	if err != nil {
		return Found{}, err
	}
	found := Found{Connection: c, Ranges: ranges}
	answers := []dexcom.Answer{data}
	devices, _, err := g.look(ctx, app, h, dexcom.Request{Resource: dexcom.Devices})
	if err == nil {
		found.Devices, err = readDevices(devices)
		answers = append(answers, devices)
	}
	if err != nil {
		g.log().Warn("devices not seen", "participant_id", h.ParticipantID, "error", err)
	}
	return found, g.kept(ctx, c, answers)
}

// look asks the API one thing, once more with another token after a 401.
func (g *Grants) look(ctx context.Context, app App, h held, r dexcom.Request) (dexcom.Answer, held, error) {
	g.calls.Add(1)
	a, err := g.client(app).Do(ctx, h.Access, r)
	if status := (*dexcom.StatusError)(nil); errors.As(err, &status) && status.Code == http.StatusUnauthorized {
		if h, err = g.fresh(ctx, h.Connection.ID, h.Access); err != nil {
			return a, h, err
		}
		g.calls.Add(1)
		a, err = g.client(app).Do(ctx, h.Access, r)
	}
	return a, h, err
}

// settle says under the connection's lease whose account it is, so that no
// refresh is on its way while the grant changes hands.
func (g *Grants) settle(ctx context.Context, id, account string) (state.Connection, error) {
	owner, err := g.lease(ctx, id)
	if err != nil {
		return state.Connection{}, err
	}
	defer g.release(ctx, id, owner)
	if err := g.finish(ctx, id); err != nil {
		return state.Connection{}, err
	}
	return g.Store.Settle(ctx, id, account, g.NewAccount)
}

func (g *Grants) kept(ctx context.Context, c state.Connection, answers []dexcom.Answer) error {
	if g.Keep == nil {
		return nil
	}
	for _, a := range answers {
		if err := g.Keep(context.WithoutCancel(ctx), c, a); err != nil {
			return fmt.Errorf("participant %s: %s: %w", c.ParticipantID, a.Resource, err)
		}
	}
	return nil
}

func readRanges(a dexcom.Answer) (dexcom.Ranges, error) {
	if a.UserID == "" {
		return dexcom.Ranges{}, errors.New("dataRange does not say whose it is")
	}
	plain, err := dexcom.Plain(a.Body, a.Encoding, dexcom.DefaultMaxBody)
	if err != nil {
		return dexcom.Ranges{}, err
	}
	ranges, err := dexcom.ParseRanges(plain)
	ranges.UserID = ""
	return ranges, err
}
