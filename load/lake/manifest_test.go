package lake

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dexetl/dexetl/extract/raw"
)

func example() Manifest {
	return Manifest{
		Format: Format, Snapshot: 7, Parent: 6, CreatedAt: march, Run: "01JQ", Program: "v1", LogPosition: raw.Position{Segment: 3, Offset: 99},
		Borders: map[string]time.Time{"glucose": march, "egvs": march.AddDate(0, 0, 1)},
		Tables:  map[string]int{"glucose": 2},
		Held:    []HeldAnswer{{"01JR", raw.Position{Segment: 1}, `no "records"`}},
		Files: []File{
			{Table: "egvs", Partition: "2026-03", Day: "2026-03-09", Path: "data/egvs/b", Rows: 1, FirstTime: march, LastTime: march},
			{Table: "runs", Path: "data/runs/a", Bytes: 1},
		},
	}
}

func encoded(t testing.TB, m Manifest) []byte {
	t.Helper()
	content, err := encodeManifest(m)
	if err != nil {
		t.Fatalf("encodeManifest: %v", err)
	}
	return content
}

func TestManifestRoundTrip(t *testing.T) {
	want := example()
	got, err := decodeManifest(encoded(t, want))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("decodeManifest: %v (-want +got):\n%s", err, diff)
	}
}

// The same manifest is the same bytes, whatever the order in which files came.
func TestManifestIsStable(t *testing.T) {
	a, b := example(), example()
	b.Files[0], b.Files[1] = b.Files[1], b.Files[0]
	if x, y := encoded(t, a), encoded(t, b); !bytes.Equal(x, y) {
		t.Errorf("encodeManifest depends on the order of files:\n%s\n%s", x, y)
	}
}

// Every changed byte and every cut is damage, not another manifest.
func TestManifestDamage(t *testing.T) {
	l := open(t)
	sound := encoded(t, example())
	if err := l.dir.WriteFile(manifestPath(7), sound, 0o444); err != nil {
		t.Fatal(err)
	}
	check := func(what string, at int, content []byte) {
		t.Helper()
		overwrite(t, l, manifestPath(7), content)
		_, err := l.Current()
		var damage *DamageError
		if !errors.As(err, &damage) || damage.Path != "manifests/000000000007.json" {
			t.Fatalf("Current with byte %d %s = %v, want a DamageError that names the manifest", at, what, err)
		}
	}
	for i := range sound {
		flipped := bytes.Clone(sound)
		flipped[i] ^= 1 << (i % 8)
		check("flipped", i, flipped)
		check("and all after it cut", i, sound[:i])
	}
	check("appended", len(sound), append(bytes.Clone(sound), '\n'))
	overwrite(t, l, manifestPath(7), sound)
	if _, err := l.Current(); err != nil {
		t.Errorf("Current of a sound manifest: %v", err)
	}
}

func TestManifestOfAnotherSnapshot(t *testing.T) {
	l := open(t)
	if err := l.dir.WriteFile(manifestPath(8), encoded(t, example()), 0o444); err != nil {
		t.Fatal(err)
	}
	var damage *DamageError
	if _, err := l.Current(); !errors.As(err, &damage) {
		t.Errorf("Current of snapshot 7 under the name of 8 = %v, want a DamageError", err)
	}
}

func TestManifestMissing(t *testing.T) {
	_, err := open(t).Manifest(3)
	var damage *DamageError
	if !errors.As(err, &damage) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Manifest(3) of an empty lake = %v, want a DamageError that is fs.ErrNotExist", err)
	}
}

// A newer program's lake is refused, not mistaken for a damaged one, even if
// nothing but its format is where we look for it.
func TestManifestOfNewerProgram(t *testing.T) {
	l := open(t)
	newer := example()
	newer.Format = Format + 1
	content := bytes.Replace(encoded(t, newer), []byte(`"log_position": "3:99"`), []byte(`"log_position": [3, 99]`), 1)
	content = content[:bytes.LastIndex(content, []byte(checksumBefore))]
	if err := l.dir.WriteFile(manifestPath(7), sealed(content), 0o444); err != nil {
		t.Fatal(err)
	}
	_, err := l.Current()
	want := &VersionError{Path: "manifests/000000000007.json", Found: Format + 1, Knows: Format, Program: "v1"}
	var got *VersionError
	if !errors.As(err, &got) || *got != *want {
		t.Errorf("Current = %v, want %v", err, want)
	}
}

// Names that are not those of manifests are none of them.
func TestManifestsIgnoresOthers(t *testing.T) {
	l := open(t)
	for _, name := range []string{"7.json", "000000000007.json~", ".000000000007.json", "-00000000007.json", "000000000000.json"} {
		if err := l.dir.WriteFile(manifestDir+"/"+name, nil, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := l.Manifests(); err != nil || len(all) != 0 {
		t.Errorf("Manifests() = %v, %v; want none", all, err)
	}
}

func FuzzDecodeManifest(f *testing.F) {
	f.Add(encoded(f, example()))
	f.Add(encoded(f, Manifest{}))
	f.Add(sealed([]byte(`{"format": 2`)))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := decodeManifest(content)
		if err != nil || m.Format > Format {
			m, err = decodeManifest(sealed(content)) // let it see past the checksum
		}
		if err != nil || m.Format > Format {
			return
		}
		again, err := decodeManifest(encoded(t, m))
		if diff := cmp.Diff(m, again, cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b File) bool { return compareFiles(a, b) < 0 })); err != nil || diff != "" {
			t.Errorf("decodeManifest(%q) read and written: %v (-want +got):\n%s", content, err, diff)
		}
	})
}
