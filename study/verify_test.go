package study

import (
	"os"
	"path/filepath"
	"testing"
)

// A lake whose manifests are gone, folder and all, is damaged; one that nothing was loaded
// into is not.
func TestVerifyWithoutManifests(t *testing.T) {
	for trace, damaged := range map[string]bool{"raw/2026": false, "data/.staging": false, "data/egvs": true, "snapshots/000001": true, "latest": true} {
		s := open(t, nil)
		if err := os.MkdirAll(filepath.Join(s.LakePath(), trace), 0o700); err != nil {
			t.Fatal(err)
		}
		var done Verified
		if err := s.verifyLake(t.Context(), Verify{}, &done); err != nil || done.Has(ManifestDamage) != damaged {
			t.Errorf("with %s alone: %v, %v; want damage %v", trace, done.Damages, err, damaged)
		}
		if _, _, err := s.Newest(); IsDamage(err) != damaged || is[*EmptyLakeError](err) == damaged {
			t.Errorf("newest with %s alone: %v", trace, err)
		}
	}
}
