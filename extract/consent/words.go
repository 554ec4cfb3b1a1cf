package consent

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// An oauthCode is an error of RFC 6749 or 6750, in its spelling.
type oauthCode string

const (
	invalidGrant       oauthCode = "invalid_grant"
	invalidClient      oauthCode = "invalid_client"
	unauthorizedClient oauthCode = "unauthorized_client"
	accessDenied       oauthCode = "access_denied"
)

// passing reports whether the server itself says that it may work later.
func (c oauthCode) passing() bool {
	return c == "server_error" || c == "temporarily_unavailable" || c == "slow_down"
}

// ofApp reports whether the error is about the app's credentials.
func (c oauthCode) ofApp() bool { return c == invalidClient || c == unauthorizedClient }

// knownCode is text as an error code, however it is spelt: INVALID_GRANT,
// invalidGrant and "Invalid grant." are invalid_grant. "" for anything else.
func knownCode(text string) oauthCode {
	var b strings.Builder
	small := false
	for _, r := range strings.Trim(text, " .") {
		blank := r == ' ' || r == '-' || r == '.'
		if blank || small && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		if !blank {
			b.WriteRune(unicode.ToLower(r))
		}
		small = unicode.IsLower(r)
	}
	switch c := oauthCode(b.String()); c {
	case invalidGrant, invalidClient, unauthorizedClient, accessDenied, "invalid_request", "invalid_scope", "invalid_token",
		"unsupported_grant_type", "server_error", "temporarily_unavailable", "slow_down":
		return c
	}
	return ""
}

// maxParts is how much of what a server said is put together.
const maxParts = 20

// said is what the server said of an error, for people: without these secrets,
// on one line, not long. "" for nothing.
func (r reply) said(secrets ...string) string {
	texts := slices.Concat(r.codes, r.texts)
	if len(texts) == 0 {
		texts = []string{visibleText(r.rest)}
	}
	var parts []string
	for _, text := range texts {
		if len(parts) == maxParts {
			break
		}
		if text = dexcom.Printable(text); text != "" && !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	return dexcom.Shorten(dexcom.Redact(strings.Join(parts, ": "), secrets...))
}

// outcome is how an answer with this HTTP status failed, for people.
func (r reply) outcome(status int, secrets ...string) string {
	said := r.said(secrets...)
	switch {
	case status == http.StatusOK && !r.failed && !strings.HasPrefix(r.rest, "<"):
		said = "" // nobody knows what is in it
	case status != http.StatusOK && (r.code == invalidGrant || r.code.ofApp()):
		return said
	}
	text := strings.TrimSpace(statusText(status))
	if status == http.StatusOK {
		text = "200 without tokens"
	}
	if said == "" || strings.EqualFold(said, http.StatusText(status)) || strings.EqualFold(said, text) {
		return text
	}
	return text + ": " + said
}

var (
	hiddenParts = regexp.MustCompile(`(?is)<script.*?</script>|<style.*?</style>|<!--.*?-->`)
	tags        = regexp.MustCompile(`(?s)<[^>]*>`)
)

// visibleText is what a person reads of a page; other text is itself.
func visibleText(body string) string {
	body = body[:min(len(body), 64<<10)]
	if !strings.HasPrefix(body, "<") {
		return body
	}
	return html.UnescapeString(tags.ReplaceAllString(hiddenParts.ReplaceAllString(body, " "), " "))
}
