package snapshot

import (
	"fmt"

	"github.com/dexetl/dexetl/load/lake"
)

// Drop removes the folder of a snapshot: all in it follows from the manifest, and Publish
// makes that of the newest again. The load lock must be held.
func Drop(l *lake.Lake, n int64) error {
	if err := l.Root().RemoveAll(folderOf(n)); err != nil {
		return fmt.Errorf("folder of snapshot %d: %w", n, err)
	}
	return nil
}
