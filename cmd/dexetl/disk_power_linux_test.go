//go:build faults

package main

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/fault/disk"
)

// When a manifest gets its name, all that it leads to would outlast a power cut: the
// answers it was made of, its data files, itself, and the names of all of them. When the
// run has ended, so would its own name.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	empty, older := diskStudies(t)
	for name, s := range map[string]*diskStudy{"first": empty, "second": older} {
		t.Run(name, func(t *testing.T) {
			dir, commits := s.copy(t), 0
			at := unsynced{content: make(map[string]bool), names: make(map[string]bool)}
			r := s.sync(dir, func(c disk.Call) disk.Answer {
				c.Path, c.From = inLake(dir, c.Path), inLake(dir, c.From)
				if c.Op == "link" && path.Dir(c.Path) == "manifests" {
					commits++
					if lost := at.within("data/", "raw/"); len(lost) > 0 || at.content[c.From] {
						t.Errorf("manifest %s gets its name, and a power cut would take %v", c.Path, lost)
					}
				}
				at.note(c)
				return disk.Answer{}
			})
			if r.code != exitDone || commits == 0 {
				t.Fatalf("%d commits, %v", commits, r)
			}
			if lost := at.within("data/", "raw/", "manifests/"); len(lost) > 0 {
				t.Errorf("the run has ended, and a power cut would take %v", lost)
			}
		})
	}
}

// inLake is a path from the folder of the lake; empty for others.
func inLake(dir, file string) string {
	name, _ := strings.CutPrefix(filepath.ToSlash(file), filepath.ToSlash(dir)+"/lake/")
	if name == file {
		return ""
	}
	return name
}

// unsynced is what a power cut would take: files by name whose content, and names of
// files whose folder, was changed since it was last made durable.
type unsynced struct{ content, names map[string]bool }

func (u unsynced) note(c disk.Call) {
	switch c.Op {
	case "write", "grow", "truncate":
		u.content[c.Path] = true
	case "create", "mkdir", "symlink":
		u.names[c.Path] = true
	case "link", "rename":
		u.names[c.Path] = true
		if u.content[c.From] {
			u.content[c.Path] = true
		}
		if c.Op == "rename" {
			u.forget(c.From)
		}
	case "remove":
		u.forget(c.Path)
	case "fsync":
		delete(u.content, c.Path)
		for name := range u.names {
			if path.Dir(name) == c.Path {
				delete(u.names, name)
			}
		}
	}
}

// forget forgets a name, and what is below it.
func (u unsynced) forget(name string) {
	for _, of := range []map[string]bool{u.content, u.names} {
		for other := range of {
			if other == name || strings.HasPrefix(other, name+"/") {
				delete(of, other)
			}
		}
	}
}

// within lists what a power cut would take of what begins so, but for staged files and
// locks, of which nothing is expected.
func (u unsynced) within(beginnings ...string) (lost []string) {
	for _, of := range []map[string]bool{u.content, u.names} {
		for name := range of {
			begins := slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(name, b) })
			if begins && !strings.HasPrefix(name, "data/.staging") && path.Base(name) != "lock" {
				lost = append(lost, name)
			}
		}
	}
	slices.Sort(lost)
	return lost
}
