package dexsim

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// mix is the finaliser of splitmix64: a cheap, well-spread function of x.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hash folds parts into one number; their order matters.
func hash(parts ...uint64) uint64 {
	h := uint64(0)
	for _, p := range parts {
		h = mix(h ^ mix(p))
	}
	return h
}

// hashText is hash for text.
func hashText(seed uint64, text string) uint64 {
	sum := sha256.Sum256([]byte(text))
	return hash(seed, binary.LittleEndian.Uint64(sum[:]))
}

// share maps h evenly to [0, 1).
func share(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// source is a generator for one purpose of one key. Every purpose has its
// own, so that drawing more for one changes nothing for another.
func source(parts ...uint64) *rand.Rand {
	h := hash(parts...)
	return rand.New(rand.NewPCG(h, mix(h)))
}

// hex64 is a name-based identifier of 64 lower-case hex characters, the form
// of Dexcom's userId and transmitterId.
func hex64(seed uint64, text string) string {
	var key [8]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	sum := sha256.Sum256(append(key[:], text...))
	return hex.EncodeToString(sum[:])
}

// uuid is a name-based UUID with the given version nibble.
func uuid(version byte, parts ...uint64) string {
	h := hash(parts...)
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], h)
	binary.BigEndian.PutUint64(raw[8:], mix(h^0x5bd1e995))
	raw[6] = raw[6]&0x0f | version<<4
	raw[8] = raw[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], raw[0:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:36], raw[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// Purposes that generators and identifiers are keyed by.
const (
	forPerson = iota + 1
	forSessions
	forGaps
	forDay
	forCurve
	forSensor
	forUploads
	forEGV
	forEvent
	forCalibration
	forAlert
	forAnomaly
	forFault
	forSettings
)
