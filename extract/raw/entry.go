package raw

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	encodingGzip = "gzip"
	encodingZstd = "zstd"

	maxPlain = 1 << 30 // of one decoded body
)

// An Entry is one answer in the log.
type Entry struct {
	Header
	Position Position // where it starts
	Next     Position // where the next one starts
	Stored   int64    // bytes of the body on disk; 0 in a compacted segment, where bodies share theirs
	Erased   bool     // of somebody who was erased: what is left of Header says that something was asked

	log              *Log
	path             string // of its segment
	headCRC, bodyCRC uint32
	packed           *packed // in a compacted segment
}

// Path is that of the segment in which the entry is.
func (e Entry) Path() string { return e.path }

// Plain reads the entry's body, checks it against its checksums and returns it
// decoded. Damage is a *DamageError, a body that compaction dropped a
// *DroppedError, one that was erased an *ErasedError.
func (e Entry) Plain() ([]byte, error) { return e.PlainWithin(maxPlain) }

// PlainWithin is Plain of a body that has at most limit bytes when it is decoded: a
// larger one is a *TooLongError, and is not decoded further than that.
func (e Entry) PlainWithin(limit int64) ([]byte, error) {
	if e.Erased {
		return nil, &ErasedError{e.Position}
	}
	if e.packed != nil {
		return e.packedWithin(limit)
	}
	if e.Encoding == encodingZstd && e.Length > limit {
		return nil, &TooLongError{limit}
	}
	f, err := os.Open(e.path)
	if err != nil {
		return nil, fmt.Errorf("raw log entry %s: %w", e.Position, err)
	}
	defer f.Close()
	if now, ok, err := e.replaced(f); err != nil {
		return nil, err
	} else if ok {
		return now.PlainWithin(limit)
	}
	body, err := e.stored(f)
	if err != nil {
		return nil, err
	}
	plain, err := e.decode(body, limit)
	if long := (*TooLongError)(nil); errors.As(err, &long) && limit < maxPlain {
		return nil, err
	}
	if err != nil {
		return nil, e.damage("body: " + err.Error())
	}
	received := plain
	if e.Encoding == encodingGzip {
		received = body
	}
	if e.SHA256 != digest(received) || e.Length != int64(len(received)) {
		return nil, e.damage("body is not the one received: SHA-256 or length differs")
	}
	return plain, nil
}

// stored reads the body as it is on disk and checks its CRC.
func (e Entry) stored(f *os.File) ([]byte, error) {
	body := make([]byte, e.Stored)
	if _, err := f.ReadAt(body, e.Next.Offset-e.Stored); errors.Is(err, io.EOF) {
		return nil, e.damage("body is cut off")
	} else if err != nil {
		return nil, fmt.Errorf("raw log entry %s: %w", e.Position, err)
	}
	if checksum(body) != e.bodyCRC {
		return nil, e.damage("body checksum does not match")
	}
	return body, nil
}

func (e Entry) damage(reason string) error {
	return &DamageError{File: e.path, Offset: e.Position.Offset, Reason: reason}
}

func (e Entry) decode(body []byte, limit int64) ([]byte, error) {
	switch e.Encoding {
	case encodingGzip:
		return e.log.gunzip(body, limit)
	case encodingZstd:
		d, err := e.log.decoder()
		if err != nil {
			return nil, err
		}
		return d.DecodeAll(body, nil)
	}
	return nil, fmt.Errorf("encoding %q", e.Encoding)
}

// gunzip decodes body, to at most limit bytes. What it takes to do that is large and kept for the next.
func (l *Log) gunzip(body []byte, limit int64) ([]byte, error) {
	z, ok := l.gunzips.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	defer l.gunzips.Put(z)
	if err := z.Reset(bytes.NewReader(body)); err != nil {
		return nil, err
	}
	// The last four bytes claim how long the plain body is; one that claims much
	// has to show it.
	claim := min(int(binary.LittleEndian.Uint32(body[len(body)-4:])), 64*len(body), 16<<20)
	plain := bytes.NewBuffer(make([]byte, 0, claim+bytes.MinRead))
	if n, err := plain.ReadFrom(io.LimitReader(z, limit+1)); err != nil {
		return nil, err
	} else if n > limit {
		return nil, &TooLongError{limit}
	}
	return plain.Bytes(), nil
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxPlain))
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
