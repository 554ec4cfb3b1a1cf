package page_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/consent"
)

// Where only the redirect URI is served, every ending has its page, which is the
// study's and names nobody.
func TestPagesOfCallback(t *testing.T) {
	pages, err := newClinic(t, "").server.Pages()
	if err != nil {
		t.Fatal(err)
	}
	shown := func(show func(http.ResponseWriter)) (int, string) {
		w := httptest.NewRecorder()
		show(w)
		for name, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
			t.Errorf("Content-Security-Policy = %q", csp)
		}
		return w.Code, w.Body.String()
	}
	for ended, want := range map[consent.Ending]struct {
		status int
		title  string
	}{
		consent.EndedConnected:    {200, "You are connected"},
		consent.EndedUnchecked:    {200, "You are connected"},
		consent.EndedDenied:       {200, "Nothing is shared"},
		consent.EndedNotConfirmed: {200, "Nothing is kept"},
		consent.EndedWrongAccount: {409, "Please call the study team"},
		consent.EndedRefused:      {400, "This page has done its work"},
		consent.EndedFailed:       {503, "That did not work just now"},
	} {
		status, body := shown(func(w http.ResponseWriter) { pages.End(w, ended) })
		if status != want.status || !strings.Contains(body, want.title) || strings.Contains(body, "P00") {
			t.Errorf("%s: %d %s, want %d %s", ended, status, body, want.status, want.title)
		}
	}
	if status, body := shown(pages.Nothing); status != 404 || !strings.Contains(body, "There is nothing here") {
		t.Errorf("nothing: %d %s", status, body)
	}
	q := consent.Question{Token: "proof"}
	if status, body := shown(func(w http.ResponseWriter) { pages.Ask(w, q) }); status != 200 || !strings.Contains(body, `value="proof"`) {
		t.Errorf("a question: %d %s", status, body)
	}
}
