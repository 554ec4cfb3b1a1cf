package consent

import (
	"crypto/hmac"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// A consent belongs to the browser that began it, which a cookie tells from
// others. Its value is 256 random bits; what is stored of it is a keyed hash.
const (
	cookieName = "dexetl"
	// cookieSeconds outlive a consent link and the question at its end.
	cookieSeconds = 2 * 60 * 60
)

var browserPattern = regexp.MustCompile(`^[a-z2-7]{52}$`)

func cookieOf(secure bool) string {
	if secure {
		return "__Host-" + cookieName // no other site, and nothing unencrypted, can set it
	}
	return cookieName
}

// BrowserOf returns the cookie of the browser that asks, or that of a new one if
// it has none. Secure says that browsers come by https.
func BrowserOf(r *http.Request, secure bool) Secret {
	if c, err := r.Cookie(cookieOf(secure)); err == nil && browserPattern.MatchString(c.Value) {
		return Secret(c.Value)
	}
	return Secret(newToken())
}

// Remember lets a browser keep its cookie, or keep it for longer.
func Remember(w http.ResponseWriter, secure bool, browser Secret) {
	// Lax: it has to come along when Dexcom sends the browser back.
	http.SetCookie(w, &http.Cookie{Name: cookieOf(secure), Value: string(browser), Path: "/", MaxAge: cookieSeconds,
		Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (ls *Links) browserHash(browser Secret) string { return ls.key.hash("browser", string(browser)) }

// PressToken is what the page of a link's token, shown to a browser, puts into
// its form. Pages of others do not know it, so a button pressed with it was
// pressed on our page, by a person who saw it in this browser.
func (ls *Links) PressToken(token string, browser Secret) string {
	return ls.key.hash("press", ls.linkHash(token)+"\x00"+string(browser))
}

// pressedHash is the hash of the browser that pressed the button of a link, ""
// where nothing proves which one did.
func (ls *Links) pressedHash(token string, browser Secret, press string) string {
	if !hmac.Equal([]byte(press), []byte(ls.PressToken(token, browser))) {
		return ""
	}
	return ls.browserHash(browser)
}

// An Arrival is a browser that came back from Dexcom.
type Arrival struct {
	Address string // the redirect URI at which it arrived
	Query   url.Values
	Browser Secret // its cookie
	Local   bool   // it is on this machine
	Pasted  bool   // there is no browser: somebody pasted the address at the terminal
	Ask     bool   // its person can be asked a question; else only the browser that began is taken
}

// maxCode is longer than any code.
const maxCode = 4 << 10

// empty reports whether it brings neither a code nor an error: nothing to do.
func (a Arrival) empty() bool {
	code := a.Query.Get("code")
	return !a.Query.Has("error") && (code == "" || len(code) > maxCode)
}

// fits reports whether a browser is the one that began a consent. A consent of
// which no browser is known was begun at a terminal, by connect. It fits where it
// cannot have travelled: the address was pasted at the terminal, or the browser
// and the place where it arrives are on this machine.
func (cn *Connecting) fits(o oauthState, a Arrival) bool {
	switch {
	case o.Browser != "":
		return hmac.Equal([]byte(o.Browser), []byte(cn.links.browserHash(a.Browser)))
	case o.Invitation != "":
		return false
	}
	return a.Pasted || a.Local && loopbackURL(o.RedirectURI)
}

// LocalPeer reports whether a request came from this machine.
func LocalPeer(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && loopbackHost(host)
}

func loopbackURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && loopbackHost(u.Hostname())
}

func loopbackHost(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
