//go:build faults

package fault

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// Enabled says whether points kill in this build.
const Enabled = true

// Point marks that the process has come to a state in which it may die, and
// kills it if the environment says so. It panics if that cannot be read.
func Point(name string) {
	if a := armed(); a.point == name && a.left.Add(-1) == 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // not a step further, however late the signal
	}
}

// An arming is the point at which to die, and how often it is still passed.
type arming struct {
	point string // "": nowhere
	left  atomic.Int64
}

// armed reads the environment once: the counter belongs to the process.
var armed = sync.OnceValue(func() *arming {
	a := new(arming)
	point, hit, counted := strings.Cut(os.Getenv("DEXETL_FAULT"), ":")
	n, err := strconv.ParseInt(hit, 10, 64)
	if !counted {
		n, err = 1, nil
	}
	if err != nil || n < 1 {
		panic(fmt.Sprintf("DEXETL_FAULT=%s:%s: after the colon stands how often the point is passed", point, hit))
	}
	a.point = point
	a.left.Store(n)
	return a
})
