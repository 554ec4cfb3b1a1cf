package disk

import "golang.org/x/sys/unix"

// opens are the calls that change something only by their flags, which are in an argument.
func opens() map[int32]int { return map[int32]int{unix.SYS_OPENAT: 2, unix.SYS_OPEN: 1} }

// olderKinds are calls that newer machines do not have.
func olderKinds() map[int32]kind {
	return map[int32]kind{
		unix.SYS_OPEN:     byPath("create", 0),
		unix.SYS_CREAT:    byPath("create", 0),
		unix.SYS_MKDIR:    byPath("mkdir", 0),
		unix.SYS_RMDIR:    byPath("remove", 0),
		unix.SYS_UNLINK:   byPath("remove", 0),
		unix.SYS_CHMOD:    byPath("chmod", 0),
		unix.SYS_SYMLINK:  byPath("symlink", 1),
		unix.SYS_LINK:     {op: "link", name: place{none, 1}, from: place{none, 0}},
		unix.SYS_RENAME:   {op: "rename", name: place{none, 1}, from: place{none, 0}},
		unix.SYS_RENAMEAT: {op: "rename", name: place{2, 3}, from: place{0, 1}},
	}
}

const machine = unix.AUDIT_ARCH_X86_64
