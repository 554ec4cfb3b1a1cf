package lake

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/dexetl/dexetl/extract/raw"
)

// Format is the version of the manifests that this program writes, and the
// newest that it reads. It rises when an older program would misread the lake.
const Format = 3

// A Manifest describes one snapshot: what the lake holds and how far in the
// raw log it got. Times are UTC. The zero Manifest is the empty lake.
type Manifest struct {
	Format       int          `json:"format"`
	Snapshot     int64        `json:"snapshot"`                // from 1; see Gone for those that are not there any more
	Parent       int64        `json:"parent"`                  // the snapshot it was made from; 0: the empty lake
	ParentSHA256 string       `json:"parent_sha256,omitempty"` // of the parent's file; empty: it has none, or an older program wrote this one
	Reissue      int          `json:"reissue,omitempty"`       // the issue of the number, from 1, if it stands for one that was erased
	Replaces     string       `json:"replaces,omitempty"`      // SHA-256 of the file of the manifest that it stands for
	CreatedAt    time.Time    `json:"created_at"`
	Run          string       `json:"run"`          // id of the run that committed it
	Program      string       `json:"program"`      // version of dexetl that committed it
	LogPosition  raw.Position `json:"log_position"` // every answer before it is applied or held

	// ReplacedBefore is what the manifest that this one replaces stood for itself, as Replaces,
	// oldest first.
	ReplacedBefore []string `json:"replaced_before,omitempty"`

	// Borders holds, per table, the instant before which a partition's files
	// hold disjoint ranges of participants and from which on they hold one UTC
	// day each.
	Borders map[string]time.Time `json:"borders,omitempty"`

	// Tables holds, per table, the oldest version of transform.Table by whose
	// rules any of its rows was made. A table that is not named has 1.
	Tables map[string]int `json:"tables,omitempty"`

	Held  []HeldAnswer `json:"held,omitempty"` // in log order
	Files []File       `json:"files"`          // by table, partition, path
}

// A HeldAnswer is an answer in the log that could not be applied.
type HeldAnswer struct {
	RequestID string       `json:"request_id"`
	Position  raw.Position `json:"position"`
	Reason    string       `json:"reason"`
}

// A File is one data file of a snapshot. Two files are the same if their
// paths are: the path is made of the content.
type File struct {
	Table     string `json:"table"`
	Partition string `json:"partition,omitempty"` // month such as 2026-03; empty for tables without months
	Day       string `json:"day,omitempty"`       // UTC date of a file that holds one day; else empty
	Path      string `json:"path"`                // relative to the lake's folder, with slashes
	SHA256    string `json:"sha256"`              // of the file
	Bytes     int64  `json:"bytes"`
	Rows      int64  `json:"rows"`

	// First and last are the smallest and largest values in the file; zero for
	// a table without participants or without months.
	FirstParticipant string    `json:"first_participant,omitempty"`
	LastParticipant  string    `json:"last_participant,omitempty"`
	FirstTime        time.Time `json:"first_time,omitzero"`
	LastTime         time.Time `json:"last_time,omitzero"`

	RowsHash    string `json:"rows_hash,omitempty"`    // of all columns, see SameRows; empty: written before there was one
	LogicalHash string `json:"logical_hash,omitempty"` // of a table of the study's state, see LogicalHash

	// Damaged says why a commit found the file damaged and went around it: its
	// rows are not those of the snapshot, whatever becomes of the file.
	Damaged string `json:"damaged,omitempty"`
}

// TableFiles returns the files of one table in the order of the manifest.
func (m Manifest) TableFiles(table string) []File {
	var files []File
	for _, f := range m.Files {
		if f.Table == table {
			files = append(files, f)
		}
	}
	return files
}

// Rows returns how many rows a table has, vanished ones included.
func (m Manifest) Rows(table string) int64 {
	var n int64
	for _, f := range m.TableFiles(table) {
		n += f.Rows
	}
	return n
}

// Current returns the newest manifest, the zero one for an empty lake. A
// manifest that cannot be read is a *DamageError, one of a newer format a
// *VersionError; an older manifest never stands
// in for it, nor for one that is gone and whose snapshot latest still shows.
func (l *Lake) Current() (Manifest, error) {
	all, err := l.Manifests()
	if err != nil {
		return Manifest{}, err
	}
	var newest int64
	if len(all) > 0 {
		newest = all[len(all)-1]
	}
	if shown := l.Latest(); shown > newest && !l.IsAside(shown) {
		return Manifest{}, &DamageError{manifestPath(shown), fs.ErrNotExist}
	}
	if newest == 0 {
		return Manifest{}, nil
	}
	return l.Manifest(newest)
}

// Latest is the snapshot that latest leads to, 0 for none: it had a manifest before.
func (l *Lake) Latest() int64 {
	to, _ := l.dir.Readlink("latest")
	n, _ := strconv.ParseInt(path.Base(to), 10, 64)
	return n
}

// Manifests lists the snapshots that have a manifest, oldest first: those that were
// committed, without what was issued again in their place.
func (l *Lake) Manifests() ([]int64, error) {
	ids, err := l.IDs()
	var all []int64
	for _, id := range ids {
		if id.Issue == 0 {
			all = append(all, id.Number)
		}
	}
	return all, err
}

