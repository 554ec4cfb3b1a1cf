package config

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"
)

// Whatever the text, it is refused with a sentence that names the file, or is a
// configuration that passes the checks, and is the same one after it was written.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"version: 1\napi: {region: us}\n", "version: 1\napi: {region: eu, client_id: a, client_secret_file: b}\napps: {us: {client_id: c}}\n",
		"version: 1\napi: {base_url: 'http://127.0.0.1:8199'}\nsync: {trailing: 7d, deep: 30d, resources: [egvs, events]}\n",
		"version: 1\napi: {region: us}\nlake: {raw: compact, keep_snapshots: {last: 1, daily: 2}}\nmetrics: {night: 22:00-06:00}\n",
		"version: 1\napi: &a {region: us}\nserve: *a\n", "a: &a [*a]", "? {a: b}\n: c", "version: 1e99", "version: 0x1\napi: {region: !!binary dXM=}",
		"\ufeffversion: 1\r\napi:\r\n  region: us\r\n", "version: 1\n---\nversion: 2\n", "version: 1\napi: {region: us}\nstudy: {late_window: 99999999999d}",
		"version: 1\napi: {region: us}\n<<: {a: b}", "- 1", "%YAML 9", "version: 1\nversion: 1", "\x00", "{", "version: 1\napi:\n\tregion: us",
	} {
		f.Add([]byte(text))
	}
	nothing := func(string) string { return "" }
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parse("dexetl.yaml", text, nothing)
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), "dexetl.yaml: ") || len(err.Error()) < len("dexetl.yaml: ")+3 {
				t.Fatalf("parse(%q) = %v, want a sentence", text, err)
			}
			return
		}
		if err := c.check(); err != nil {
			t.Fatalf("parse(%q) took what check refuses: %v", text, err)
		}
		if _, err := yaml.Marshal(c); err != nil {
			t.Fatalf("parse(%q) = %+v: %v", text, c, err)
		}
	})
}

// A duration is more than nothing or refused, and says the same when it is read again.
func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"30d", "1.5d", "24h", "0d", "-1d", "1d12h", "99999999999999999d", "1e9d", "NaNd", "Infd", "d", "", " 1d", "1µs", "36500d", "36501d", "876001h", "0x1d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		again, err := ParseDuration(d.String())
		if err != nil || again != d || d < 0 || d > 36500*24*time.Hour {
			t.Fatalf("ParseDuration(%q) = %v, read again %v, %v", text, d, again, err)
		}
		if strings.ContainsFunc(text, unicode.IsSpace) || !strings.ContainsFunc(text, unicode.IsDigit) {
			t.Fatalf("ParseDuration(%q) = %v", text, d)
		}
	})
}
