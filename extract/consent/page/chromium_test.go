package page_test

import (
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/consent/page/chromium"
)

var shots = flag.String("shots", "", "write screenshots of the pages to this `DIR`")

func browser(t *testing.T) *chromium.Browser {
	b := chromium.New(t)
	b.Shots = *shots
	return b
}

const landingTitle = "Share your Dexcom data with the study"

// A person with a link, a keyboard and no mouse: they say no, think again,
// connect, and open the link once more.
func TestChromiumByKeyboard(t *testing.T) {
	c, b := newClinic(t, ""), browser(t)
	b.Size(1100, 900, false)
	link := c.invite("P001")
	button := func() {
		t.Helper()
		if status := b.Open(link); status != 200 || b.Title() != landingTitle {
			t.Fatalf("the link: %d %q", status, b.Title())
		}
		b.TabTo("Continue to Dexcom")
		if ring := chromium.Ask[string](b, "getComputedStyle(document.activeElement).outlineStyle"); ring != "solid" {
			t.Errorf("the button with the focus has no ring: outline-style %s", ring)
		}
		if r := b.Press(); !strings.Contains(r.URL, "/oauth2/login") || b.Title() != "Simulated Dexcom" {
			t.Fatalf("Enter on the button leads to %s", b.Title())
		}
	}
	button()
	b.TabTo("Deny")
	if r := b.Press(); r.Status != 200 || b.Title() != "Nothing is shared" {
		t.Errorf("after denying: %d %q", r.Status, b.Title())
	}
	b.Shoot("denied-desktop")
	if got := c.progress("P001"); got != consent.Denied {
		t.Errorf("standing after denying: %s", got)
	}
	button()
	b.TabTo("Authorize") // as the first user of the list, which is P001
	if r := b.Press(); r.Status != 200 || b.Title() != "You are connected. Thank you." {
		t.Fatalf("after authorising: %d %q", r.Status, b.Title())
	}
	b.Shoot("connected-desktop")
	if at := chromium.Ask[string](b, "location.href"); at != c.base+"/done/connected" {
		t.Errorf("the address bar says %s: code and state must not stay there", at)
	}
	// The tokens work: the account was looked at, and can be again.
	found := c.last().Found
	if found.Ranges.EGVs == nil || found.Connection.ParticipantID != "P001" {
		t.Errorf("found %+v, want P001 with what dataRange says", found)
	}
	if _, err := c.grants.Accounts.Verify(t.Context(), found.Connection.ID); err != nil {
		t.Errorf("Verify = %v", err)
	}
	b.Do(chromedp.Reload())
	if b.Title() != "You are connected. Thank you." {
		t.Errorf("the last page, loaded again: %q", b.Title())
	}
	if status := b.Open(link); status != 410 || b.Title() != "You are connected already" {
		t.Errorf("the link once more: %d %q", status, b.Title())
	}
	b.Quiet()
	c.silent(link)
}

// What a screen reader says of the page behind a link.
func TestChromiumScreenReader(t *testing.T) {
	c, b := newClinic(t, ""), browser(t)
	b.Open(c.invite("P001"))
	var said []string
	for _, line := range b.Tree() {
		role, _, _ := strings.Cut(line, " ")
		switch role {
		case "RootWebArea", "banner", "main", "contentinfo", "heading", "region", "list", "link", "button", "image", "form", "StaticText":
			if role != "StaticText" || strings.HasPrefix(line, "StaticText Your glucose") {
				said = append(said, line)
			}
		}
	}
	want := []string{
		"RootWebArea " + landingTitle + " – The Example Glucose Study",
		"banner",
		"main",
		"heading " + landingTitle + " (1)",
		"region What the study reads",
		"heading What the study reads (2)",
		"list",
		"StaticText Your glucose readings",
		"region Which days", "heading Which days (2)",
		"region How long", "heading How long (2)",
		"region How to stop", "heading How to stop (2)",
		"region Questions?", "heading Questions? (2)",
		"link +1 555 0100",
		"link study@example.org",
		"region If you agree", "heading If you agree (2)",
		"form",
		"button Continue to Dexcom",
		"contentinfo",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("what a screen reader says (-want +got):\n%s", diff)
	}
	if got := chromium.Ask[string](b, "document.documentElement.lang"); got != "en" {
		t.Errorf("lang %q", got)
	}
}

