package state

import (
	"cmp"
	"fmt"
	"os"
	"os/user"
)

// Account is the account and the machine that this process runs on, which nobody can
// choose: name@host.
func Account() string {
	account := fmt.Sprintf("uid%d", os.Getuid())
	if u, err := user.Current(); err == nil { // a container may have no name for it
		account = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return account + "@" + cmp.Or(host, "unknown")
}
