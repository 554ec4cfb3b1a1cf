package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Timeout is how long an attempt may take, from the look-up of the name to the end of
// the answer.
const Timeout = 15 * time.Second

// An Attempt is what came of sending an event once.
type Attempt struct {
	At     time.Time
	Took   time.Duration
	Status int           // of the answer; 0: there was none
	Wait   time.Duration // as the answer asked with Retry-After
	Err    error         // nil: the endpoint took the event
}

// A StatusError is an answer other than 2xx.
type StatusError struct{ Code int }

func (e *StatusError) Error() string {
	text := fmt.Sprintf("it answered %d", e.Code)
	if words := http.StatusText(e.Code); words != "" {
		text += " " + words
	}
	if e.Code >= 300 && e.Code < 400 {
		text += "; redirects are not followed"
	}
	return text
}

// A sender sends one event.
type sender struct {
	client *http.Client
	agent  string
	now    func() time.Time
}

func (d *Deliverer) sender() sender {
	transport := d.Transport
	if transport == nil {
		transport = newTransport(d.Endpoints.AllowPrivate)
	}
	return sender{agent: cmp.Or(d.Agent, "dexetl"), now: d.Endpoints.Store.Now, client: &http.Client{
		Transport: transport, Timeout: Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// newTransport uses no proxy: that would dial what the guard refuses.
func newTransport(allowPrivate bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if !allowPrivate {
		dialer.Control = guard
	}
	return &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, DisableCompression: true,
		TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: lanesAtOnce, IdleConnTimeout: 90 * time.Second,
		MaxResponseHeaderBytes: 16 << 10,
	}
}

// answerBytes is how much of an answer is read, so that its connection can be used
// again.
const answerBytes = 4 << 10

// A message is an event as it is sent to an endpoint.
type message struct {
	to      string
	headers map[string]string // that the endpoint wants
	signers []*standardwebhooks.Webhook
	Event
}

// send sends a message, signed with all secrets.
func (s sender) send(ctx context.Context, m message) Attempt {
	a := Attempt{At: s.now()}
	began := time.Now()
	request, err := s.request(ctx, m, a.At)
	if err != nil {
		a.Err = plainly(err)
		return a
	}
	response, err := s.client.Do(request)
	if err == nil {
		a.Status, a.Wait = response.StatusCode, retryAfter(response.Header, a.At)
		_, err = io.CopyN(io.Discard, response.Body, answerBytes)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		response.Body.Close()
	}
	a.Took = time.Since(began)
	switch {
	case a.Status >= 200 && a.Status < 300: // it took the event, whatever became of the rest of its answer
	case err != nil:
		a.Err = plainly(err)
	default:
		a.Err = &StatusError{a.Status}
	}
	return a
}

// request has the headers of Standard Webhooks by both their names.
func (s sender) request(ctx context.Context, m message, at time.Time) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.to, bytes.NewReader(m.Body))
	if err != nil {
		return nil, err
	}
	signatures := make([]string, len(m.signers))
	for i, w := range m.signers {
		if signatures[i], err = w.Sign(m.ID, at, m.Body); err != nil {
			return nil, err
		}
	}
	for name, value := range m.headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", s.agent)
	for _, prefix := range []string{"webhook-", "svix-"} {
		request.Header.Set(prefix+"id", m.ID)
		request.Header.Set(prefix+"timestamp", strconv.FormatInt(at.Unix(), 10))
		request.Header.Set(prefix+"signature", strings.Join(signatures, " "))
	}
	return request, nil
}

// plainly is err without the URL, whose path may be a secret.
func plainly(err error) error {
	if e, ok := errors.AsType[*AddressError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		if e.Timeout() {
			return fmt.Errorf("it did not answer within %s", Timeout)
		}
		return e.Err
	}
	return err
}
