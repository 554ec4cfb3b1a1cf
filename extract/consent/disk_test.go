package consent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// On a full disk no token is spent, and with room again life goes on with the
// same one. A disk that fills up while an answer is on its way costs nothing.
func TestFullDisk(t *testing.T) {
	if out, err := exec.Command("unshare", "-rm", "true").CombinedOutput(); err != nil {
		t.Skipf("unshare -rm, for a disk of our own: %v %s", err, out)
	}
	w := newWorld(t, "P001")
	web := httptest.NewServer(w)
	defer web.Close()
	before := len(w.since(0))
	c, stderr := errand{Job: "full", Dir: t.TempDir(), URL: web.URL, Now: w.now}.command()
	c.Args = []string{"unshare", "-rm", c.Path}
	c.Path, _ = exec.LookPath("unshare")
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	posts := w.since(before)
	for _, p := range posts {
		if n, _ := w.presented(p.presented); n != 1 || p.status != 200 {
			t.Errorf("a token or code was presented %d times, answered %d; want once, 200", n, p.status)
		}
	}
	if len(posts) != 5 { // a code; refreshes with room twice, while it fills once, and the second code
		t.Errorf("%d POSTs, want 5", len(posts))
	}
}

// fillDisk does what the errand's disk can take, and what it cannot.
func fillDisk(ctx context.Context, e errand) error {
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", e.Dir).CombinedOutput(); err != nil {
		return fmt.Errorf("mount: %w: %s", err, out)
	}
	g, err := e.grants(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(g.Register.Cohort.AddParticipant(ctx, cohort.Participant{ID: "P001"}), consent(ctx, g, "P001")); err != nil {
		return err
	}
	all, err := g.Register.Connections(ctx)
	if err != nil {
		return err
	}
	d := disk{ctx, g, all[0].ID, filepath.Join(e.Dir, "filler")}
	const enoughForAnIntent = 300 << 10
	return errors.Join(d.full(0), d.full(enoughForAnIntent), d.roomy("first"), d.fillsUp(), d.full(0), d.roomy("last"), consent(ctx, g, "P001"))
}

// A disk is what the study of one connection is on.
type disk struct {
	ctx        context.Context
	g          *process
	connection string
	filler     string
}

// fill leaves so many bytes free.
func (d disk) fill(leave int64) error {
	f, err := os.Create(d.filler)
	if err != nil {
		return err
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	end, err := f.Seek(0, io.SeekCurrent)
	return errors.Join(err, f.Truncate(end-leave))
}

// renew gets another token than the one that is held, with nothing in between.
func (d disk) renew() error {
	h, err := d.g.read(d.ctx, d.connection)
	if err != nil {
		return err
	}
	_, err = d.g.Renew(d.ctx, d.connection, h.Access)
	return err
}

// full fills the disk but for some bytes, wants neither token nor code to be
// spent, and empties it again.
func (d disk) full(leave int64) error {
	if err := d.fill(leave); err != nil {
		return err
	}
	for name, spend := range map[string]func() error{"refresh": d.renew, "code": func() error { return consent(d.ctx, d.g, "P001") }} {
		err := spend()
		if full := (*state.DiskError)(nil); !errors.As(err, &full) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "kB are needed") {
			return fmt.Errorf("%s with %d bytes free: %v, want *DiskError with the bytes needed", name, leave, err)
		}
	}
	return os.Remove(d.filler)
}

func (d disk) roomy(when string) error {
	if err := d.renew(); err != nil {
		return fmt.Errorf("%s refresh with room: %w", when, err)
	}
	return nil
}

// fillsUp fills the disk while an answer is on its way.
func (d disk) fillsUp() error {
	d.g.Post = carrier(func(r *http.Request) (*http.Response, error) {
		response, err := tokenTransport().RoundTrip(r)
		return response, errors.Join(err, d.fill(0))
	})
	defer func() { d.g.Post = nil }()
	if err := d.renew(); err != nil {
		return fmt.Errorf("refresh while the disk fills up: %w", err)
	}
	return os.Remove(d.filler)
}

type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }
