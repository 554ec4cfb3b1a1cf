package disk

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// variable says to a process by which file it reaches the test that has its disk.
const variable = "DEXETL_TEST_DISK"

// Enter gives the disk of this process into the hands of the one that started it, if that
// is a [Disk]. It comes before anything that changes the file system.
func Enter() {
	text := os.Getenv(variable)
	if text == "" {
		return
	}
	os.Unsetenv(variable)
	n, err := strconv.Atoi(text)
	if err == nil {
		err = enter(os.NewFile(uintptr(n), "disk"))
	}
	if err != nil {
		panic(fmt.Sprintf("%s=%s: %v", variable, text, err))
	}
}

func enter(to *os.File) error {
	defer to.Close()
	conn, err := net.FileConn(to)
	if err != nil {
		return err
	}
	defer conn.Close()
	stopped, err := stop()
	if err != nil {
		_, told := conn.Write([]byte(err.Error()))
		return errors.Join(err, told)
	}
	defer unix.Close(stopped)
	_, _, err = conn.(*net.UnixConn).WriteMsgUnix([]byte{1}, unix.UnixRights(stopped), nil)
	return err
}

// stop has the kernel stop the calls of all threads, and returns where they are told.
func stop() (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	filter := filter()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC |
		unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV // else a signal makes a call twice
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return 0, fmt.Errorf("seccomp: %w", errno)
	}
	return int(fd), nil
}

// Where seccomp(2) has what it tells a filter.
const (
	offsetNumber  = 0
	offsetMachine = 4
	offsetArgs    = 16
)

// filter is the program that lets the kernel stop the calls of [kinds].
func filter() []unix.SockFilter {
	load := func(offset int) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: uint32(offset)}
	}
	unless := func(test uint16, k uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, Jf: skip, K: k}
	}
	end := func(how uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: how} }

	program := []unix.SockFilter{load(offsetMachine), unless(unix.BPF_JEQ, machine, 1), load(offsetNumber)}
	// A call of another machine's set stays the number of that machine, which is none of these.
	flagged := opens()
	for _, number := range slices.Sorted(maps.Keys(kinds())) {
		flags, byFlags := flagged[number]
		if !byFlags {
			program = append(program, unless(unix.BPF_JEQ, uint32(number), 1), end(unix.SECCOMP_RET_USER_NOTIF))
			continue
		}
		program = append(program, unless(unix.BPF_JEQ, uint32(number), 4),
			load(offsetArgs+8*flags), unless(unix.BPF_JSET, unix.O_CREAT|unix.O_TRUNC, 1),
			end(unix.SECCOMP_RET_USER_NOTIF), end(unix.SECCOMP_RET_ALLOW))
	}
	return append(program, end(unix.SECCOMP_RET_ALLOW))
}
