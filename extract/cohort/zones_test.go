package cohort

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

// The zones of a roster are those that the program carries with it.
func TestZonesAreEmbedded(t *testing.T) {
	zones := Zones()
	if !slices.IsSorted(zones) || len(zones) < 500 {
		t.Fatalf("%d zones, sorted: %v", len(zones), slices.IsSorted(zones))
	}
	for _, name := range zones {
		if _, err := time.LoadLocation(name); err != nil {
			t.Errorf("LoadLocation(%q): %v", name, err)
		}
	}
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("no toolchain here to compare with: %v", err)
	}
	embedded, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skipf("the toolchain's zones are not here to compare with: %v", err)
	}
	defer embedded.Close()
	for _, f := range embedded.File {
		if !strings.HasSuffix(f.Name, "/") && !slices.Contains(zones, f.Name) {
			t.Errorf("zone %s of the toolchain is not in zones.txt", f.Name)
		}
	}
}

// A name that only this machine, or only some machines, know is refused.
func TestCheckZone(t *testing.T) {
	for name, want := range map[string]string{
		"Europe/Berlin":       "",
		"UTC":                 "",
		"Asia/Kathmandu":      "",
		"posix/Asia/Tokyo":    "did you mean Asia/Tokyo?",
		"right/UTC":           "did you mean UTC?",
		"Local":               "not an IANA time zone",
		"europe/berlin":       "did you mean Europe/Berlin?",
		"America/New York":    "did you mean America/New_York?",
		"localtime":           "not an IANA time zone",
		"posixrules":          "not an IANA time zone",
		"../zoneinfo/Etc/UTC": "not an IANA time zone",
		"+02:00":              "not an IANA time zone",
	} {
		got := checkZone(name)
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("checkZone(%q) = %q, want %q", name, got, want)
		}
	}
}

// An offset is no place: clocks there never change, or as that place has it.
func TestIsOffset(t *testing.T) {
	for zone, want := range map[string]bool{
		"EST": true, "UTC": true, "Etc/GMT+5": true, "GMT": true,
		"": false, "EST5EDT": false, "America/Phoenix": false, "Europe/Berlin": false, "Pacific/Honolulu": false,
	} {
		if IsOffset(zone) != want {
			t.Errorf("IsOffset(%q) = %v, want %v", zone, !want, want)
		}
	}
}