// IDs lists all manifests, oldest first.
func (l *Lake) IDs() ([]ID, error) {
	entries, err := l.readDir(manifestDir)
	if err != nil {
		return nil, fmt.Errorf("manifests: %w", err)
	}
	var all []ID
	for _, e := range entries {
		if id, ok := idOf(e.Name()); ok {
			all = append(all, id)
		}
	}
	slices.SortFunc(all, ID.Compare)
	return all, nil
}

// HasManifest reports whether snapshot n was committed, without reading its manifest.
func (l *Lake) HasManifest(n int64) bool { return l.has(ID{Number: n}) }

// has is HasManifest for any issue of a number.
func (l *Lake) has(id ID) bool {
	_, err := l.dir.Lstat(id.path())
	return err == nil
}

// ManifestsChanged returns when a manifest came or went last.
func (l *Lake) ManifestsChanged() (time.Time, error) {
	info, err := l.dir.Stat(manifestDir)
	if err != nil {
		return time.Time{}, fmt.Errorf("manifests: %w", err)
	}
	return info.ModTime(), nil
}

// Manifest returns the manifest of snapshot n. Errors are as for Current; a
// snapshot that does not exist is a *DamageError that is fs.ErrNotExist.
func (l *Lake) Manifest(n int64) (Manifest, error) { return l.ManifestOf(ID{Number: n}) }

// ManifestOf is Manifest for any issue of a number.
func (l *Lake) ManifestOf(id ID) (Manifest, error) {
	m, _, err := l.manifestFile(id)
	return m, err
}

// ManifestSHA256 returns the SHA-256 of a manifest's file, with the manifest.
func (l *Lake) ManifestSHA256(id ID) (sum string, m Manifest, err error) {
	m, content, err := l.manifestFile(id)
	if err != nil {
		return "", m, err
	}
	return fmt.Sprintf("%x", sha256.Sum256(content)), m, nil
}

func (l *Lake) manifestFile(id ID) (m Manifest, content []byte, err error) {
	name := id.path()
	content, err = l.readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil, &DamageError{name, fs.ErrNotExist}
	}
	if err != nil {
		return m, nil, fmt.Errorf("manifest %s: %w", id, err)
	}
	m, err = decodeManifest(content)
	switch {
	case err != nil:
		return Manifest{}, nil, &DamageError{name, err}
	case m.Format > Format:
		return Manifest{}, nil, &VersionError{name, "", m.Format, Format, m.Program}
	case m.ID() != id:
		return Manifest{}, nil, &DamageError{name, fmt.Errorf("holds snapshot %s", m.ID())}
	}
	return m, content, nil
}

// ManifestPath is where the manifest of snapshot n lies, from the lake's folder.
func ManifestPath(n int64) string { return manifestPath(n) }

// The last member of a manifest's object is the SHA-256 of everything before
// the comma that precedes it, so `head -n -2 | head -c -2 | sha256sum` checks a
// manifest too. Every format keeps this, so that a newer format and damage can
// be told apart.
const (
	checksumBefore = ",\n \"checksum\": \""
	checksumAfter  = "\"\n}\n"
)

func encodeManifest(m Manifest) ([]byte, error) {
	m.Files = slices.SortedFunc(slices.Values(m.Files), compareFiles)
	body, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, err
	}
	return sealed(bytes.TrimSuffix(body, []byte("\n}"))), nil
}

// sealed ends an object with its checksum.
func sealed(body []byte) []byte {
	return fmt.Appendf(body, "%s%x%s", checksumBefore, sha256.Sum256(body), checksumAfter)
}

// Sealed is v, an object, as JSON that ends with a checksum of itself, as manifests do.
func Sealed(v any) ([]byte, error) {
	body, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return nil, err
	}
	return sealed(bytes.TrimSuffix(body, []byte("\n}"))), nil
}

// IsSealed reports whether an object has a checksum, right or wrong.
func IsSealed(content []byte) bool { return bytes.Contains(content, []byte(checksumBefore)) }

// Unbroken is an error unless an object is as Sealed made it.
func Unbroken(content []byte) error { return sealUnbroken(content) }

// sealUnbroken is an error unless an object is as sealed made it.
func sealUnbroken(content []byte) error {
	i := bytes.LastIndex(content, []byte(checksumBefore))
	if i < 0 {
		return errors.New("no checksum at its end")
	}
	if !bytes.Equal(content, sealed(bytes.Clone(content[:i]))) {
		return errors.New("checksum does not match")
	}
	return nil
}

func decodeManifest(content []byte) (Manifest, error) {
	if err := sealUnbroken(content); err != nil {
		return Manifest{}, err
	}
	var m Manifest
	err := jsonv2.Unmarshal(content, &m)
	if err == nil && m.Format <= Format {
		return m, nil
	}
	var version struct { // of a newer format the rest may look different
		Format   int    `json:"format"`
		Program  string `json:"program"`
		Snapshot int64  `json:"snapshot"`
	}
	if jsonv2.Unmarshal(content, &version) == nil && version.Format > Format {
		return Manifest{Format: version.Format, Program: version.Program, Snapshot: version.Snapshot}, nil
	}
	return Manifest{}, err
}

func compareFiles(a, b File) int {
	return cmp.Or(
		cmp.Compare(a.Table, b.Table), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Path, b.Path),
	)
}
