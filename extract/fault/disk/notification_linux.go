package disk

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A notification is struct seccomp_notif: a thread made a call, and waits.
type notification struct {
	id      uint64
	thread  uint32
	flags   uint32
	number  int32
	machine uint32
	address uint64
	args    [6]uint64
}

// A response is struct seccomp_notif_resp.
type response struct {
	id    uint64
	value int64
	err   int32 // negative
	flags uint32
}

// next waits for a call; nil: the process has ended.
func next(stopped int) (*notification, error) {
	for {
		ready := []unix.PollFd{{Fd: int32(stopped), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil {
			return nil, err
		}
		if ready[0].Revents&unix.POLLIN == 0 {
			return nil, nil
		}
		n := new(notification)
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(stopped), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(n)))
		switch errno {
		case 0:
			return n, nil
		case unix.ENOENT, unix.EINTR: // the thread died, or was interrupted and comes again
		default:
			return nil, fmt.Errorf("receive a call: %w", errno)
		}
	}
}

// respond lets the thread go on, unless it has died.
func respond(stopped int, r response) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(stopped), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&r)))
	if errno != 0 && errno != unix.ENOENT {
		return fmt.Errorf("answer a call: %w", errno)
	}
	return nil
}

// path is the name of what a call is about; empty if there is none.
func (n *notification) path(p place) string {
	name := ""
	if p.path != none {
		name = n.text(n.args[p.path])
	}
	if filepath.IsAbs(name) || p == (place{none, none}) {
		return name
	}
	folder := fmt.Sprintf("/proc/%d/cwd", n.thread)
	if p.fd != none && int32(n.args[p.fd]) != unix.AT_FDCWD {
		folder = fmt.Sprintf("/proc/%d/fd/%d", n.thread, int32(n.args[p.fd]))
	}
	folder, err := os.Readlink(folder)
	if err != nil {
		return ""
	}
	return filepath.Join(strings.TrimSuffix(folder, " (deleted)"), name)
}

// text reads a text of the process's.
func (n *notification) text(address uint64) string {
	b := n.memory(address, unix.PathMax)
	if end := bytes.IndexByte(b, 0); end >= 0 {
		return string(b[:end])
	}
	return ""
}

// memory reads what the process has at an address, at most size bytes.
func (n *notification) memory(address, size uint64) []byte {
	f, err := os.Open(fmt.Sprintf("/proc/%d/mem", n.thread))
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, size)
	read, _ := f.ReadAt(b, int64(address)) // what is behind may not be the process's
	return b[:read]
}

// writeHalf does the first half of a write, and returns how many bytes it wrote.
func (n *notification) writeHalf(pid int, k kind) int {
	if k.size == 0 {
		return 0
	}
	b := n.memory(n.args[1], n.args[k.size]/2)
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil || len(b) == 0 {
		return 0
	}
	defer unix.Close(process)
	file, err := unix.PidfdGetfd(process, int(n.args[k.name.fd]), 0) // the offset is the process's, too
	if err != nil {
		return 0
	}
	defer unix.Close(file)
	written := 0
	if k.at > 0 {
		written, err = unix.Pwrite(file, b, int64(n.args[k.at]))
	} else {
		written, err = unix.Write(file, b)
	}
	if err != nil {
		return 0
	}
	return written
}
