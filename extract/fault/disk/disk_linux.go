package disk

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Call is a call that changes the file system, before it is done.
type Call struct {
	N    int    // the how many-th of the process, from 1
	Op   string // write, grow, truncate, fsync, chmod, create, mkdir, remove, symlink, link or rename
	Path string // of what is changed; of a rename or link the new name
	From string // its old name
}

// String is what a test says of a call.
func (c Call) String() string { return fmt.Sprintf("call %d, %s %s", c.N, c.Op, c.Path) }

// An Answer says what becomes of a call. The zero Answer lets it be done.
type Answer struct {
	Err  syscall.Errno // it fails with this, and nothing is done
	Half bool          // of what it writes, the first half is written; or else it fails with ENOSPC
	Kill bool          // the process is killed
}

// A Disk stands under one process.
type Disk struct {
	// Folder is where the process works. Calls for other names are none of the test's.
	Folder string

	// Answer is asked about one call after the other. It must not wait for the process.
	Answer func(Call) Answer

	calls   int
	kinds   map[int32]kind
	command *exec.Cmd
	served  chan error
}

// Run is Start and Wait.
func (d *Disk) Run(c *exec.Cmd) error {
	if err := d.Start(c); err != nil {
		return err
	}
	return d.Wait()
}

// Start starts c, which must call [Enter].
func (d *Disk) Start(c *exec.Cmd) error {
	ours, theirs, err := pair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	c.ExtraFiles = append(c.ExtraFiles, theirs)
	c.Env = append(c.Environ(), fmt.Sprintf("%s=%d", variable, 2+len(c.ExtraFiles)))
	if err := c.Start(); err != nil {
		return errors.Join(err, ours.Close())
	}
	d.command, d.kinds, d.served = c, kinds(), make(chan error, 1)
	go func() {
		err := errors.Join(d.serve(ours), ours.Close())
		if err != nil {
			c.Process.Kill()
		}
		d.served <- err
	}()
	return nil
}

// Wait waits for the end of the process. Its error is that of [exec.Cmd.Wait], or why the
// process did not get as far as Enter: errors.ErrUnsupported where the kernel stops no
// calls.
func (d *Disk) Wait() error {
	ended := d.command.Wait()
	if err := <-d.served; err != nil {
		return fmt.Errorf("disk: %w", errors.Join(err, ended))
	}
	return ended
}

// pair makes the two ends between the test and the process.
func pair() (ours *net.UnixConn, theirs *os.File, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	own := os.NewFile(uintptr(ends[0]), "disk")
	defer own.Close()
	theirs = os.NewFile(uintptr(ends[1]), "disk")
	conn, err := net.FileConn(own)
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return conn.(*net.UnixConn), theirs, nil
}

// serve answers calls until the process has ended.
func (d *Disk) serve(from *net.UnixConn) error {
	stopped, err := receive(from)
	if err != nil {
		return err
	}
	defer unix.Close(stopped)
	for {
		n, err := next(stopped)
		if n == nil || err != nil {
			return err
		}
		answer := d.answer(n)
		if answer.kill {
			return d.kill()
		}
		if err := respond(stopped, answer.response); err != nil {
			return err
		}
	}
}

// kill kills the process. It may have been by somebody else.
func (d *Disk) kill() error {
	if err := d.command.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// receive returns the file by which the kernel tells of calls.
func receive(from *net.UnixConn) (int, error) {
	text, rights := make([]byte, 1<<10), make([]byte, unix.CmsgSpace(4))
	told, n, _, _, err := from.ReadMsgUnix(text, rights)
	if err != nil {
		return 0, fmt.Errorf("the process did not call Enter: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		return 0, fmt.Errorf("%w: %s", errors.ErrUnsupported, text[:told])
	}
	files, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, err
	}
	return files[0], nil
}

// A decision is the answer to a call as the kernel takes it.
type decision struct {
	response
	kill bool
}

// answer asks the test about a call, if it is one of its.
func (d *Disk) answer(n *notification) decision {
	goOn := decision{response: response{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}}
	kind := d.kinds[n.number]
	c := Call{Op: kind.op, Path: n.path(kind.name), From: n.path(kind.from)}
	if !d.mine(c.Path) {
		return goOn
	}
	d.calls++
	c.N = d.calls
	a := d.Answer(c)
	failed := func(with syscall.Errno) decision { return decision{response: response{id: n.id, err: -int32(with)}} }
	switch {
	case a.Kill:
		return decision{kill: true}
	case a.Err != 0:
		return failed(a.Err)
	case a.Half:
		if written := n.writeHalf(d.command.Process.Pid, kind); written > 0 {
			return decision{response: response{id: n.id, value: int64(written)}}
		}
		return failed(syscall.ENOSPC)
	}
	return goOn
}

func (d *Disk) mine(path string) bool {
	return path == d.Folder || strings.HasPrefix(path, d.Folder+string(filepath.Separator))
}
