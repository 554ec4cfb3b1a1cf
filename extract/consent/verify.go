package consent

import (
	"context"
	"errors"
	"fmt"
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
// (*state.AccountInUseError, *state.OtherAccountError, *state.ChangeoverError).
// With them comes what was seen, for whoever has to decide. If the account
// cannot be seen, *UncheckedError: nothing is lost. Else Token's errors.
func (g *Grants) Verify(ctx context.Context, connectionID string) (Found, error) {
	h, err := g.fresh(ctx, connectionID, "")
	if err != nil {
		return Found{}, err
	}
	app, err := g.app(h.Region)
	if err != nil {
		return Found{}, fmt.Errorf("participant %s: %w", h.ParticipantID, err)
	}
	data, h, err := g.look(ctx, app, h, dexcom.Request{Resource: dexcom.DataRange})
	if err != nil {
		return Found{}, &UncheckedError{h.ParticipantID, err}
	}
	if err := g.clock(data.Date); err != nil {
		return Found{}, &UncheckedError{h.ParticipantID, err} // the log would date it wrong
	}
	ranges, err := readRanges(data)
	if err != nil {
		return Found{}, &UncheckedError{h.ParticipantID, err}
	}
	g.reached("account.seen")
	found := Found{Connection: h.Connection, Ranges: ranges}
	answers := []dexcom.Answer{data}
	devices, _, err := g.look(ctx, app, h, dexcom.Request{Resource: dexcom.Devices})
	if err == nil && devices.UserID != "" && devices.UserID != data.UserID {
		return Found{}, &UncheckedError{h.ParticipantID, errTwoAccounts}
	}
	if err == nil {
		found.Devices, err = readDevices(devices)
		answers = append(answers, devices)
	}
	if err != nil {
		g.log().Warn("devices not seen", "participant_id", h.ParticipantID, "error", err)
	}
	c, err := g.settle(ctx, connectionID, g.Key.hash("account", data.UserID), g.changeover(ranges))
	if err != nil {
		return found, err
	}
	g.reached("account.settled")
	found.Connection = c
	return found, g.kept(ctx, c, answers)
}

// errTwoAccounts says that nobody knows yet whose account it is.
var errTwoAccounts = errors.New("dataRange and devices were answered for two different accounts")

// changeover is Change with what was seen.
func (g *Grants) changeover(seen dexcom.Ranges) *state.Changeover {
	if g.Change == nil {
		return nil
	}
	change := *g.Change
	if seen.EGVs != nil {
		change.First = seen.EGVs.Start
	}
	return &change
}

// look asks the API one thing, once more with another token after a 401.
func (g *Grants) look(ctx context.Context, app App, h held, r dexcom.Request) (dexcom.Answer, held, error) {
	a, err := dexcom.Renewing(h.Access, func(token string) (dexcom.Answer, error) {
		return g.data(ctx, app, token, r)
	}, func(rejected string) (_ string, err error) {
		h, err = g.fresh(ctx, h.Connection.ID, rejected)
		return h.Access, err
	})
	return a, h, err
}

// data sends one request for data when there is a place for it.
func (g *Grants) data(ctx context.Context, app App, token string, r dexcom.Request) (dexcom.Answer, error) {
	if err := g.quota(); err != nil {
		return dexcom.Answer{}, err
	}
	if g.Pace != nil {
		if err := g.Pace(ctx, app.Region); err != nil {
			return dexcom.Answer{}, err
		}
	}
	g.calls.Add(1)
	a, err := g.client(app).Do(ctx, token, r)
	a.Release() // there are two of them at a time at most
	return a, err
}

// settle says under the connection's lease whose account it is, so that no
// refresh is on its way while the grant changes hands.
func (g *Grants) settle(ctx context.Context, id, account string, change *state.Changeover) (state.Connection, error) {
	owner, err := g.lease(ctx, id)
	if err != nil {
		return state.Connection{}, err
	}
	defer g.release(ctx, id, owner)
	g.reached("account.leased")
	if err := g.finish(ctx, id); err != nil {
		return state.Connection{}, err
	}
	if err := g.Store.ExtendRefresh(ctx, id, owner, leaseTTL); err != nil {
		return state.Connection{}, err // we stood still, and a token may be on its way
	}
	return g.Store.Settle(ctx, id, account, change)
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
