package dexcom

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const token = "canary-token-5c1f"

var march = Request{Resource: EGVs, Start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)}

// serve answers every request with handler, and returns a client of it.
func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return &Client{BaseURL: s.URL, HTTP: s.Client()}
}

func zipped(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(body)
	w.Close()
	return b.Bytes()
}

func TestDoAsks(t *testing.T) {
	at := time.Date(2026, 3, 5, 1, 2, 3, 400, time.FixedZone("", -8*3600))
	for _, test := range []struct {
		request Request
		want    string
	}{
		{march, "/v3/users/self/egvs?endDate=2026-03-31T00%3A00%3A00&startDate=2026-03-01T00%3A00%3A00"},
		{Request{Resource: Events, Start: at, End: at.Add(time.Hour)}, "/v3/users/self/events?endDate=2026-03-05T10%3A02%3A04&startDate=2026-03-05T09%3A02%3A03"},
		{Request{Resource: Devices, Start: at, End: at.Add(time.Hour)}, "/v3/users/self/devices"},
		{Request{Resource: DataRange}, "/v3/users/self/dataRange"},
		{Request{Resource: DataRange, LastSync: at}, "/v3/users/self/dataRange?lastSyncTime=2026-03-05T09%3A02%3A03Z"},
	} {
		var got *http.Request
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			got = r
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.Write(payload(t, string(test.request.Resource)+".json"))
		})
		answer, err := c.Do(t.Context(), token, test.request)
		if err != nil {
			t.Errorf("Do(%+v): %v", test.request, err)
			continue
		}
		if got.Method != http.MethodGet || got.URL.RequestURI() != test.want {
			t.Errorf("Do(%+v) sent %s %s, want GET %s", test.request, got.Method, got.URL.RequestURI(), test.want)
		}
		for header, want := range map[string]string{"Authorization": "Bearer " + token, "Accept": "application/json", "Accept-Encoding": "gzip"} {
			if got.Header.Get(header) != want {
				t.Errorf("Do(%+v) sent %s: %q, want %q", test.request, header, got.Header.Get(header), want)
			}
		}
		if answer.Request != test.request || !strings.HasSuffix(answer.UserID, "beef") {
			t.Errorf("Do(%+v) = %+v", test.request, answer)
		}
	}
}

// The body is what travelled, packed or plain.
func TestDoKeepsTheBodyAsReceived(t *testing.T) {
	plain := payload(t, "egvs.json")
	for _, test := range []struct {
		encoding, kept string
		body           []byte
	}{
		{"", "", plain}, {"identity", "", plain}, {" , Identity", "", plain},
		{"gzip", "gzip", zipped(plain)}, {"GZIP", "gzip", zipped(plain)}, {"x-gzip", "gzip", zipped(plain)}, {"X-Gzip", "gzip", zipped(plain)},
		{"gzip, identity", "gzip", zipped(plain)}, {"identity,\tx-gzip ,", "gzip", zipped(plain)},
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if test.encoding != "" {
				w.Header().Set("Content-Encoding", test.encoding)
			}
			w.Header()["Content-Type"] = nil // none sent is fine
			w.Header().Set("Date", "Thu, 05 Mar 2026 21:00:00 GMT")
			w.Write(test.body)
		})
		got, err := c.Do(t.Context(), token, march)
		if err != nil || !bytes.Equal(got.Body, test.body) || got.Encoding != test.kept || got.Records != 7 {
			t.Errorf("encoding %q: %d bytes, encoding %q, %d records, %v; want the %d bytes sent, encoding %q, 7 records",
				test.encoding, len(got.Body), got.Encoding, got.Records, err, len(test.body), test.kept)
		}
		if want := time.Date(2026, 3, 5, 21, 0, 0, 0, time.UTC); !got.Date.Equal(want) || got.Date.Location() != time.UTC {
			t.Errorf("encoding %q: date %s, want %s", test.encoding, got.Date, want)
		}
		back, err := Plain(got.Body, got.Encoding, 1<<20)
		if err != nil || !bytes.Equal(back, plain) {
			t.Errorf("encoding %q: Plain gives %d bytes, %v; want %d", test.encoding, len(back), err, len(plain))
		}
	}
}

