package study

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// What is kept comes back, unless another version of the program kept it. What a
// process left that died while it wrote goes away.
func TestIndexCache(t *testing.T) {
	c := IndexCache{t.TempDir(), "1.2"}
	loaded := func(c IndexCache, want []byte) {
		t.Helper()
		if got, err := c.Load(); err != nil || !slices.Equal(got, want) {
			t.Errorf("Load of %s = %q, %v, want %q", c.Version, got, err, want)
		}
	}
	loaded(c, nil)
	for _, content := range []string{"one\n\x00two", "", "1.2\n"} {
		check(t, c.Store([]byte(content)))
		loaded(c, []byte(content))
		loaded(IndexCache{c.Dir, "1.20"}, nil)
		loaded(IndexCache{c.Dir, "1"}, nil)
	}
	old, young := filepath.Join(c.Dir, indexUnwritten+"1"), filepath.Join(c.Dir, indexUnwritten+"2")
	check(t, os.WriteFile(old, nil, 0o600))
	check(t, os.WriteFile(young, nil, 0o600))
	check(t, os.Chtimes(old, time.Time{}, time.Now().Add(-2*time.Hour)))
	check(t, c.Store([]byte("three")))
	entries, err := os.ReadDir(c.Dir)
	check(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		if info, err := e.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v, %v; want nobody else's", e.Name(), info.Mode(), err)
		}
	}
	if want := []string{filepath.Base(young), indexFile}; !slices.Equal(names, want) {
		t.Errorf("files %v, want %v", names, want)
	}
	os.RemoveAll(c.Dir)
	if err := c.Store([]byte("four")); err == nil {
		t.Error("Store into a folder that is gone: no error")
	}
}

// Whoever plans uses the index that is kept beside the log.
func TestFetcherHasTheIndex(t *testing.T) {
	s := open(t, nil)
	if got, want := s.fetcher(nil).Cache, (IndexCache{filepath.Join(s.Dir, "lake", "raw"), "test"}); got != want {
		t.Errorf("cache %v, want %v", got, want)
	}
}
