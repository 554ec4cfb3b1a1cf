package dexcom

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/plain"
)

// Limits of a Client that sets none. Dexcom needs more than 30 s for some
// windows.
const (
	DefaultMaxBody = 32 << 20 // bytes; the largest real windows have about 6 MB
	defaultTimeout = 2 * time.Minute

	maxRanges = 1 << 20   // bytes of dataRange; real answers have less than 1 kB
	maxHeader = 256 << 10 // bytes
)

// A Client asks the API. Its fields are set before use and then frozen; it may
// be used by any number of goroutines.
type Client struct {
	BaseURL string        // such as https://api.dexcom.com, no trailing slash
	HTTP    *http.Client  // nil: a client with our timeouts; redirects are never followed
	MaxBody int64         // largest body accepted, received and plain alike, in bytes; 0: DefaultMaxBody
	Timeout time.Duration // from sending to the last byte of the answer, and anew after waiting for Room; 0: defaultTimeout
	Room    *Room         // what its bodies take; nil: that of all clients of the process
}

// defaultHTTP is shared, so that clients of one process share connections.
var defaultHTTP = sync.OnceValue(func() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	t.MaxResponseHeaderBytes = maxHeader
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: t}
})

// Check reports what is wrong with c's base URL: tokens travel over TLS, or in
// plain to this machine only.
func (c *Client) Check() error {
	if err := plain.SchemeMissing(c.BaseURL); err != nil {
		return fmt.Errorf("base URL %w", err)
	}
	u, err := url.Parse(c.BaseURL)
	switch {
	case err != nil:
		return fmt.Errorf("base URL: %w", err)
	case u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("base URL %q: not of the form https://host", u.Redacted())
	case u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("base URL %q: only https is allowed (plain http to this machine only)", c.BaseURL)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Do sends r once, without retry, and returns its answer. A window may be
// answered with 204: see Answer.NoContent. Errors: *StatusError for any other
// status than 200, *BodyError for a body that is no answer (it wraps a *SizeError
// if it is too large), else the transport's; a timeout of ours is a
// context.DeadlineExceeded although ctx is not done. The caller releases the answer.
func (c *Client) Do(ctx context.Context, accessToken string, r Request) (Answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timeout := cmp.Or(c.Timeout, defaultTimeout)
	timer := time.AfterFunc(timeout, func() { cancel(context.DeadlineExceeded) })
	defer timer.Stop()
	response, err := c.send(ctx, accessToken, r)
	if err != nil && ended(ctx) == context.DeadlineExceeded {
		err = fmt.Errorf("GET %s: %w", r.Resource.path(), context.DeadlineExceeded)
	}
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusOK:
		in := &taking{place: place{room: cmp.Or(c.Room, defaultRoom())}, ctx: ctx, timer: timer, timeout: timeout}
		answer, err := c.receive(in, response, r)
		if err != nil {
			in.leave()
		}
		return answer, err
	case response.StatusCode == http.StatusNoContent && r.windowed():
		return Answer{Request: r, Date: dateOf(response), NoContent: true}, nil
	}
	return Answer{}, statusError(response, r.Resource.path(), accessToken)
}

// dateOf is the server's time of a response, UTC; zero if it does not say.
func dateOf(response *http.Response) time.Time {
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return date.UTC()
}

// send sends r and returns the response with its body unread.
func (c *Client) send(ctx context.Context, accessToken string, r Request) (*http.Response, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	query, err := r.query()
	if err != nil {
		return nil, err
	}
	address := strings.TrimSuffix(c.BaseURL, "/") + r.Resource.path()
	if query != "" {
		address += "?" + query
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", r.Resource.path(), err)
	}
	request.Header.Set("Authorization", "Bearer "+accessToken)
	request.Header.Set("Accept", "application/json")
	// Asked for by name, net/http leaves the encoding to us.
	request.Header.Set("Accept-Encoding", "gzip")

	client := *cmp.Or(c.HTTP, defaultHTTP())
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err // the rest of it repeats the address
		}
		return nil, fmt.Errorf("GET %s: %w", r.Resource.path(), Brief(err))
	}
	return response, nil
}

// receive reads the body of a 200 and checks that it is an answer to r.
func (c *Client) receive(in *taking, response *http.Response, r Request) (Answer, error) {
	wrong := func(reason string, err error) error {
		return &BodyError{Path: r.Resource.path(), Reason: reason, Err: err}
	}
	failed := func(doing string, err error) (Answer, error) {
		if late := ended(in.ctx); late != nil {
			err = fmt.Errorf("GET %s: %s: %w", r.Resource.path(), doing, late)
		}
		return Answer{}, err
	}
	if reason := notJSON(response.Header.Get("Content-Type")); reason != "" {
		return Answer{}, wrong(reason, nil)
	}
	encoding, ok := contentEncoding(response.Header)
	if !ok {
		return Answer{}, wrong(fmt.Sprintf("came in encoding %.40q, which was not asked for", strings.Join(response.Header.Values("Content-Encoding"), ", ")), nil)
	}
	limit := cmp.Or(c.MaxBody, DefaultMaxBody)
	if r.Resource == DataRange {
		limit = min(limit, maxRanges)
	}
	body, err := readAll(in, response.Body, response.ContentLength, limit)
	if err != nil {
		return failed("reading the body", wrong("cannot be read to its end", err))
	}
	plain, err := plainIn(in, body, encoding, limit)
	if err != nil {
		return failed("unpacking the body", wrong("cannot be unpacked", err))
	}
	envelope, err := check(in.ctx, plain, r.Resource)
	if err != nil {
		return failed("reading the answer", err)
	}
	in.give(in.bytes - int64(cap(body))) // plain is done with
	return Answer{
		place:   &in.place,
		Request: r, Date: dateOf(response), Body: body, Encoding: encoding,
		Records: envelope.Records, UserID: envelope.UserID.String(),
	}, nil
}

// contentEncoding is how a body is packed: "gzip" or "" (plain). The names of
// encodings have no case, x-gzip is gzip (RFC 9110), and identity is no encoding.
// Any other encoding, and two at once, are not ok.
func contentEncoding(h http.Header) (encoding string, ok bool) {
	for name := range strings.SplitSeq(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "", "identity":
		case "gzip", "x-gzip":
			if encoding != "" {
				return "", false
			}
			encoding = "gzip"
		default:
			return "", false
		}
	}
	return encoding, true
}

// notJSON says why a content type is not JSON's, or "". None sent is fine.
func notJSON(contentType string) string {
	if contentType == "" {
		return ""
	}
	media, _, err := mime.ParseMediaType(contentType[:min(len(contentType), 200)])
	switch {
	case media == "text/html" || media == "application/xhtml+xml":
		return "is HTML, not JSON"
	case media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json"):
		return ""
	case err != nil:
		return "has a content type that cannot be read"
	}
	return fmt.Sprintf("is %.40s, not JSON", Printable(media))
}

// statusError reads what an operator may want to know of an answer that is not
// 200. Its body may be anything.
func statusError(response *http.Response, path, token string) *StatusError {
	// More than is shown, so that a token is redacted whole.
	head, _ := io.ReadAll(io.LimitReader(response.Body, 16<<10))
	if encoding, ok := contentEncoding(response.Header); ok && encoding == "gzip" {
		head = unpackHead(head, 16<<10)
	}
	return &StatusError{
		Path: path, Code: response.StatusCode,
		RetryAfter: RetryAfter(response.Header, time.Now()),
		Detail:     Words(head, token),
	}
}
