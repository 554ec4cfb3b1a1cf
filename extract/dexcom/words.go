package dexcom

import (
	"bytes"
	"cmp"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dexetl/dexetl/extract/plain"
)

// WordsLen is how many characters of a server's words are shown.
const WordsLen = 200

// Words makes the start of a body that is no answer fit to be shown to an
// operator: one line of printable text, at most WordsLen characters, redacted.
func Words(body []byte, secrets ...string) string {
	return Shorten(Redact(Printable(string(bytes.TrimPrefix(body, bom))), secrets...))
}

// Shorten cuts text to WordsLen characters.
func Shorten(text string) string {
	if utf8.RuneCountInString(text) <= WordsLen {
		return text
	}
	return string([]rune(text)[:WordsLen-1]) + "…"
}

// Brief is err, of a transport, which may repeat what a server sent at any length:
// its text is printable and as long as Words.
func Brief(err error) error { return &briefError{err} }

type briefError struct{ error }

func (e *briefError) Error() string {
	text := e.error.Error()
	return Shorten(Printable(text[:min(len(text), 4*WordsLen)]))
}

func (e *briefError) Unwrap() error { return e.error }

// Printable is text on one line, as package plain has it, with single blanks.
func Printable(text string) string {
	return strings.Join(strings.Fields(plain.Line(text)), " ")
}

const (
	redacted  = "[redacted]"
	minSecret = 4  // bytes; what is shorter is no secret
	tokenLike = 24 // bytes in a row without a blank, among them a digit

	// maxRedacted is more bytes than anybody shows: what is behind them is dropped.
	maxRedacted = 16 << 10
)

var (
	// Shorter pieces of a token help nobody.
	tokenRun = regexp.MustCompile(`[A-Za-z0-9_~+=-]{8,}`)
	// What gateways repeat of a request, and all behind it, is nobody's words; and
	// neither is an answer with records.
	echo    = regexp.MustCompile(`(?is)(\b(client_id|client_secret|grant_type|refresh_token|redirect_uri|code)=|\bbearer\s|\\?"(records|recordType|userId)\\?"\s*:).*`)
	mailbox = regexp.MustCompile(`[^\s@:"'<>(,;]+@[^\s@:"'<>),;]+`)
)

// Redact takes out of text these secrets, and pieces of them; what it repeats of a
// request or an answer; what looks like a token of somebody else's; and addresses.
// Of a very long text the beginning is all that is left.
func Redact(text string, secrets ...string) string {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return len(s) < minSecret })
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, s := range secrets {
		for _, spelt := range []string{s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s)} {
			text = strings.ReplaceAll(text, spelt, redacted)
		}
	}
	if len(text) > maxRedacted { // only now: a cut must leave no half of a secret
		text = strings.ToValidUTF8(text[:maxRedacted], "")
	}
	text = echo.ReplaceAllString(text, redacted)
	text = tokenRun.ReplaceAllStringFunc(text, func(piece string) string {
		known := slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(s, piece) })
		if known || len(piece) >= tokenLike && strings.ContainsAny(piece, "0123456789") {
			return redacted
		}
		return piece
	})
	return mailbox.ReplaceAllString(text, redacted)
}
