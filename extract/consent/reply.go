package consent

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	postTimeout = time.Minute
	maxReply    = 1 << 20 // bytes; a token answer has about two thousand
	// defaultLifetime is Dexcom's, for an answer that does not say.
	defaultLifetime = 2 * time.Hour
	maxLifetime     = 24 * time.Hour
)

// A reply is what the token endpoint said, as far as it could be read.
type reply struct {
	pair
	lifetime time.Duration // of the access token, from expires_in in seconds
	code     string        // member error: invalid_grant, ...
}

// readReply reads the members it knows until the body ends or breaks: of an
// answer that was cut off, the tokens that came through are worth saving.
func readReply(body []byte) reply {
	r := reply{lifetime: defaultLifetime}
	d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return r
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return r
		}
		member := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return r
		}
		r.take(member, value)
	}
	return r
}

func (r *reply) take(member string, value jsontext.Value) {
	text := func(to *string) {
		if out, err := jsontext.AppendUnquote(nil, value); value.Kind() == '"' && err == nil {
			*to = string(out)
		}
	}
	switch member {
	case "access_token":
		text(&r.Access)
	case "refresh_token":
		text(&r.Refresh)
	case "error":
		text(&r.code)
	case "expires_in":
		seconds, err := strconv.ParseFloat(strings.Trim(string(value), `"`), 64)
		if err == nil && seconds > 0 {
			r.lifetime = time.Duration(min(seconds, maxLifetime.Seconds()) * float64(time.Second))
		}
	}
}

// tokenTransport repeats nothing: no kept connection whose loss would make
// net/http send the POST again, and no HTTP/2, which has its own reasons to.
func tokenTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 15 * time.Second,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{},
		DisableKeepAlives:   true,
		DisableCompression:  true,
	}
}

// An answered POST.
type answered struct {
	status     int
	retryAfter time.Duration // from the header in seconds or as a date; 0: none
	body       []byte        // possibly cut off
}

// post sends form with app's credentials to the token endpoint: once. It must
// not be given a context that Ctrl-C ends. An error means that there was no
// answer; the form may have arrived all the same.
func (g *Grants) post(ctx context.Context, app App, form url.Values) (answered, error) {
	if err := g.client(app).Check(); err != nil {
		return answered{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	form.Set("client_id", app.ClientID)
	form.Set("client_secret", string(app.ClientSecret))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, app.oauth().Endpoint.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return answered{}, err
	}
	request.GetBody = nil // without it net/http cannot send the form again
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	transport := g.Post
	if transport == nil {
		transport = tokenTransport()
	}
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	g.calls.Add(1)
	response, err := client.Do(request)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err // the rest repeats the address
		}
		return answered{}, err
	}
	defer response.Body.Close()
	// A body that breaks off is an answer nevertheless: see readReply.
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReply))
	if err != nil {
		g.log().Warn("token answer broke off", "bytes", len(body), "error", err)
	}
	return answered{response.StatusCode, g.retryAfter(response.Header), body}, nil
}

func (g *Grants) retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return min(max(0, time.Duration(seconds)*time.Second), time.Hour)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	from, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		from = g.now()
	}
	return min(max(0, at.Sub(from)), time.Hour)
}

func statusText(code int) string { return fmt.Sprintf("%d %s", code, http.StatusText(code)) }
