package consent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

const (
	postTimeout = time.Minute
	maxReply    = 1 << 20 // bytes; a token answer has about two thousand
	maxHeader   = 256 << 10
	// defaultLifetime is Dexcom's, for an answer that does not say.
	defaultLifetime = 2 * time.Hour
	maxLifetime     = 24 * time.Hour
)

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

		MaxResponseHeaderBytes: maxHeader,
	}
}

// An answered POST.
type answered struct {
	status     int
	retryAfter time.Duration // from the header in seconds or as a date; 0: none
	date       time.Time     // the server's; zero: it sent none
	body       []byte        // possibly cut off
}

// An unsentError says that the connection did not come about, or that the form was
// not to be sent any more: nothing in it was spent.
type unsentError struct{ error }

func (e *unsentError) Unwrap() error { return e.error }

// A form is a body that is sent once, after ready has allowed it: between the
// connection and the first byte, so that a process which stood still meanwhile, if
// only while it dialled, sends nothing that is no longer its own.
type form struct {
	text  *strings.Reader
	ready func() error
	begun atomic.Bool // ready was asked
	sent  atomic.Bool // and allowed it
}

func (f *form) Read(p []byte) (int, error) {
	if f.begun.CompareAndSwap(false, true) {
		if err := f.ready(); err != nil {
			return 0, err
		}
		f.sent.Store(true)
	}
	return f.text.Read(p)
}

// Close is for http.Request.
func (f *form) Close() error { return nil }

// post sends values with app's credentials to the token endpoint: once, and only if
// ready allows it right before. It must not be given a context that Ctrl-C ends. An
// error means that there was no answer; the form may have arrived all the same,
// unless it is an *unsentError.
func (cl *Client) post(ctx context.Context, app App, values url.Values, ready func() error) (answered, error) {
	if err := cl.client(app).Check(); err != nil {
		return answered{}, &unsentError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	values.Set("client_id", app.ClientID)
	values.Set("client_secret", string(app.ClientSecret))
	encoded := values.Encode()
	body := &form{text: strings.NewReader(encoded), ready: ready}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, app.oauth().Endpoint.TokenURL, body)
	if err != nil {
		return answered{}, &unsentError{err}
	}
	request.ContentLength = int64(len(encoded))
	request.GetBody = nil // without it net/http cannot send the form again
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	transport := cl.Post
	if transport == nil {
		transport = tokenTransport()
	}
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	cl.calls.Add(1)
	response, err := client.Do(request)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err // the rest repeats the address
		}
		err = dexcom.Brief(err)
		if !body.sent.Load() {
			err = &unsentError{err}
		}
		return answered{}, err
	}
	defer response.Body.Close()
	// A body that breaks off is an answer nevertheless: see readReply.
	read, err := io.ReadAll(io.LimitReader(response.Body, maxReply))
	if err != nil {
		cl.log().Warn("token answer broke off", "bytes", len(read), "error", err)
	}
	date, _ := http.ParseTime(response.Header.Get("Date"))
	return answered{response.StatusCode, min(dexcom.RetryAfter(response.Header, cl.now()), time.Hour), date, read}, nil
}

func statusText(code int) string { return fmt.Sprintf("%d %s", code, http.StatusText(code)) }
