package disk

import "golang.org/x/sys/unix"

// opens are the calls that change something only by their flags, which are in an argument.
func opens() map[int32]int { return map[int32]int{unix.SYS_OPENAT: 2} }

// olderKinds are calls that not all machines have.
func olderKinds() map[int32]kind {
	return map[int32]kind{unix.SYS_RENAMEAT: {op: "rename", name: place{2, 3}, from: place{0, 1}}}
}

const machine = unix.AUDIT_ARCH_AARCH64
