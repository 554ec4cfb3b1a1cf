package study

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/retain"
)

// A written are files of a lake that others take the place of, as they were once, by their
// paths from the lake's folder.
type written map[string][]byte

func (s *Study) asWritten(t *testing.T) written {
	t.Helper()
	was := make(written)
	found, err := filepath.Glob(filepath.Join(s.LakePath(), "tags/*.json"))
	check(t, err)
	for _, file := range append(found, filepath.Join(s.LakePath(), lake.GoneFile)) {
		content, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		check(t, err)
		below, err := filepath.Rel(s.LakePath(), file)
		check(t, err)
		was[filepath.ToSlash(below)] = content
	}
	return was
}

// putBack makes files what they were.
func (s *Study) putBack(t *testing.T, was written, files ...string) {
	t.Helper()
	for _, file := range files {
		content, ok := was[file]
		if !ok {
			t.Fatalf("there was no %s", file)
		}
		name := filepath.Join(s.LakePath(), file)
		check(t, os.RemoveAll(name))
		check(t, os.WriteFile(name, content, 0o600))
	}
}

// erasedTwice is a study with two tags, of whom one person was erased after the first tag and
// the other one after the second, and the files as they were before each of these.
func erasedTwice(t *testing.T) (s *Study, before, between written) {
	t.Helper()
	clock := now
	s, log, l := erasable(t, func() time.Time { return clock })
	check(t, errors.Join(l.publish(t.Context()), l.close(), log.Close()))
	erase := func(participant string) {
		_, err := s.Erase(t.Context(), cohort.Withdrawal{ParticipantID: participant, EffectiveAt: clock, Reason: "asked to"}, 0)
		check(t, err)
		clock = clock.Add(time.Hour)
	}
	_, err := s.Tag(t.Context(), "first", "", "a paper", 0)
	check(t, err)
	before = s.asWritten(t)
	erase("P001")
	_, err = s.Tag(t.Context(), "second", "", "another", 0)
	check(t, err)
	check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P003"}))
	log, l = s.startLoading(t)
	check(t, errors.Join(l.load(t.Context()), l.publish(t.Context()), l.close(), log.Close()))
	between = s.asWritten(t)
	erase("P002")
	clock = clock.Add(48 * time.Hour)
	if found := s.lookedAt(t, false); len(found) > 0 {
		t.Fatalf("a sound study: %v", found)
	}
	return s, before, between
}

// Tags, and the list of what is gone, that are as they were before an erasure are named; they
// keep everything from being collected, and a repair puts them right: what a paper cites stays.
func TestFilesOfBeforeErasure(t *testing.T) {
	oneAfterTheOther(t)
	s, before, between := erasedTwice(t)
	good := s.asWritten(t)
	const first, second, lost, other = "tags/first.json", "tags/second.json", "manifests/000000000004.json", "manifests/000000000005.json"
	for name, c := range map[string]struct {
		older written
		files []string
		named []string
	}{
		"of before both": {before, []string{first}, []string{first}},
		"one of two":     {between, []string{second}, []string{second}},
		"all":            {between, []string{first, second, lake.GoneFile}, []string{lost, other, first, second}},
	} {
		t.Run(name, func(t *testing.T) {
			for file := range good {
				s.putBack(t, good, file)
			}
			check(t, os.RemoveAll(filepath.Join(s.LakePath(), "damaged")))
			s.putBack(t, c.older, c.files...)
			if found := s.lookedAt(t, false); !slices.Equal(found, c.named) {
				t.Errorf("verify names %v, want %v", found, c.named)
			}
			manifests := s.manifests(t)
			if done, err := s.Collect(t.Context(), retain.Policy{Last: 1}, 0); !is[*lake.DamageError](err) {
				t.Errorf("a collection: %+v, %v", done, err)
			}
			done, err := s.Repair(t.Context(), Repair{ExitCode: func(error) int { return 0 }})
			if err != nil || len(done.Left) > 0 || len(done.Mended) != len(c.named) {
				t.Errorf("repair: %+v, %v", done, err)
			}
			if found := s.lookedAt(t, false); len(found) > 0 {
				t.Errorf("after the repair verify names %v", found)
			}
			if _, err := s.Collect(t.Context(), retain.Policy{Last: 1}, 0); err != nil {
				t.Errorf("a collection after the repair: %v", err)
			}
			if now := s.manifests(t); !slices.Equal(now, manifests) {
				t.Errorf("manifests %v, want %v", now, manifests)
			}
			now := s.asWritten(t)
			for _, file := range []string{first, second} {
				if string(now[file]) != string(good[file]) {
					t.Errorf("%s is\n%s, want\n%s", file, now[file], good[file])
				}
			}
		})
	}
}

// The folder of a snapshot that an erasure took away has rows of who was erased: where it is back,
// verify names it, and a repair removes it.
func TestFolderOfErased(t *testing.T) {
	oneAfterTheOther(t)
	s, log, l := erasable(t, func() time.Time { return now })
	check(t, errors.Join(l.publish(t.Context()), l.close(), log.Close()))
	folder := filepath.Join(s.LakePath(), "snapshots/000001")
	saved := filepath.Join(t.TempDir(), "saved")
	check(t, os.CopyFS(saved, os.DirFS(folder)))
	_, err := s.Tag(t.Context(), "first", "", "a paper", 0)
	check(t, err)
	_, err = s.Erase(t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: now, Reason: "asked to"}, 0)
	check(t, errors.Join(err, os.CopyFS(folder, os.DirFS(saved))))
	if found := s.lookedAt(t, false); !slices.Equal(found, []string{"snapshots/000001"}) {
		t.Errorf("verify names %v", found)
	}
	done, err := s.Repair(t.Context(), Repair{ExitCode: func(error) int { return 0 }})
	if err != nil || len(done.Left) > 0 || len(done.Mended) != 1 {
		t.Errorf("repair: %+v, %v", done, err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is there still, %v", err)
	}
	s.checkAbsent(t, "P001")
}

// manifests are the names of those that the lake has.
func (s *Study) manifests(t *testing.T) (names []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(s.LakePath(), "manifests/*.json"))
	check(t, err)
	for _, file := range found {
		names = append(names, strings.TrimLeft(strings.TrimSuffix(path.Base(filepath.ToSlash(file)), ".json"), "0"))
	}
	return names
}

// An erasure takes people out of what a tag is on, also where its file is older than the one
// before.
func TestEraseBesideOlderTag(t *testing.T) {
	oneAfterTheOther(t)
	clock := now
	s, log, l := erasable(t, func() time.Time { return clock })
	check(t, errors.Join(l.publish(t.Context()), l.close(), log.Close()))
	_, err := s.Tag(t.Context(), "first", "", "a paper", 0)
	check(t, err)
	before := s.asWritten(t)
	for _, id := range []string{"P001", "P002"} {
		_, err := s.Erase(t.Context(), cohort.Withdrawal{ParticipantID: id, EffectiveAt: clock, Reason: "asked to"}, 0)
		check(t, err)
		clock = clock.Add(time.Hour)
		if id == "P001" {
			s.putBack(t, before, "tags/first.json")
		}
	}
	s.checkAbsent(t, "P001")
	s.checkAbsent(t, "P002")
	if found, all := s.lookedAt(t, false), s.manifests(t); len(found) > 0 || !slices.Contains(all, "1e2") {
		t.Errorf("verify names %v, manifests are %v", found, all)
	}
}