func TestDoStatus(t *testing.T) {
	for _, test := range []struct {
		code      int
		header    map[string]string
		body      string
		after     time.Duration
		detail    string
		temporary bool
	}{
		{400, nil, `{"errors":["window too long"]}`, 0, `{"errors":["window too long"]}`, false},
		{401, nil, `{"error":"invalid_token"}`, 0, `{"error":"invalid_token"}`, false},
		{403, nil, "", 0, "", false},
		{404, nil, "not\x00found\r\n\tat  all\xff", 0, "not found at all\uFFFD", false},
		{408, nil, "", 0, "", true},
		{425, nil, "", 0, "", true},
		{429, nil, "", 0, "", true},
		{429, map[string]string{"Retry-After": "17"}, "", 17 * time.Second, "", true},
		{429, map[string]string{"Retry-After": "1.5"}, "", 1500 * time.Millisecond, "", true},
		{429, map[string]string{"Retry-After": "Thu, 05 Mar 2026 21:02:00 GMT", "Date": "Thu, 05 Mar 2026 21:00:00 GMT"}, "", 2 * time.Minute, "", true},
		{429, map[string]string{"Retry-After": "Thu, 05 Mar 2026 20:00:00 GMT", "Date": "Thu, 05 Mar 2026 21:00:00 GMT"}, "", 0, "", true},
		{429, map[string]string{"Retry-After": "soon"}, "", 0, "", true},
		{429, map[string]string{"Retry-After": "-5"}, "", 0, "", true},
		{429, map[string]string{"Retry-After": "1e30"}, "", 1 << 30 * time.Second, "", true},
		{500, nil, "<html><body>\n<h1>Oops</h1></body></html>", 0, "<html><body> <h1>Oops</h1></body></html>", true},
		{503, map[string]string{"Content-Encoding": "gzip"}, string(zipped([]byte("packed"))), 0, "packed", true},
		{503, map[string]string{"Content-Encoding": "gzip"}, string(zipped(bytes.Repeat([]byte("packed "), 9999))[:60]), 0, "packed", true},
		{502, nil, "you sent Authorization: Bearer " + token + "!", 0, "you sent Authorization: [redacted]", true},
		{503, map[string]string{"Content-Encoding": "X-GZIP"}, string(zipped([]byte("packed"))), 0, "packed", true},
		{429, map[string]string{"Retry-After": "  90 "}, "", 90 * time.Second, "", true},
		{500, nil, strings.Repeat("é", 5000), 0, strings.Repeat("é", WordsLen-1) + "…", true},
		{410, nil, "\uFEFF{\"error\":\"\u202Egone\"}\x1b[31m", 0, "{\"error\":\" gone\"} [31m", false},
		{403, nil, "the scope insufficient_scope_of_the_application, for user 7a6f0c1e-93d2-4a51-b7c8-0d5e9f3a2b64", 0, "the scope insufficient_scope_of_the_application, for user [redacted]", false},
		{206, nil, `{"recordType":"egv"`, 0, "{[redacted]", false},
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			for name, value := range test.header {
				w.Header().Set(name, value)
			}
			w.WriteHeader(test.code)
			io.WriteString(w, test.body)
		})
		_, err := c.Do(t.Context(), token, march)
		var status *StatusError
		if !errors.As(err, &status) {
			t.Errorf("%d: %v, want a StatusError", test.code, err)
			continue
		}
		if status.Code != test.code || status.Path != "/v3/users/self/egvs" || status.RetryAfter != test.after || status.Temporary() != test.temporary {
			t.Errorf("%d, %v: %+v, temporary %v; want to retry after %s, temporary %v", test.code, test.header, status, status.Temporary(), test.after, test.temporary)
		}
		// Of a packed body that is cut off, how much can be read depends on the packer.
		if status.Detail != test.detail && !(test.detail == "packed" && strings.HasPrefix(status.Detail, "packed packed")) {
			t.Errorf("%d: detail %q, want %q", test.code, status.Detail, test.detail)
		}
		want := strings.TrimSpace(fmt.Sprintf("GET /v3/users/self/egvs: %d %s", test.code, http.StatusText(test.code)))
		if err.Error() != want {
			t.Errorf("%d: %q, want %q", test.code, err, want)
		}
	}
}

// A redirect may lead to a login page or to another host: the token goes to
// neither.
func TestDoFollowsNoRedirect(t *testing.T) {
	followed := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed++ }))
	defer other.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, code) })
		_, err := c.Do(t.Context(), token, march)
		var status *StatusError
		if !errors.As(err, &status) || status.Code != code || followed > 0 {
			t.Errorf("%d: %v, followed %d times; want a StatusError and none", code, err, followed)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		base string
		good bool
	}{
		{"https://api.dexcom.com", true}, {"https://api.dexcom.eu/", true}, {"https://proxy.example.com:8443/dexcom", true},
		{"http://127.0.0.1:8099", true}, {"http://localhost:8099", true}, {"http://[::1]:8099", true}, {"http://127.9.9.9", true},
		{"http://api.dexcom.com", false}, {"http://10.0.0.1", false}, {"http://localhost.example.com", false}, {"http://127.0.0.1.example.com", false},
		{"ftp://api.dexcom.com", false}, {"api.dexcom.com", false}, {"", false}, {"https://", false}, {"https://user:secret@api.dexcom.com", false},
		{"https://api.dexcom.com?x=1", false}, {"https://api.dexcom.com#x", false}, {"http://127.0.0.1:port", false},
	} {
		c := &Client{BaseURL: test.base, HTTP: &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
			return nil, errors.New("sent")
		})}}
		err := c.Check()
		if (err == nil) != test.good {
			t.Errorf("Check of %q: %v; want good: %v", test.base, err, test.good)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("Check of %q shows the password: %v", test.base, err)
		}
		if _, err := c.Do(t.Context(), token, march); strings.HasSuffix(err.Error(), "sent") != test.good {
			t.Errorf("Do at %q: %v; want it sent: %v", test.base, err, test.good)
		}
	}
}

