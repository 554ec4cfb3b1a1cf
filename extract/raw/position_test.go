package raw

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPositionText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Position{rapid.Uint64().Draw(t, "segment"), rapid.Int64Min(0).Draw(t, "offset")}
		if got, err := parsePosition(p.String()); err != nil || got != p {
			t.Fatalf("parsePosition(%q) = %v, %v; want %v", p.String(), got, err, p)
		}
	})
	for _, s := range []string{"", "1", ":", "1:", ":1", "1:-1", "-1:1", "01:1", "1:1:1", " 1:1", "1:+1"} {
		if p, err := parsePosition(s); err == nil {
			t.Errorf("parsePosition(%q) = %v, want an error", s, p)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	for _, s := range []string{"", "1:24", "0:0", "18446744073709551615:9223372036854775807", "1:-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := parsePosition(s); err == nil && p.String() != s {
			t.Errorf("parsePosition(%q) = %v, which is written otherwise", s, p)
		}
	})
}

func TestPositionCompare(t *testing.T) {
	order := []Position{{}, {0, 5}, {1, 0}, {1, 24}, {2, 3}}
	for i, p := range order {
		for j, q := range order {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := p.Compare(q); got != want {
				t.Errorf("%v.Compare(%v) = %d, want %d", p, q, got, want)
			}
		}
	}
}
