package dexcom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDoRefusesBodies(t *testing.T) {
	good := payload(t, "egvs.json")
	bomb := zipped(append(make([]byte, 4<<20), good...))
	for _, test := range []struct {
		name   string
		header map[string]string
		body   []byte
		want   string
	}{
		{"HTML", map[string]string{"Content-Type": "text/html; charset=utf-8"}, good, "200 is HTML, not JSON"},
		{"HTML without a type", nil, []byte("<!doctype html>"), "200 is HTML, not JSON"},
		{"HTML called JSON", map[string]string{"Content-Type": "application/json"}, []byte("<html>"), "200 is HTML, not JSON"},
		{"text", map[string]string{"Content-Type": "text/plain"}, good, "200 is text/plain, not JSON"},
		{"odd type", map[string]string{"Content-Type": ";"}, good, "200 has a content type that cannot be read"},
		{"brotli", map[string]string{"Content-Encoding": "br"}, good, `200 came in encoding "br", which was not asked for`},
		{"not packed", map[string]string{"Content-Encoding": "gzip"}, good, "200 cannot be unpacked: gzip: "},
		{"cut gzip", map[string]string{"Content-Encoding": "gzip"}, zipped(good)[:200], "200 cannot be unpacked: gzip: unexpected EOF"},
		{"gzip without its end", map[string]string{"Content-Encoding": "gzip"}, zipped(good)[:len(zipped(good))-8], "200 cannot be unpacked: gzip: unexpected EOF"},
		{"packed twice", map[string]string{"Content-Encoding": "gzip, x-gzip"}, zipped(zipped(good)), `200 came in encoding "gzip, x-gzip", which was not asked for`},
		{"gzip and more", map[string]string{"Content-Encoding": "gzip"}, append(zipped(good), "junk"...), "200 cannot be unpacked: gzip: "},
		{"empty", nil, nil, "200 is cut off: unexpected EOF"},
		{"cut", nil, good[:len(good)/2], "200 is cut off: "},
		{"shorter than promised", map[string]string{"Content-Length": fmt.Sprint(len(good) + 9)}, good, "200 cannot be read to its end: unexpected EOF"},
		{"large", nil, append(make([]byte, 1<<20), good...), "200 cannot be read to its end: more than 1048576 bytes"},
		{"large, in pieces", map[string]string{"Transfer-Encoding": "chunked"}, append(make([]byte, 1<<20), good...), "200 cannot be read to its end: more than 1048576 bytes"},
		{"gzip bomb", map[string]string{"Content-Encoding": "gzip"}, bomb, "200 cannot be unpacked: gzip: more than 1048576 bytes"},
		{"another envelope", nil, payload(t, "alerts.json"), `200 has the wrong envelope: recordType "Alerts"`},
		{"an error in JSON", nil, []byte(`{"error":"later"}`), `200 has the wrong envelope: recordType ""`},
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			for name, value := range test.header {
				w.Header().Set(name, value)
			}
			w.Write(test.body)
		})
		c.MaxBody = 1 << 20
		answer, err := c.Do(t.Context(), token, march)
		var wrong *BodyError
		if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), "GET /v3/users/self/egvs: "+test.want) {
			t.Errorf("%s: %d records, %v; want a BodyError, %s", test.name, answer.Records, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("%s: the token is in %q", test.name, err)
		}
	}
}

func TestDoConnection(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	_, err := c.Do(t.Context(), token, march)
	var status *StatusError
	var wrong *BodyError
	if err == nil || errors.As(err, &status) || errors.As(err, &wrong) || !errors.Is(err, io.EOF) || err.Error() != "GET /v3/users/self/egvs: EOF" {
		t.Errorf("connection reset: %v; want the transport's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Do(ctx, token, march); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, want context.Canceled", err)
	}
}

// transport answers requests without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// pausing yields a body in two halves with a pause between them.
type pausing struct {
	ctx    context.Context
	halves [][]byte
	pause  time.Duration
}

func (p *pausing) Read(b []byte) (int, error) {
	if len(p.halves) == 1 {
		select {
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		case <-time.After(p.pause):
		}
	}
	if len(p.halves) == 0 {
		return 0, io.EOF
	}
	half := p.halves[0]
	p.halves = p.halves[1:]
	return copy(b, half), nil
}

func (p *pausing) Close() error { return nil }

// 22: answers that take more than 30 s are seen; those that never end must end.
func TestDoSlow(t *testing.T) {
	body := payload(t, "egvs-empty.json")
	for _, test := range []struct {
		header, body time.Duration // pauses
		timeout      time.Duration
		want         time.Duration // until it gives up; 0: it does not
	}{
		{31 * time.Second, 31 * time.Second, 0, 0},
		{time.Hour, 0, 0, defaultTimeout},
		{0, time.Hour, 0, defaultTimeout},
		{time.Minute, 0, 5 * time.Second, 5 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &Client{BaseURL: "https://api.example.com", Timeout: test.timeout}
			c.HTTP = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				select {
				case <-r.Context().Done():
					return nil, r.Context().Err()
				case <-time.After(test.header):
				}
				return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: -1,
					Body: &pausing{r.Context(), [][]byte{body[:40], body[40:]}, test.body}}, nil
			})}
			start := time.Now()
			_, err := c.Do(t.Context(), token, march)
			if test.want == 0 {
				if err != nil {
					t.Errorf("%+v: %v", test, err)
				}
				return
			}
			var wrong *BodyError
			if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &wrong) || t.Context().Err() != nil || time.Since(start) != test.want {
				t.Errorf("%+v: %v after %s; want a bare DeadlineExceeded after %s", test, err, time.Since(start), test.want)
			}
		})
	}
}

func TestDoRefusesRequests(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Errorf("%s was sent", r.URL) })
	for _, r := range []Request{{}, {Resource: "statistics", Start: march.Start, End: march.End}, {Resource: EGVs},
		{Resource: Alerts, Start: march.End, End: march.Start}, {Resource: Events, Start: march.End, End: march.End}} {
		if _, err := c.Do(t.Context(), token, r); err == nil {
			t.Errorf("Do(%+v): no error", r)
		}
	}
}

func TestRefused(t *testing.T) {
	for code := 100; code < 600; code++ {
		want := code/100 == 4 && code != 408 && code != 425 && code != 429
		if e := (&StatusError{Code: code}); e.Refused() != want || e.Refused() && e.Temporary() {
			t.Errorf("%d: refused %t, temporary %t; want refused %t", code, e.Refused(), e.Temporary(), want)
		}
	}
}
