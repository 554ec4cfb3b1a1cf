package lake

import "testing"

// A name leads to one manifest, and back.
func TestID(t *testing.T) {
	for text, want := range map[string]ID{"1": {1, 0}, "123": {123, 0}, "000123": {123, 0}, "123e1": {123, 1}, "7e12": {7, 12}} {
		if got, ok := ParseID(text); !ok || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, ok, want)
		}
		if again, ok := ParseID(want.String()); !ok || again != want {
			t.Errorf("%v came back from %q as %v, %v", want, want.String(), again, ok)
		}
	}
	for _, text := range []string{"", "0", "-1", "+1", "e1", "1e", "1e0", "1e-1", "1E1", "1.0", "1e1e1", "99999999999999999999"} {
		if id, ok := ParseID(text); ok {
			t.Errorf("%q: %v, want none", text, id)
		}
	}
	for file, want := range map[string]bool{"000000000123.json": true, "000000000123e1.json": true, "123.json": false, "000000000123": false, "000000000123e01.json": false, ".000000000123.json": false} {
		if id, ok := idOf(file); ok != want {
			t.Errorf("file %s: %v, %v, want %v", file, id, ok, want)
		}
	}
}