// Every page can be read: text of 20 px and more, contrast of level AAA in
// light and dark, a button that a thumb hits, and nothing to the side, down to
// 320 px, which is also 640 px at 200 %.
func TestChromiumEveryPageIsLegible(t *testing.T) {
	c, b := newClinic(t, ""), browser(t)
	expired, revoked := c.invite("P002"), c.invite("P003")
	c.wait(15 * 24 * time.Hour)
	landing := c.invite("P001")
	pages := map[string]string{
		"landing": landing, "connected": c.base + "/done/connected", "denied": c.base + "/done/denied", "later": c.base + "/done/later",
		"call": c.base + "/done/call", "expired": expired, "unknown": landing + "x", "stale": c.base + "/callback",
	}
	pages["revoked"], pages["refused"] = revoked, c.base+"/done/refused"
	if _, err := c.consents.RevokeInvitations(t.Context(), "P003"); err != nil {
		t.Fatal(err)
	}
	// Chromium is another browser than the one that pressed this button.
	b.Open(c.signIn(c.press(c.invite("P002")), "&user=P002"))
	pages["question"] = c.base + "/callback"
	delete(pages, "stale")
	for name, address := range pages {
		b.Open(address)
		for _, look := range []struct {
			name   string
			width  int64
			height int64
			dark   bool
		}{{"desktop", 1100, 900, false}, {"desktop-dark", 1100, 900, true}, {"phone", 360, 740, false}, {"phone-dark", 360, 740, true}, {"narrow", 320, 640, false}} {
			b.Size(look.width, look.height, look.dark)
			got := b.Legible()
			if got.Size < 20 || got.Contrast < 7 || got.Button < 48 || got.Width > look.width {
				t.Errorf("%s, %s: %+v, want text >= 20 px, contrast >= 7, button >= 48 px, width <= %d", name, look.name, got, look.width)
			}
			b.Shoot(name + "-" + look.name)
		}
	}
	b.Size(360, 740, false)
	b.Open(landing)
	b.TabTo("Continue to Dexcom")
	b.Shoot("landing-phone-focus")
	b.Open(pages["question"])
	b.TabTo("No, or I am not sure")
	b.Press()
	b.Open(c.base + "/callback?state=x&code=y")
	b.Shoot("stale-phone")
	b.Quiet()
}

// The link of a mail that was opened in another browser: somebody with a keyboard
// reads the question, comes to No before Yes, and says yes.
func TestChromiumAnotherBrowser(t *testing.T) {
	for button, want := range map[string]struct {
		title    string
		standing consent.Progress
	}{
		"No, or I am not sure":                            {"Nothing is kept", consent.Doubted},
		"Yes, I opened the link, and the account is mine": {"You are connected. Thank you.", consent.Joined},
	} {
		c, b := newClinic(t, ""), browser(t)
		b.Size(360, 740, false)
		if status := b.Open(c.signIn(c.press(c.invite("P001")), "&user=P001")); status != 200 || b.Title() != "Is this your own Dexcom account?" {
			t.Fatalf("another browser: %d %q", status, b.Title())
		}
		if at := chromium.Ask[string](b, "location.href"); at != c.base+"/callback" {
			t.Errorf("the address bar says %s: code and state must not stay there", at)
		}
		b.Do(chromedp.Reload())
		var said []string
		for _, line := range b.Tree() {
			if role, _, _ := strings.Cut(line, " "); role == "heading" || role == "button" || role == "form" {
				said = append(said, line)
			}
		}
		heard := []string{"heading Is this your own Dexcom account? (1)", "heading What the study reads (2)", "heading Which days (2)", "heading How long (2)",
			"heading How to stop (2)", "heading Questions? (2)", "heading Please tell us (2)", "form",
			"button No, or I am not sure", "button Yes, I opened the link, and the account is mine"}
		if diff := cmp.Diff(heard, said); diff != "" {
			t.Errorf("what a screen reader says (-want +got):\n%s", diff)
		}
		b.TabTo(button)
		if r := b.Press(); r.Status != 200 || b.Title() != want.title {
			t.Errorf("after %q: %d %q, want %q", button, r.Status, b.Title(), want.title)
		}
		if got := c.progress("P001"); got != want.standing {
			t.Errorf("standing after %q: %s, want %s", button, got, want.standing)
		}
		b.Quiet()
	}
}
