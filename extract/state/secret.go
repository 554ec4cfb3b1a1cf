package state

import (
	"fmt"
	"io"
	"log/slog"
)

// A Secret is a token, a key or other text that nobody is to read by chance: it shows
// itself as [redacted] in every format, log line and encoding. string(s) is the text.
type Secret string

const redacted = "[redacted]"

// String returns [redacted].
func (Secret) String() string { return redacted }

// GoString returns [redacted].
func (Secret) GoString() string { return redacted }

// Format writes [redacted] whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) } // fmt has no use for it

// LogValue returns [redacted].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted]; encoding/json and YAML use it too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
