package page

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// An address may ask for so many pages at once, and for one a second after that:
// enough for a clinic's waiting room behind one address. Where it asks for more it
// is told to wait, before anything is looked up for it.
const (
	addressBurst  = 60
	addressEvery  = time.Second
	maxAddresses  = 10_000 // remembered at a time
	linesEvery    = time.Second
	addressPause  = "60"   // seconds, of Retry-After
	beginnersRest = "3600" // of a link that began too many consents
)

// lines lets through one line of each kind in linesEvery, and counts the others.
type lines struct {
	mu     sync.Mutex
	last   map[string]time.Time
	untold map[string]int
}

// allow reports whether a line of a kind is to be told, and how many were not
// since the last.
func (l *lines) allow(kind string, now time.Time) (told bool, untold int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last, l.untold = map[string]time.Time{}, map[string]int{}
	}
	if since := now.Sub(l.last[kind]); since >= 0 && since < linesEvery {
		l.untold[kind]++
		return false, 0
	}
	untold = l.untold[kind]
	l.last[kind], l.untold[kind] = now, 0
	return true, untold
}

// addresses bounds what each address asks for.
type addresses struct {
	mu   sync.Mutex
	each map[netip.Addr]*rate.Limiter
}

func (a *addresses) allow(from netip.Addr, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.each[from]
	if l == nil {
		if len(a.each) >= maxAddresses || a.each == nil {
			a.each = map[netip.Addr]*rate.Limiter{} // all begin anew: nobody is kept out for the many
		}
		l = rate.NewLimiter(rate.Every(addressEvery), addressBurst)
		a.each[from] = l
	}
	return l.AllowN(now, 1)
}

// address is that of the person's machine, as far as it can be known: by the last
// entry of the header that the proxy in front is configured to set, which nobody
// but the proxy wrote. Without such a header all requests seem to come from the
// proxy, and false is returned. A network of IPv6 counts as one address.
func (s *site) address(r *http.Request) (netip.Addr, bool) {
	if s.ClientHeader == "" {
		return netip.Addr{}, false
	}
	entries := strings.Split(strings.Join(r.Header.Values(s.ClientHeader), ","), ",")
	text := strings.TrimSpace(entries[len(entries)-1])
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	at, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil { // it did not come through the proxy
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			return netip.Addr{}, false
		}
		at = peer.Addr()
	}
	if at = at.Unmap().WithZone(""); at.Is6() {
		network, _ := at.Prefix(64) // of every address of IPv6
		at = network.Addr()
	}
	return at, true
}

// bounded lets each address ask for so much.
func (s *site) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, known := s.address(r); known && !s.addresses.allow(from, s.now()) {
			w.Header().Set("Retry-After", addressPause)
			s.show(w, busy)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *site) now() time.Time { return s.Grants.Register.Store.Now() }
