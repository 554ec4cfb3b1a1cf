package consent

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// One refusal in the words of many servers.
func TestSaid(t *testing.T) {
	for _, tt := range []struct {
		status        int
		body, outcome string
		code          oauthCode
		refuses       bool
	}{
		{400, `{"error":"invalid_grant"}`, "invalid_grant", invalidGrant, true},
		{400, `{"error":"INVALID_GRANT","error_description":"Token has been revoked."}`, "INVALID_GRANT: Token has been revoked.", invalidGrant, true},
		{400, `{"Error":"InvalidGrant"}`, "InvalidGrant", invalidGrant, true},
		{401, `{"error":{"code":"invalid_grant","message":"no longer valid","status":401}}`, "invalid_grant: no longer valid", invalidGrant, true},
		{401, `{"errors":[{"code":"INVALID-GRANT","detail":"gone"}]}`, "INVALID-GRANT: gone", invalidGrant, true},
		{403, `{"fault":{"faultstring":"Invalid grant","detail":{"errorcode":"oauth.v2.Refused"}}}`, "oauth.v2.Refused: Invalid grant", invalidGrant, true},
		{400, "\xef\xbb\xbf{\"error\":\"invalid_grant\"}", "invalid_grant", invalidGrant, true},
		{400, "error=invalid_grant&error_description=Consent+was+withdrawn", "invalid_grant: Consent was withdrawn", invalidGrant, true},
		{400, `"invalid_grant"`, "invalid_grant", invalidGrant, true},
		{500, `{"error":"invalid_grant"}`, "invalid_grant", invalidGrant, true},
		{200, `{"error":"invalid_grant"}`, "200 without tokens: invalid_grant", invalidGrant, true},
		{200, `{"error":{"message":"session is over"}}`, "200 without tokens: session is over", "", true},
		{200, "error=consent_gone", "200 without tokens: consent_gone", "", true},
		{400, `{"error":"invalid_request","error_description":"offline session expired"}`, "400 Bad Request: invalid_request: offline session expired", "invalid_request", true},
		{400, `{"error":null,"message":"who are you?"}`, "400 Bad Request: who are you?", "", true},
		{400, `{"code":400,"error_code":"refresh_token_gone","msg":"Refresh Token Gone"}`, "400 Bad Request: refresh_token_gone: Refresh Token Gone", "", true},
		{401, `{"unheard":"of"}`, `401 Unauthorized: {"unheard":"of"}`, "", true},
		{403, "<html><head><style>b{}</style><title>No</title></head><b>Go&nbsp;away</b>", "403 Forbidden: No Go away", "", true},
		{403, "Forbidden\n", "403 Forbidden", "", true},
		{404, "", "404 Not Found", "", true},
		{422, "\x1b[31mno\x07\u202e\r\nno", "422 Unprocessable Entity: [31mno no", "", true},
		{401, `{"error":"Unauthorized-Client","error_description":"ask us"}`, "Unauthorized-Client: ask us", unauthorizedClient, true},
		{400, `{"error":"temporarily_unavailable"}`, "400 Bad Request: temporarily_unavailable", "temporarily_unavailable", false},
		{200, `{"error":"server_error"}`, "200 without tokens: server_error", "server_error", false},
		{200, `{"hello":"world"}`, "200 without tokens", "", false},
		{200, "<html>Sign in to the guest network", "200 without tokens: Sign in to the guest network", "", false},
		{407, "proxy", "407 Proxy Authentication Required: proxy", "", false},
		{408, "", "408 Request Timeout", "", false},
		{425, "", "425 Too Early", "", false},
		{429, `{"error":"invalid_grant"}`, "invalid_grant", invalidGrant, false},
		{302, "", "302 Found", "", false},
		{503, `{"message":"upstream"}`, "503 Service Unavailable: upstream", "", false},
	} {
		r := readReply([]byte(tt.body))
		if got := r.outcome(tt.status); got != tt.outcome || r.code != tt.code || r.refuses(tt.status) != tt.refuses {
			t.Errorf("%d %q: %q, code %q, refuses %t; want %q, %q, %t", tt.status, tt.body, got, r.code, r.refuses(tt.status), tt.outcome, tt.code, tt.refuses)
		}
	}
}

