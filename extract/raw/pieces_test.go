package raw

import (
	"bytes"
	"testing"
)

// A body of braces is not made of so many runs that they take more than it does.
func TestFewRuns(t *testing.T) {
	for _, body := range [][]byte{
		bytes.Repeat([]byte("{"), 1<<20), bytes.Repeat([]byte("{}"), 1<<19), bytes.Repeat([]byte(`{"a":{},`), 1<<17), []byte("{"), nil,
	} {
		p := newPacker()
		var back []byte
		runs := p.add(body)
		for _, r := range runs {
			back = append(back, p.content[r.start:r.start+r.length]...)
		}
		if !bytes.Equal(back, body) {
			t.Errorf("%.20q: %d bytes come back as %d", body, len(body), len(back))
		}
		if len(runs) > len(body)/minPiece+1 {
			t.Errorf("%.20q: %d bytes are %d runs", body, len(body), len(runs))
		}
	}
}
