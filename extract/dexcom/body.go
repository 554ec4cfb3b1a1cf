package dexcom

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Plain returns body decoded from encoding ("", "gzip" or "zstd"); more than
// limit bytes are a *SizeError. A plain body is returned as it is, not copied.
func Plain(body []byte, encoding string, limit int64) ([]byte, error) {
	switch encoding {
	case "":
		if int64(len(body)) > limit {
			return nil, &SizeError{Limit: limit}
		}
		return body, nil
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		plain, err := readAll(r, gzipSize(body), limit)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		return plain, nil
	case "zstd":
		if len(body) == 0 { // to zstd a stream of no frames, to us a body cut off
			return nil, fmt.Errorf("zstd: %w", io.ErrUnexpectedEOF)
		}
		r, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
		defer r.Close()
		plain, err := readAll(r, 0, limit)
		if err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
		return plain, nil
	}
	return nil, fmt.Errorf("body encoding %q: only gzip, zstd and none are known", encoding)
}

// gzipSize is the size a gzip body claims to unpack to. It is a claim: a body
// is not believed to unpack to more than 64 times itself.
func gzipSize(body []byte) int64 {
	if len(body) < 4 {
		return 0
	}
	return min(int64(binary.LittleEndian.Uint32(body[len(body)-4:])), 64*int64(len(body)))
}

// readAll reads r to its end. Size is what to expect, or unknown if not
// positive; more than limit bytes are a *SizeError.
func readAll(r io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, &SizeError{Limit: limit}
	}
	var b bytes.Buffer
	if size > 0 {
		b.Grow(int(min(size, 16<<20)) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, err
	case n > limit:
		return nil, &SizeError{Limit: limit}
	}
	return b.Bytes(), nil
}

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
