package access

import (
	"crypto/rand"
	"hash/crc32"
	"strings"

	"github.com/dexetl/dexetl/extract/state"
)

// A Secret is a key as its holder sends it.
type Secret = state.Secret

// A secret is prefix, random characters and a checksum: scanners of code and logs
// know it, and one that was cut or mistyped is refused without a look at the state.
const (
	prefix     = "dxk_"
	randomLen  = 32 // of 62 characters: 190 bits
	checkLen   = 6
	secretLen  = len(prefix) + randomLen + checkLen
	alphabet   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	unbiased   = 256 / len(alphabet) * len(alphabet) // bytes below it fall on each character equally often
	shownAtEnd = 4
)

func newSecret() Secret {
	var random strings.Builder
	for b := make([]byte, 1); random.Len() < randomLen; {
		rand.Read(b) // never fails
		if int(b[0]) < unbiased {
			random.WriteByte(alphabet[int(b[0])%len(alphabet)])
		}
	}
	return Secret(prefix + random.String() + checksum(random.String()))
}

// checksum is the CRC32 of text in base 62.
func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	digits := make([]byte, checkLen)
	for i := range digits {
		digits[checkLen-1-i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return string(digits)
}

// wellFormed reports whether s may be a key at all.
func wellFormed(s Secret) bool {
	if len(s) != secretLen || !strings.HasPrefix(string(s), prefix) {
		return false
	}
	random, check := string(s[len(prefix):secretLen-checkLen]), string(s[secretLen-checkLen:])
	return strings.Trim(random, alphabet) == "" && check == checksum(random)
}

// shown is what people see of a key that is stored.
func shown(s Secret) string { return prefix + "…" + string(s[len(s)-shownAtEnd:]) }
