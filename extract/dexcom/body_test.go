package dexcom

import (
	"bytes"
	"errors"
	"testing"
)

func TestPlain(t *testing.T) {
	plain := bytes.Repeat([]byte(`{"value":101}`), 1000)
	for encoding, body := range map[string][]byte{"": plain, "gzip": zipped(plain)} {
		for _, limit := range []int64{int64(len(plain)), 1 << 30} {
			if got, err := Plain(body, encoding, limit); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("Plain of %q, limit %d: %d bytes, %v; want %d", encoding, limit, len(got), err, len(plain))
			}
		}
		var size *SizeError
		if got, err := Plain(body, encoding, int64(len(plain))-1); !errors.As(err, &size) || size.Limit != int64(len(plain))-1 {
			t.Errorf("Plain of %q, limit one byte short: %d bytes, %v; want a SizeError", encoding, len(got), err)
		}
		if encoding == "" {
			continue
		}
		for n := range body {
			if got, err := Plain(body[:n], encoding, 1<<20); err == nil {
				t.Fatalf("Plain of %q cut to %d of %d bytes: %d bytes, no error", encoding, n, len(body), len(got))
			}
		}
		flipped := bytes.Clone(body)
		flipped[len(body)/2] ^= 4
		if got, err := Plain(flipped, encoding, 1<<20); err == nil {
			t.Errorf("Plain of %q with a flipped bit: %d bytes, no error", encoding, len(got))
		}
	}
	if _, err := Plain(plain, "br", 1<<20); err == nil {
		t.Error(`Plain of "br": no error`)
	}
}

// No body makes Plain return more than its limit, or panic.
func FuzzPlain(f *testing.F) {
	text := bytes.Repeat([]byte("glucose "), 50)
	f.Add(zipped(text), true)
	f.Add(text, false)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, body []byte, gzip bool) {
		encoding := map[bool]string{true: "gzip", false: ""}[gzip]
		if got, err := Plain(body, encoding, 300); err == nil && len(got) > 300 {
			t.Errorf("Plain(%x, %s, 300) = %d bytes", body, encoding, len(got))
		}
	})
}
