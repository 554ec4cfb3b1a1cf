package raw

import (
	"bytes"
	"hash/maphash"
)

// A run is a stretch of the content of a span.
type run struct{ start, length int64 }

// A packer holds the content of one span: what bodies say, each piece once. An
// answer repeats most of what the ones before it said, hour after hour, and
// further back than a compressor remembers; so repetitions are found here, piece
// by piece, and the compressor is left the rest.
type packer struct {
	content []byte
	seed    maphash.Seed
	places  map[uint64]int64 // of pieces in content, by their hash
	used    bool             // holds a body, if an empty one
}

func newPacker() *packer {
	return &packer{seed: maphash.MakeSeed(), places: make(map[uint64]int64)}
}

// add takes over a body and returns the runs that make it up. It keeps no
// reference to it.
func (p *packer) add(body []byte) (runs []run) {
	p.used = true
	for len(body) > 0 {
		n := pieceLength(body)
		start := p.place(body[:n], runs)
		if last := len(runs) - 1; last >= 0 && runs[last].start+runs[last].length == start {
			runs[last].length += int64(n)
		} else {
			runs = append(runs, run{start, int64(n)})
		}
		body = body[n:]
	}
	return runs
}

// minPiece keeps the runs of a body of braces from taking more than the body.
const minPiece = 32

// pieceLength returns the length of the first piece of b: a piece ends before
// an opening brace, unless it is very short. So of Dexcom's JSON every record is a
// piece.
func pieceLength(b []byte) int {
	from := min(minPiece, len(b))
	if next := bytes.IndexByte(b[from:], '{'); next >= 0 {
		return from + next
	}
	return len(b)
}

// place returns where in content the piece stands, which goes on after runs if
// it can, and puts it there if it is new.
func (p *packer) place(piece []byte, runs []run) int64 {
	if n := len(runs); n > 0 {
		if end := runs[n-1].start + runs[n-1].length; p.at(end, piece) {
			return end
		}
	}
	hash := maphash.Bytes(p.seed, piece)
	if start, ok := p.places[hash]; ok && p.at(start, piece) {
		return start
	}
	start := int64(len(p.content))
	p.places[hash] = start
	p.content = append(p.content, piece...)
	return start
}

// at reports whether the piece stands at start.
func (p *packer) at(start int64, piece []byte) bool {
	end := start + int64(len(piece))
	return end <= int64(len(p.content)) && bytes.Equal(p.content[start:end], piece)
}
