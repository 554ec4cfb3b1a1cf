package disk

import (
	"maps"

	"golang.org/x/sys/unix"
)

// A kind says how to read the arguments of a system call.
type kind struct {
	op   string
	name place // of what is changed
	from place // of a rename or link: the old name
	size int   // argument that says how many bytes; 0: none
	at   int   // argument that says where in the file; 0: none
}

// A place is how a call names a file: by argument fd alone, or by the path in argument
// path, from the folder that is open as fd.
type place struct{ fd, path int }

const none = -1

func byFd(op string) kind { return kind{op: op, name: place{0, none}, from: place{none, none}} }
func byPath(op string, path int) kind {
	return kind{op: op, name: place{none, path}, from: place{none, none}}
}
func inFolder(op string) kind { return kind{op: op, name: place{0, 1}, from: place{none, none}} }

// kinds are the calls that change the file system, by their number.
func kinds() map[int32]kind {
	write := kind{op: "write", name: place{0, none}, from: place{none, none}, size: 2}
	pwrite := write
	pwrite.at = 3
	all := map[int32]kind{
		unix.SYS_WRITE:           write,
		unix.SYS_PWRITE64:        pwrite,
		unix.SYS_WRITEV:          byFd("write"),
		unix.SYS_PWRITEV:         byFd("write"),
		unix.SYS_PWRITEV2:        byFd("write"),
		unix.SYS_COPY_FILE_RANGE: {op: "write", name: place{2, none}, from: place{none, none}},
		unix.SYS_FALLOCATE:       byFd("grow"),
		unix.SYS_FTRUNCATE:       byFd("truncate"),
		unix.SYS_TRUNCATE:        byPath("truncate", 0),
		unix.SYS_FSYNC:           byFd("fsync"),
		unix.SYS_FDATASYNC:       byFd("fsync"),
		unix.SYS_SYNC_FILE_RANGE: byFd("fsync"),
		unix.SYS_FCHMOD:          byFd("chmod"),
		unix.SYS_FCHMODAT:        inFolder("chmod"),
		unix.SYS_OPENAT:          inFolder("create"),
		unix.SYS_MKDIRAT:         inFolder("mkdir"),
		unix.SYS_UNLINKAT:        inFolder("remove"),
		unix.SYS_SYMLINKAT:       {op: "symlink", name: place{1, 2}, from: place{none, none}},
		unix.SYS_LINKAT:          {op: "link", name: place{2, 3}, from: place{0, 1}},
		unix.SYS_RENAMEAT2:       {op: "rename", name: place{2, 3}, from: place{0, 1}},
	}
	maps.Copy(all, olderKinds())
	return all
}