// Whatever a server echoes, in whatever form, no secret is in what is shown, nor
// anything that a terminal would obey, and it is not long.
func TestSaidShowsNoSecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9+/=&%"<._-]{12,80}`).Draw(t, "secret")
		around := rapid.StringN(0, 300, 900)
		text := around.Draw(t, "before") + secret + around.Draw(t, "after")
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text)
		body := rapid.SampledFrom([]string{
			text,
			"<p>" + text,
			"error=bad&error_description=" + url.QueryEscape(text),
			`{"error":"bad","error_description":"` + quoted + `"}`,
			`{"error":{"message":"` + quoted + `"}}`,
			`{"echo":"` + url.QueryEscape(text) + `"}`,
		}).Draw(t, "body")
		status := rapid.SampledFrom([]int{200, 400, 401, 403, 500}).Draw(t, "status")
		said := readReply([]byte(body)).outcome(status, secret, "other secret")
		for _, spelt := range []string{secret, url.QueryEscape(secret)} {
			if strings.Contains(said, spelt) {
				t.Errorf("%d %q is shown as %q", status, body, said)
			}
		}
		if i := strings.IndexFunc(said, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q has a control character", said)
		}
		if n := utf8.RuneCountInString(strings.TrimPrefix(said, statusText(status)+": ")); n > dexcom.WordsLen+len("200 without tokens: ") {
			t.Errorf("%d characters are shown: %q", n, said)
		}
	})
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"token rt-9f3c-77ab/x is over":                    "token [redacted] is over",
		"token rt-9f3c-77… is over":                       "token [redacted]… is over",
		"of eyJhbGciOiJSUzI1NiIsInR5cCI6Ik.eyJzdWIiOiIxM": "of [redacted].eyJzdWIiOiIxM",
		"refused: client_id=a&client_secret=b c":          "refused: [redacted]",
		"error code=17":                                   "error [redacted]",
		"of ada@example.org, sorry":                       "of [redacted], sorry",
		"refresh_token_expired_or_revoked":                "refresh_token_expired_or_revoked",
		"see https://example.org/errors#4001":             "see https://example.org/errors#4001",
	} {
		if got := dexcom.Redact(text, "rt-9f3c-77ab/x", "", "abc"); got != want {
			t.Errorf("redact(%q) = %q, want %q", text, got, want)
		}
	}
}

// Wherever a very long text is cut, no half of a secret is left at its end.
func TestRedactCutsNoSecret(t *testing.T) {
	const secret = "rt-9f3c-77ab/x"
	for length := 16<<10 - 40; length <= 16<<10; length++ {
		got := dexcom.Redact(strings.Repeat("x1", length/2)+strings.Repeat("1", length%2)+" "+secret+strings.Repeat(" z", 100), secret)
		if strings.Contains(got, "rt") || strings.Contains(got, "9f") {
			t.Fatalf("after %d bytes: %q", length, got)
		}
	}
}

// The words in which an error comes back with the browser are told, too.
func TestCallbackSaysWhy(t *testing.T) {
	s, g := newStudy(t, "P001")
	for query, want := range map[string]string{
		"error=invalid_scope&error_description=no%20offline%1b%20access": `Dexcom answered "invalid_scope: no offline access"`,
		"error=consent_required": `Dexcom answered "consent_required"`,
		"error=Access_Denied":    "consent was denied in the browser",
	} {
		address, err := g.Begin(t.Context(), "P001")
		if err != nil {
			t.Fatal(err)
		}
		_, err = g.Finish(t.Context(), s.redirected(address, "", "")+"&"+query)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: Finish = %v, want that %s", query, err, want)
		}
	}
}

// The app's secret is refused in other words; what the endpoint said is told by
// who probes it and by who exchanges a code.
func TestEndpointsWordsAreTold(t *testing.T) {
	s, g := newStudy(t, "P001")
	for _, tt := range []struct {
		status int
		body   string
		want   string
	}{
		{401, `{"error":{"code":"INVALID_CLIENT","message":"secret expired"}}`, "INVALID_CLIENT: secret expired"},
		{404, `{"message":"no such path"}`, "404 Not Found: no such path"},
		{400, `{"error":"invalid_request","error_description":"redirect_uri is not registered"}`, "redirect_uri is not registered"},
	} {
		s.with(func() {
			s.fail = func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(tt.status)
				w.Write([]byte(tt.body))
				return true
			}
		})
		accepted, said, err := g.Probe(t.Context(), "us")
		if accepted || !strings.Contains(said, tt.want) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d %s: Probe = %t, %q, %v; want %q", tt.status, tt.body, accepted, said, err, tt.want)
		}
		address, err := g.Begin(t.Context(), "P001")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Finish(t.Context(), s.redirected(address, s.newCode("user"), "")); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d %s: Finish = %v, want %q", tt.status, tt.body, err, tt.want)
		}
	}
}
