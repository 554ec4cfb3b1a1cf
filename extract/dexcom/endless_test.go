package dexcom

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// endless yields spaces for as long as somebody reads, and counts them. So that a test
// of a limit ends without it, 64 MiB are the end.
type endless struct{ read int64 }

func (e *endless) Read(b []byte) (int, error) {
	if e.read > 64<<20 {
		return 0, errors.New("read on and on")
	}
	for i := range b {
		b[i] = ' '
	}
	e.read += int64(len(b))
	return len(b), nil
}

func (e *endless) Close() error { return nil }

// Of a body that does not end, no more is read than an answer may have.
func TestDoReadsNoFurther(t *testing.T) {
	large := func(limit int64) string { return fmt.Sprintf("more than %d bytes", limit) }
	for _, test := range []struct {
		name    string
		code    int
		length  int64 // as announced; -1: not
		request Request
		most    int64  // bytes read
		want    string // of the error
	}{
		{"goes on", 200, -1, march, DefaultMaxBody + 64<<10, large(DefaultMaxBody)},
		{"announced as too large", 200, DefaultMaxBody + 1, march, 0, large(DefaultMaxBody)},
		{"announced as huge", 200, 1 << 60, march, 0, large(DefaultMaxBody)},
		{"announced as small", 200, 100, march, DefaultMaxBody + 64<<10, large(DefaultMaxBody)},
		{"dataRange goes on", 200, -1, Request{Resource: DataRange}, maxRanges + 64<<10, large(maxRanges)},
		{"dataRange is announced as too large", 200, maxRanges + 1, Request{Resource: DataRange}, 0, large(maxRanges)},
		{"an error goes on", 500, -1, march, 64 << 10, "500 Internal Server Error"},
	} {
		body := &endless{}
		c := &Client{BaseURL: "https://api.example.com", HTTP: &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: test.code, Header: http.Header{}, ContentLength: test.length, Body: body}, nil
		})}}
		_, err := c.Do(t.Context(), token, test.request)
		if err == nil || !strings.HasSuffix(err.Error(), test.want) || body.read > test.most {
			t.Errorf("%s: %d bytes were read, %v; want at most %d, and %q", test.name, body.read, err, test.most, test.want)
		}
	}
}

// Nor are headers read that do not end.
func TestDoReadsNoEndlessHeader(t *testing.T) {
	for _, test := range []struct {
		bytes int
		good  bool
	}{{maxHeader - 4<<10, true}, {maxHeader + 4<<10, false}} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Padding", strings.Repeat("x", test.bytes))
			w.Write(payload(t, "egvs.json"))
		})
		c.HTTP = nil // the one of ours
		if _, err := c.Do(t.Context(), token, march); (err == nil) != test.good {
			t.Errorf("a header of %d bytes: %v; want it read: %t", test.bytes, err, test.good)
		}
	}
}

// The words of an error may be packed: they are unpacked as far as anybody reads them.
func TestUnpackHead(t *testing.T) {
	words := []byte("too many requests")
	for _, test := range []struct {
		name       string
		head, want []byte
	}{
		{"whole", zipped(words), words},
		{"a bomb", zipped(bytes.Repeat([]byte("x"), 1<<20)), bytes.Repeat([]byte("x"), 100)},
		{"not packed", words, nil},
	} {
		if got := unpackHead(test.head, 100); !bytes.Equal(got, test.want) {
			t.Errorf("%s: %d bytes, want %d", test.name, len(got), len(test.want))
		}
	}
}
