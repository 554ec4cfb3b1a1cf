package consent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Probe asks the token endpoint of a region's app to exchange a code that
// nobody was given, so that no grant is touched. It reports whether the app's
// id and secret were accepted; false with a nil error means that the endpoint
// answered without saying so, but what it said. Errors: *WrongClientError,
// *NoAppError, *EndpointError, else the transport's.
func (ts *Tokens) Probe(ctx context.Context, region string) (accepted bool, said string, err error) {
	app, err := ts.client.app(region)
	if err != nil {
		return false, "", err
	}
	got, err := ts.client.post(ctx, app, url.Values{
		"grant_type": {"authorization_code"}, "code": {"dexetl-doctor"}, "redirect_uri": {app.RedirectURI},
	}, sendIt)
	if err != nil {
		return false, "", fmt.Errorf("token endpoint: %w", err)
	}
	r := readReply(got.body)
	said = r.outcome(got.status, string(app.ClientSecret))
	switch {
	case r.code.ofApp():
		return false, said, &WrongClientError{Region: app.Region, Code: string(r.code), Said: said}
	case r.code == invalidGrant:
		return true, said, nil
	case got.status >= http.StatusInternalServerError || got.status == http.StatusNotFound:
		return false, said, &EndpointError{Status: got.status, Said: said}
	}
	return false, said, nil
}

// An EndpointError is an answer of the token endpoint that no token endpoint
// gives to a wrong code.
type EndpointError struct {
	Status int
	Said   string // status and the endpoint's words
}

func (e *EndpointError) Error() string {
	return "token endpoint: " + cmp.Or(e.Said, statusText(e.Status))
}

// CheckSealed opens the sealed tokens of every connection and returns how many there
// are, those that cannot be used included. Of these each is an error: a *SealError, or
// an *OwnerError, as are answers, consents begun and links that were edited.
func (ts *Tokens) CheckSealed(ctx context.Context) (n int, err error) {
	var wrong []error
	all, err := ts.register.Connections(ctx)
	if err != nil {
		return 0, err
	}
	named := map[string]bool{} // connections
	for _, c := range all {
		t, err := ts.register.Tokens(ctx, c.ID)
		if errors.Is(err, ErrNoConnection) {
			continue
		}
		if err != nil {
			return n, err
		}
		if _, err := ts.open(c, t); err != nil {
			wrong, named[c.ID] = append(wrong, err), true
		}
		n++
	}
	others, err := ts.register.Disowned(ctx)
	if err != nil {
		return n, err
	}
	for _, e := range others {
		if !named[e.ConnectionID] {
			wrong = append(wrong, e)
		}
	}
	return n, errors.Join(wrong...)
}
