package dexcom

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// Plain returns body decoded from encoding ("" or "gzip"); more than limit bytes
// are a *SizeError. A plain body is returned as it is, not copied.
func Plain(body []byte, encoding string, limit int64) ([]byte, error) {
	return plainIn(nil, body, encoding, limit)
}

// plainIn is Plain of a body that takes room for what it unpacks.
func plainIn(in *taking, body []byte, encoding string, limit int64) ([]byte, error) {
	switch {
	case encoding == "" && int64(len(body)) > limit:
		return nil, &SizeError{Limit: limit}
	case encoding == "":
		return body, nil
	case encoding != "gzip":
		return nil, fmt.Errorf("body encoding %q: only gzip and none are known", encoding)
	}
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	plain, err := readAll(in, r, gzipSize(body), limit)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return plain, nil
}

// gzipSize is the size a gzip body claims to unpack to. It is a claim: a body
// is not believed to unpack to more than 64 times itself.
func gzipSize(body []byte) int64 {
	if len(body) < 4 {
		return 0
	}
	return min(int64(binary.LittleEndian.Uint32(body[len(body)-4:])), 64*int64(len(body)))
}

// readAll reads r to its end and takes room for it. Size is what to expect, or
// unknown if not positive; more than limit bytes are a *SizeError.
func readAll(in *taking, r io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, &SizeError{Limit: limit}
	}
	var b []byte
	for {
		if len(b) == cap(b) {
			next := min(max(2*int64(cap(b)), firstPiece), limit+bytes.MinRead)
			if int64(len(b)) <= size && size < next { // a claim: it is believed where it asks for less
				next = size + bytes.MinRead
			}
			if err := in.take(next); err != nil {
				return nil, err
			}
			larger := append(make([]byte, 0, next), b...)
			in.give(int64(cap(b)))
			b = larger
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return nil, &SizeError{Limit: limit}
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, err
		}
	}
}

// firstPiece is what a body takes first.
const firstPiece = 64 << 10

// unpackHead unpacks what can be unpacked of the start of a gzip body, at most
// limit bytes.
func unpackHead(head []byte, limit int64) []byte {
	r, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return nil
	}
	plain, _ := io.ReadAll(io.LimitReader(r, limit)) // cut off by intent
	return plain
}
