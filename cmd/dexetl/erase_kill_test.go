//go:build faults

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/transform"
)

// erasePoints are those that an erasure passes, in their order.
var erasePoints = []string{
	"erase.withdrawn", "erase.begun", "raw.erasing", "raw.erasure_noted", "raw.erased", "erase.log", "audit.erased", "erase.rows_deleted", "erase.rows_noted",
	"erase.state", "load.file_written", "load.manifest_linked", "load.committed", "erase.rows_left", "snapshot.linked", "snapshot.described", "erase.lake",
	"erase.reissued", "tag.written", "tag.kept", "gone.accounted", "gone.hidden", "gone.manifests_removed", "gone.folder_removed", "gone.file_removed", "gone.removed",
	"erase.history", "erase.vacuumed", "erase.traces", "erase.receipt_written", "erase.ended", "erase.receipt",
}

// Wherever an erasure dies, the next command that loads goes on with it, or it does when
// it is repeated; and in the end nothing is left.
func TestEraseIsKilled(t *testing.T) {
	t.Parallel()
	b := erasable(t, 3)
	latest := b.othersRows("latest", transform.Tables())
	s := b.save()
	for i, point := range erasePoints {
		t.Run(point, func(t *testing.T) {
			s.back(t)
			b.t = t
			b.die(point, "withdraw", "P002", "--erase", "--reason", "asked to", "--yes")
			b.saysThatItHasBegun(point)
			again := []string{"withdraw", "P002", "--erase", "--reason", "asked to", "--yes"}
			if i > 1 && i%2 == 0 {
				again = []string{"replay"}
			}
			if i > 0 && i%4 == 0 {
				again = []string{"repair"}
			}
			if code, _, stderr := b.run(again...); code != exitDone {
				t.Fatalf("%v: exit %d\n%s", again, code, stderr)
			}
			b.absent()
			if got := b.othersRows("latest", transform.Tables()); len(got) != len(latest) {
				t.Errorf("%d rows of others, want %d\n%s", len(got), len(latest), firstDifference(got, latest))
			}
		})
	}
}

// apart reports whether, at a point, the log may lack what the lake still has: only then
// does the log folded anew, which takes most of the time, say more than in any study.
func apart(point string) bool {
	at := slices.Index(erasePoints, point)
	return slices.Index(erasePoints, "raw.erasing") <= at && at <= slices.Index(erasePoints, "erase.lake")
}

// saysThatItHasBegun looks at a study in which an erasure died: nothing is damaged, and as
// long as the erasure is on record and not done, whoever looks is told of it.
func (b *bench) saysThatItHasBegun(point string) {
	b.t.Helper()
	goesOn := point != "erase.withdrawn" && point != "erase.ended" && point != "erase.receipt"
	look := []string{"verify", "--json"}
	if apart(point) {
		look = append(look, "--deep")
	}
	code, stdout, stderr := b.run(look...)
	var v struct {
		Sound   bool
		Erasing []string
	}
	if err := json.Unmarshal([]byte(stdout), &v); err != nil || code != exitDone || !v.Sound {
		b.t.Errorf("%v after a kill at %s: exit %d, %v\n%s%s", look, point, code, err, stdout, stderr)
	}
	if begun := strings.Contains(stderr, "P002: the erasure has begun and is not finished"); begun != goesOn || slices.Contains(v.Erasing, "P002") != goesOn {
		b.t.Errorf("verify after a kill at %s says that the erasure goes on: %v, and in JSON %v; want %v\n%s", point, begun, v.Erasing, goesOn, stderr)
	}
	if point != "erase.log" {
		return
	}
	if code, _, stderr := b.run("replay", "--dry-run"); code != exitDone || !strings.Contains(stderr, "P002: the erasure has begun") {
		b.t.Errorf("replay --dry-run after a kill at %s: exit %d\n%s", point, code, stderr)
	}
}
