package serve

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often the files of a certificate are looked at.
const lookEvery = 10 * time.Second

// A Certificate is one in two files, which somebody renews now and then. Its fields are
// set before use.
type Certificate struct {
	CertFile, KeyFile string
	Log               *slog.Logger
	Now               func() time.Time

	mu     sync.Mutex
	loaded *tls.Certificate
	seen   [2]stamp
	looked time.Time
}

// A stamp changes when a file does.
type stamp struct {
	at   time.Time
	size int64
}

// Load reads the files, for the first time or again. If it fails, the certificate that
// was read before stays in use.
func (c *Certificate) Load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load()
}

func (c *Certificate) load() error {
	seen, err := c.stamps()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", c.CertFile, c.KeyFile, err)
	}
	c.loaded, c.seen, c.looked = &pair, seen, c.Now()
	return nil
}

// A LooseKeyError says that others may read or change the key.
type LooseKeyError struct {
	Path string
	Mode fs.FileMode
}

func (e *LooseKeyError) Error() string {
	return fmt.Sprintf("key %s: others may read or change it (mode %04o)", e.Path, e.Mode.Perm())
}

// stamps look at both files. A group may read the key, as on systems where one has all
// certificates.
func (c *Certificate) stamps() (seen [2]stamp, err error) {
	cert, err := os.Stat(c.CertFile)
	key, other := os.Stat(c.KeyFile)
	if err := cmp.Or(err, other); err != nil {
		return seen, err
	}
	if key.Mode().Perm()&0o027 != 0 {
		return seen, &LooseKeyError{c.KeyFile, key.Mode()}
	}
	return [2]stamp{{cert.ModTime(), cert.Size()}, {key.ModTime(), key.Size()}}, nil
}

// Get is the certificate as it is in the files, or as it last was when they are of no
// use.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.Now(); now.Sub(c.looked).Abs() >= lookEvery {
		c.looked = now
		if seen, err := c.stamps(); err != nil {
			c.Log.Warn("the certificate is not read again", "error", err)
		} else if seen != c.seen {
			c.renew()
		}
	}
	return c.loaded, nil
}

// renew reads files that changed. While only one of them is new they do not match: the
// next look finds both.
func (c *Certificate) renew() {
	if err := c.load(); err != nil {
		c.Log.Warn("the certificate is not read again", "error", err)
		return
	}
	c.Log.Info("certificate read again", "cert", c.CertFile)
}
