package access

import (
	"crypto/rand"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"strings"
)

// A Secret is a key as its holder sends it. It shows itself as [redacted] in every
// format, log line and encoding; string(s) is the text.
type Secret string

const redacted = "[redacted]"

// String returns [redacted].
func (Secret) String() string { return redacted }

// GoString returns [redacted].
func (Secret) GoString() string { return redacted }

// Format writes [redacted] whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) } // fmt has no use for an error

// LogValue returns [redacted].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted]; encoding/json and YAML use it too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

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
func (s Secret) wellFormed() bool {
	if len(s) != secretLen || !strings.HasPrefix(string(s), prefix) {
		return false
	}
	random, check := string(s[len(prefix):secretLen-checkLen]), string(s[secretLen-checkLen:])
	return strings.Trim(random, alphabet) == "" && check == checksum(random)
}

// shown is what people see of a key that is stored.
func (s Secret) shown() string { return prefix + "…" + string(s[len(s)-shownAtEnd:]) }
