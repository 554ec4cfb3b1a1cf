package consent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Found is what a connection leads to: for the eyes of whoever connects, so
// that a wrong account is noticed.
type Found struct {
	Connection Connection
	Ranges     dexcom.Ranges // its userId is left out
	Devices    []Device      // newest upload first; empty if the API did not say
	ReturnTo   string        // where the browser is to go, by the link that led here: see Issue; "": our page
}

// A Device is a display device of the account.
type Device struct {
	Display    string // iOS, android, receiver
	App        string // may be ""
	Generation string // of the transmitter
	LastUpload time.Time
}

// Verify looks at the account of a connection (dataRange and devices) and
// settles whose it is: see Register.settle, whose errors these are
// (*AccountInUseError, *OtherAccountError, *ChangeoverError).
// With them comes what was seen, for whoever has to decide. If the account
// cannot be seen, *UncheckedError: nothing is lost. Else Token's errors.
func (ac *Accounts) Verify(ctx context.Context, connectionID string) (Found, error) {
	h, err := ac.tokens.fresh(ctx, connectionID, "")
	if err != nil {
		return Found{}, err
	}
	app, err := ac.client.app(h.Region)
	if err != nil {
		return Found{}, fmt.Errorf("participant %s: %w", h.ParticipantID, err)
	}
	data, h, err := ac.look(ctx, app, h, dexcom.Request{Resource: dexcom.DataRange})
	if err != nil {
		return Found{}, &UncheckedError{h.ParticipantID, err}
	}
	if err := ac.client.clock(data.Date); err != nil {
		return Found{}, &UncheckedError{h.ParticipantID, err} // the log would date it wrong
	}
	ranges, err := readRanges(data)
	if err != nil {
		return Found{}, &UncheckedError{h.ParticipantID, err}
	}
	ac.client.reached("account.seen")
	found := Found{Connection: h.Connection, Ranges: ranges}
	answers := []dexcom.Answer{data}
	devices, _, err := ac.look(ctx, app, h, dexcom.Request{Resource: dexcom.Devices})
	if err == nil && devices.UserID != "" && devices.UserID != data.UserID {
		return Found{}, &UncheckedError{h.ParticipantID, errTwoAccounts}
	}
	if err == nil {
		found.Devices, err = readDevices(devices)
		answers = append(answers, devices)
	}
	if err != nil {
		ac.client.log().Warn("devices not seen", "participant_id", h.ParticipantID, "error", err)
	}
	c, err := ac.settle(ctx, connectionID, ac.key.hash("account", data.UserID), ac.changeover(ranges))
	if err != nil {
		return found, err
	}
	ac.client.reached("account.settled")
	found.Connection = c
	return found, ac.kept(ctx, c, answers)
}

// errTwoAccounts says that nobody knows yet whose account it is.
var errTwoAccounts = errors.New("dataRange and devices were answered for two different accounts")

// changeover is Change with what was seen.
func (ac *Accounts) changeover(seen dexcom.Ranges) *Changeover {
	if ac.Change == nil {
		return nil
	}
	change := *ac.Change
	if seen.EGVs != nil {
		change.First = seen.EGVs.Start
	}
	return &change
}

// look asks the API one thing, once more with another token after a 401.
func (ac *Accounts) look(ctx context.Context, app App, h held, r dexcom.Request) (dexcom.Answer, held, error) {
	a, err := dexcom.Renewing(h.Access, func(token string) (dexcom.Answer, error) {
		return ac.client.data(ctx, app, token, r)
	}, func(rejected string) (_ string, err error) {
		h, err = ac.tokens.fresh(ctx, h.Connection.ID, rejected)
		return h.Access, err
	})
	return a, h, err
}

// data sends one request for data when there is a place for it.
func (cl *Client) data(ctx context.Context, app App, token string, r dexcom.Request) (dexcom.Answer, error) {
	if err := cl.quota(); err != nil {
		return dexcom.Answer{}, err
	}
	if cl.Pace != nil {
		if err := cl.Pace(ctx, app.Region); err != nil {
			return dexcom.Answer{}, err
		}
	}
	cl.calls.Add(1)
	a, err := cl.client(app).Do(ctx, token, r)
	a.Release() // there are two of them at a time at most
	return a, err
}

// settle says under the connection's lease whose account it is, so that no
// refresh is on its way while the grant changes hands.
func (ac *Accounts) settle(ctx context.Context, id, account string, change *Changeover) (c Connection, err error) {
	leased := func() error {
		ac.client.reached("account.leased")
		return nil
	}
	err = ac.tokens.alone(ctx, id, leased, func() error {
		c, err = ac.register.settle(ctx, id, account, change)
		return err
	})
	return c, err
}

func (ac *Accounts) kept(ctx context.Context, c Connection, answers []dexcom.Answer) error {
	if ac.Keep == nil {
		return nil
	}
	for _, a := range answers {
		if err := ac.Keep(context.WithoutCancel(ctx), c, a); err != nil {
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

func readDevices(a dexcom.Answer) ([]Device, error) {
	plain, err := dexcom.Plain(a.Body, a.Encoding, dexcom.DefaultMaxBody)
	if err != nil {
		return nil, err
	}
	var out []Device
	var envelope dexcom.Envelope
	for d, err := range dexcom.Records[dexcom.Device](plain, &envelope) {
		if err != nil {
			return nil, err
		}
		out = append(out, Device{
			Display: shown(d.DisplayDevice), App: shown(d.DisplayApp), Generation: shown(d.TransmitterGeneration),
			LastUpload: d.LastUpload.UTC(),
		})
	}
	slices.SortStableFunc(out, func(a, b Device) int { return b.LastUpload.Compare(a.LastUpload) })
	return out, nil
}

// shown is a text of a server fit to be shown to whoever connects.
func shown(text dexcom.Text) string {
	return dexcom.Shorten(dexcom.Printable(text.String()))
}
