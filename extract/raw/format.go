package raw

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	version = 1

	segmentMagic = "dexetlog"
	entryMagic   = "dxEN"
	erasedMagic  = "dxER"
	endMagic     = "dxEO"

	segmentHeaderLen = 8 + 4 + 8 + 4
	prefixLen        = 4 + 4*4 + 4

	maxHeader = 64 << 10 // of the JSON; ours are about 500 bytes
	maxBody   = 1 << 30  // of one stored body
)

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// summed is b with its checksum behind it.
func summed(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, checksum(b)) }

// intact reports whether b ends in the checksum of what is before it.
func intact(b []byte) bool {
	n := len(b) - 4
	return checksum(b[:n]) == binary.LittleEndian.Uint32(b[n:])
}

// segmentHeader is the head of segment number.
func segmentHeader(number uint64) []byte { return segmentHead(version, number) }

func segmentHead(version uint32, number uint64) []byte {
	b := append(make([]byte, 0, segmentHeaderLen), segmentMagic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	return summed(binary.LittleEndian.AppendUint64(b, number))
}

// checkSegmentHeader checks the head b of the segment at path and returns its
// version.
func checkSegmentHeader(b []byte, path string, number uint64) (uint32, error) {
	damage := func(format string, args ...any) (uint32, error) {
		return 0, &DamageError{File: path, Reason: fmt.Sprintf(format, args...)}
	}
	v := binary.LittleEndian.Uint32(b[8:])
	switch {
	case string(b[:8]) != segmentMagic:
		return damage("not a segment of the raw log: magic %q", b[:8])
	case !intact(b[:segmentHeaderLen]):
		return damage("segment header checksum does not match")
	case v > newestVersion:
		return 0, &VersionError{File: path, Version: v}
	}
	if n := binary.LittleEndian.Uint64(b[12:]); n != number {
		return damage("header says segment %d, the name says %d", n, number)
	}
	return v, nil
}

// A prefix is the fixed part in front of an entry.
type prefix struct {
	magic              string
	headerLen, bodyLen uint32
	headerCRC, bodyCRC uint32
}

func (p prefix) append(b []byte) []byte {
	start := len(b)
	b = append(b, p.magic...)
	for _, v := range []uint32{p.headerLen, p.bodyLen, p.headerCRC, p.bodyCRC} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// parsePrefix reads the prefix at the head of b; ok is false if its checksum or
// its magic is wrong.
func parsePrefix(b []byte) (p prefix, ok bool) {
	p = prefix{
		headerLen: binary.LittleEndian.Uint32(b[4:]),
		bodyLen:   binary.LittleEndian.Uint32(b[8:]),
		headerCRC: binary.LittleEndian.Uint32(b[12:]),
		bodyCRC:   binary.LittleEndian.Uint32(b[16:]),
	}
	for _, magic := range []string{entryMagic, erasedMagic, endMagic} {
		if string(b[:4]) == magic {
			p.magic = magic
			return p, intact(b[:prefixLen])
		}
	}
	return p, false
}

// length is the length of the whole entry.
func (p prefix) length() int64 { return prefixLen + int64(p.headerLen) + int64(p.bodyLen) }
