package page_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/consent"
)

const landingTitle = "Share your Dexcom data with the study"

// A person with a link, a keyboard and no mouse: they say no, think again,
// connect, and open the link once more.
func TestChromiumByKeyboard(t *testing.T) {
	c, b := newClinic(t, ""), newBrowser(t)
	b.size(1100, 900, false)
	link := c.invite("P001")
	button := func() {
		t.Helper()
		if status := b.open(link); status != 200 || b.title() != landingTitle {
			t.Fatalf("the link: %d %q", status, b.title())
		}
		b.tabTo("Continue to Dexcom")
		if ring := ask[string](b, "getComputedStyle(document.activeElement).outlineStyle"); ring != "solid" {
			t.Errorf("the button with the focus has no ring: outline-style %s", ring)
		}
		if r := b.press(); !strings.Contains(r.URL, "/oauth2/login") || b.title() != "Simulated Dexcom" {
			t.Fatalf("Enter on the button leads to %s", b.title())
		}
	}
	button()
	b.tabTo("Deny")
	if r := b.press(); r.Status != 200 || b.title() != "Nothing is shared" {
		t.Errorf("after denying: %d %q", r.Status, b.title())
	}
	b.shoot("denied-desktop")
	if got := c.progress("P001"); got != consent.Denied {
		t.Errorf("standing after denying: %s", got)
	}
	button()
	b.tabTo("Authorize") // as the first user of the list, which is P001
	if r := b.press(); r.Status != 200 || b.title() != "You are connected. Thank you." {
		t.Fatalf("after authorising: %d %q", r.Status, b.title())
	}
	b.shoot("connected-desktop")
	if at := ask[string](b, "location.href"); at != c.base+"/done/connected" {
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
	b.do(chromedp.Reload())
	if b.title() != "You are connected. Thank you." {
		t.Errorf("the last page, loaded again: %q", b.title())
	}
	if status := b.open(link); status != 410 || b.title() != "You are connected already" {
		t.Errorf("the link once more: %d %q", status, b.title())
	}
	b.quiet()
	c.silent(link)
}

// What a screen reader says of the page behind a link.
func TestChromiumScreenReader(t *testing.T) {
	c, b := newClinic(t, ""), newBrowser(t)
	b.open(c.invite("P001"))
	var said []string
	for _, line := range b.tree() {
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
	if got := ask[string](b, "document.documentElement.lang"); got != "en" {
		t.Errorf("lang %q", got)
	}
}

// Every page can be read: text of 20 px and more, contrast of level AAA in
// light and dark, a button that a thumb hits, and nothing to the side, down to
// 320 px, which is also 640 px at 200 %.
func TestChromiumEveryPageIsLegible(t *testing.T) {
	c, b := newClinic(t, ""), newBrowser(t)
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
	b.open(c.signIn(c.press(c.invite("P002")), "&user=P002"))
	pages["question"] = c.base + "/callback"
	delete(pages, "stale")
	for name, address := range pages {
		b.open(address)
		for _, look := range []struct {
			name   string
			width  int64
			height int64
			dark   bool
		}{{"desktop", 1100, 900, false}, {"desktop-dark", 1100, 900, true}, {"phone", 360, 740, false}, {"phone-dark", 360, 740, true}, {"narrow", 320, 640, false}} {
			b.size(look.width, look.height, look.dark)
			got := ask[legible](b, legibility)
			if got.Size < 20 || got.Contrast < 7 || got.Button < 48 || got.Width > look.width {
				t.Errorf("%s, %s: %+v, want text >= 20 px, contrast >= 7, button >= 48 px, width <= %d", name, look.name, got, look.width)
			}
			b.shoot(name + "-" + look.name)
		}
	}
	b.size(360, 740, false)
	b.open(landing)
	b.tabTo("Continue to Dexcom")
	b.shoot("landing-phone-focus")
	b.open(pages["question"])
	b.tabTo("No, or I am not sure")
	b.press()
	b.open(c.base + "/callback?state=x&code=y")
	b.shoot("stale-phone")
	b.quiet()
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
		c, b := newClinic(t, ""), newBrowser(t)
		b.size(360, 740, false)
		if status := b.open(c.signIn(c.press(c.invite("P001")), "&user=P001")); status != 200 || b.title() != "Is this your own Dexcom account?" {
			t.Fatalf("another browser: %d %q", status, b.title())
		}
		if at := ask[string](b, "location.href"); at != c.base+"/callback" {
			t.Errorf("the address bar says %s: code and state must not stay there", at)
		}
		b.do(chromedp.Reload())
		var said []string
		for _, line := range b.tree() {
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
		b.tabTo(button)
		if r := b.press(); r.Status != 200 || b.title() != want.title {
			t.Errorf("after %q: %d %q, want %q", button, r.Status, b.title(), want.title)
		}
		if got := c.progress("P001"); got != want.standing {
			t.Errorf("standing after %q: %s, want %s", button, got, want.standing)
		}
		b.quiet()
	}
}
