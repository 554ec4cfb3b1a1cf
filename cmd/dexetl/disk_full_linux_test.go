//go:build faults

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// onSmallDisk syncs a study on a disk of $ROOM kB beyond what it takes, says how that
// ended, makes room, and brings the study back. A name space of its own has the disk.
const onSmallDisk = `
mount -t tmpfs -o size=$(($(du -sk "$BASE" | cut -f1) + ROOM))k tmpfs "$DISK"
cp -a "$BASE" "$DISK/study"
dexetl --study "$DISK/study" sync 2>"$OUT/stderr" && code=0 || code=$?
echo $code >"$OUT/code"
cp -a "$DISK/study" "$OUT/then"
mount -o remount,size=1g "$DISK"
dexetl --study "$DISK/study" sync >&2
cp -a "$DISK/study" "$OUT/study"
`

// A real disk that is too small stops a run wherever it happens to be full. The run
// says how much room is left, what it had stays, and with room it goes on.
func TestDiskTooSmall(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("unshare", "-rm", "true").CombinedOutput(); err != nil {
		t.Skipf("unshare -rm, for a disk of our own: %v %s", err, out)
	}
	empty, older := diskStudies(t)
	for name, s := range map[string]*diskStudy{"first": empty, "second": older} {
		t.Run(name, func(t *testing.T) {
			full := 0
			room := 8 // kB
			for n := range *diskSizes {
				code := s.onSmallDisk(t, room)
				if code == exitDisk {
					full++
				}
				if code == exitDone {
					break // there is enough
				}
				room += 96 + 32*n
			}
			t.Logf("a disk full at %d sizes, the last of %d kB", full, room)
			if full < 3 {
				t.Errorf("the disk was full %d times", full)
			}
		})
	}
}

// free matches what a run on a full disk says of the room.
var free = regexp.MustCompile(`\b(\d+) kB are free`)

// onSmallDisk syncs on a disk of so much room, looks, and lets the run go on with more. It
// returns the exit code of the former.
func (s *diskStudy) onSmallDisk(t *testing.T, room int) int {
	t.Helper()
	out, mount := t.TempDir(), t.TempDir()
	c := exec.Command("unshare", "-rm", "sh", "-ec", onSmallDisk)
	c.Env = append(os.Environ(), fmt.Sprintf("ROOM=%d", room), "BASE="+s.base, "DISK="+mount, "OUT="+out,
		lagVariable+"="+time.Since(s.now).String())
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%d kB of room: %v\n%s", room, err, text)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	code, err := strconv.Atoi(read("code"))
	stderr := read("stderr")
	if err != nil || code != exitDone && (code != exitDisk || !free.MatchString(stderr)) {
		t.Errorf("%d kB of room: exit %d, want %d and how much is free\n%s", room, code, exitDisk, stderr)
	}
	dir := filepath.Join(mount, "study") // where it was: the databases have its path
	for _, then := range []string{"then", "study"} {
		if err := errors.Join(os.RemoveAll(dir), os.Rename(filepath.Join(out, then), dir)); err != nil {
			t.Fatal(err)
		}
		reader := lakeReader{lake: filepath.Join(dir, "lake")}
		reader.must(t)
	}
	if got := says(t, dir); got != s.want {
		t.Errorf("%d kB of room, and then more: the lake says\n%swant\n%s", room, got, s.want)
	}
	tidyLake(t, filepath.Join(dir, "lake"))
	return code
}