// A date to come back at counts from the answer's own time; where it has none,
// from ours.
func TestRetryAfterADate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		for _, test := range []struct {
			date string
			want time.Duration
		}{{"", 7 * time.Hour}, {"yesterday", 7 * time.Hour}, {now.Add(5 * time.Hour).Format(http.TimeFormat), 2 * time.Hour}} {
			h := http.Header{"Retry-After": {now.Add(7 * time.Hour).Format(http.TimeFormat)}, "Date": {test.date}}
			if got := RetryAfter(h, time.Now()); got != test.want {
				t.Errorf("Retry-After in 7 h by our clock, Date %q: %v, want %v", test.date, got, test.want)
			}
		}
	})
}

// A 204 says nothing of whose it is and what it is about, so only a window can
// have it for an answer.
func TestDoNoContent(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, r := range []Resource{EGVs, Events, Calibrations, Alerts, Devices, DataRange} {
		request := march
		request.Resource = r
		got, err := c.Do(t.Context(), token, request)
		if r == Devices || r == DataRange {
			if status := (*StatusError)(nil); !errors.As(err, &status) || status.Code != http.StatusNoContent || status.Refused() {
				t.Errorf("%s: %v; want a StatusError of 204 that is no refusal", r, err)
			}
			continue
		}
		if err != nil || !got.NoContent || got.Records != 0 || len(got.Body) != 0 || got.Date.IsZero() || got.Request != request {
			t.Errorf("%s: %+v, %v; want an answer without content", r, got, err)
		}
	}
}

// A byte order mark before JSON changes nothing that is read, in any resource.
func TestByteOrderMark(t *testing.T) {
	for _, r := range []Resource{EGVs, Events, Calibrations, Alerts, Devices, DataRange} {
		plain := payload(t, string(r)+".json")
		marked := append([]byte("\uFEFF"), plain...)
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write(marked)
		})
		request := march
		request.Resource = r
		answer, err := c.Do(t.Context(), token, request)
		want, e := check(t.Context(), plain, r)
		if err != nil || e != nil || answer.Records != want.Records || !bytes.Equal(answer.Body, marked) {
			t.Errorf("%s: %d records, %v; want %d and the body as received", r, answer.Records, err, want.Records)
		}
		if again, err := check(t.Context(), append([]byte("\uFEFF"), marked...), r); err == nil {
			t.Errorf("%s: two marks: %+v; want an error", r, again)
		}
	}
	ranges, err := ParseRanges(payload(t, "dataRange.json"))
	marked, e := ParseRanges(append([]byte("\uFEFF"), payload(t, "dataRange.json")...))
	if diff := cmp.Diff(ranges, marked); err != nil || e != nil || diff != "" {
		t.Errorf("dataRange: %v, %v (-plain +marked):\n%s", err, e, diff)
	}
	plain := payload(t, "egvs.json")
	var values [2][]string
	for i, body := range [][]byte{plain, append([]byte("\uFEFF"), plain...)} {
		var envelope Envelope
		for egv, err := range Records[EGV](body, &envelope) {
			if err != nil {
				t.Fatal(err)
			}
			values[i] = append(values[i], string(egv.Raw))
		}
	}
	if diff := cmp.Diff(values[0], values[1]); diff != "" {
		t.Errorf("records (-plain +marked):\n%s", diff)
	}
}

// 32 MiB decoded are the limit, however the body is packed.
func TestDefaultMaxBody(t *testing.T) {
	t.Parallel()
	for _, over := range []int{0, 1} {
		for _, pack := range []bool{false, true} {
			plain := payload(t, "egvs.json")
			body := append(plain, bytes.Repeat([]byte(" "), DefaultMaxBody-len(plain)+over)...)
			if pack {
				body = zipped(body)
			}
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if pack {
					w.Header().Set("Content-Encoding", "gzip")
				}
				w.Write(body)
			})
			got, err := c.Do(t.Context(), token, march)
			var size *SizeError
			if errors.As(err, &size) != (over > 0) || over == 0 && (err != nil || got.Records != 7) {
				t.Errorf("%d bytes, packed %t: %d records, %v; too large: want %t", DefaultMaxBody+over, pack, got.Records, err, over > 0)
			}
		}
	}
}
