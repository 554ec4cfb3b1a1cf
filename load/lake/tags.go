package lake

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

const tagDir = "tags"

// TagFormat is the version of the tags that this program writes, and the newest that it
// reads. Those of version 1 have no checksum at their end.
const TagFormat = 2

// A Tag is a name that people gave a snapshot, which stays as long as the name does.
type Tag struct {
	Format   int    `json:"format"`
	Name     string `json:"tag"`
	Snapshot string `json:"snapshot"` // its ID

	// ManifestSHA256 is that of the manifest's file, which has those of all other files.
	ManifestSHA256 string `json:"manifest_sha256"`

	Reason         string    `json:"reason"`
	CreatedAt      time.Time `json:"created_at"`
	Program        string    `json:"program"`         // version of dexetl that gave it
	MetricsVersion string    `json:"metrics_version"` // of the metrics of that program
}

// ID is that of the snapshot.
func (t Tag) ID() ID {
	id, _ := ParseID(t.Snapshot)
	return id
}

// Path is where the tag lies, from the lake's folder.
func (t Tag) Path() string { return tagPath(t.Name) }

// A TagNameError says that a text is no name for a tag.
type TagNameError struct{ Name string }

func (e *TagNameError) Error() string {
	return fmt.Sprintf("tag %q: up to 64 letters, digits, dots, dashes and underscores, a letter first; not latest or last", e.Name)
}

// A TagTakenError says that a tag of a name exists.
type TagTakenError struct{ Tag Tag }

func (e *TagTakenError) Error() string {
	return fmt.Sprintf("tag %s exists: it is snapshot %s since %s", e.Tag.Name, e.Tag.Snapshot, e.Tag.CreatedAt.Format(time.RFC3339))
}

// A NoTagError says that there is no tag of a name.
type NoTagError struct{ Name string }

func (e *NoTagError) Error() string { return fmt.Sprintf("there is no tag %s", e.Name) }

var tagName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,63}$`)

// IsTagName reports whether a tag may be called so. Upper and lower case are the same
// name: the lake may be copied to where they are the same file.
func IsTagName(name string) bool {
	return tagName.MatchString(name) && !strings.EqualFold(name, "latest") && !strings.EqualFold(name, "last")
}

func tagPath(name string) string { return path.Join(tagDir, name+".json") }

// Tags lists the tags by name. One that cannot be read is a *DamageError, one of a newer
// program a *VersionError: nobody knows what it keeps. With damage, of which the error joins
// all there is, come the others.
func (l *Lake) Tags() ([]Tag, error) {
	entries, err := l.readDir(tagDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	var tags []Tag
	var damage []error
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || !IsTagName(name) {
			continue
		}
		t, err := l.readTag(name)
		switch {
		case undamaged(err) != nil:
			return nil, err
		case err != nil:
			damage = append(damage, err)
		default:
			tags = append(tags, t)
		}
	}
	slices.SortFunc(tags, func(a, b Tag) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return tags, errors.Join(damage...)
}

// Tag returns the tag of a name; else the error is a *NoTagError. Of one that cannot be
// read, a *DamageError, it returns the name.
func (l *Lake) Tag(name string) (Tag, error) {
	entries, err := l.readDir(tagDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Tag{}, fmt.Errorf("tags: %w", err)
	}
	for _, e := range entries {
		called, ok := strings.CutSuffix(e.Name(), ".json")
		if ok && IsTagName(called) && strings.EqualFold(called, name) {
			return l.readTag(called)
		}
	}
	return Tag{}, &NoTagError{name}
}

func (l *Lake) readTag(name string) (t Tag, err error) {
	content, err := l.readFile(tagPath(name))
	if err != nil {
		return Tag{Name: name}, fmt.Errorf("tag %s: %w", name, err)
	}
	if err := json.Unmarshal(content, &t); err != nil {
		return Tag{Name: name}, &DamageError{tagPath(name), err}
	}
	if t.Format == TagFormat || IsSealed(content) {
		if err := sealUnbroken(content); err != nil {
			return Tag{Name: name}, &DamageError{tagPath(name), err}
		}
	}
	if t.Format > TagFormat && t.Name == name {
		return t, &VersionError{tagPath(name), "", t.Format, TagFormat, t.Program}
	}
	if _, ok := ParseID(t.Snapshot); !ok || t.Name != name {
		return Tag{Name: name}, &DamageError{tagPath(name), errors.New("it names no snapshot, or another tag")}
	}
	return t, nil
}

// Tagged returns the manifest that a tag is. If its file is another one than that which
// was tagged, the error is a *DamageError; if it cannot be read, one of a *TaggedLossError.
func (l *Lake) Tagged(t Tag) (Manifest, error) {
	sum, m, err := l.ManifestSHA256(t.ID())
	if harm, ok := errors.AsType[*DamageError](err); ok {
		return m, &DamageError{harm.Path, l.TaggedLoss(t, harm.Err)}
	}
	if err == nil && sum != t.ManifestSHA256 {
		err = &DamageError{t.ID().path(), fmt.Errorf("its SHA-256 is %s; %s was tagged as %s", sum, t.ManifestSHA256, t.Name)}
	}
	return m, err
}

// TagNamed is the name of the tag at a path from the lake's folder.
func TagNamed(file string) (name string, ok bool) {
	name, ok = strings.CutSuffix(path.Base(file), ".json")
	return name, ok && IsTagName(name) && path.Dir(file) == tagDir
}

// A TaggedLossError says that the manifest of tags cannot be read: nothing else says what
// it had.
type TaggedLossError struct {
	Tags []Tag // all that are on it
	Err  error
}

// TaggedLoss is the error of the manifest of t, with all tags that are on it.
func (l *Lake) TaggedLoss(t Tag, err error) *TaggedLossError {
	tags, _ := l.Tags() // what is wrong with others is told of them
	tags = slices.DeleteFunc(tags, func(o Tag) bool { return o.ID() != t.ID() || o.ManifestSHA256 != t.ManifestSHA256 })
	if len(tags) == 0 { // it was dropped meanwhile
		tags = []Tag{t}
	}
	return &TaggedLossError{tags, err}
}

func (e *TaggedLossError) Error() string {
	why := e.Err.Error()
	if errors.Is(e.Err, fs.ErrNotExist) {
		why = "it is gone"
	}
	var names []string
	for _, t := range e.Tags {
		names = append(names, t.Name)
	}
	return fmt.Sprintf("%s, and nothing else says which files snapshot %s, tagged %s, had; its SHA-256 was %s",
		why, e.Tags[0].Snapshot, strings.Join(names, " and "), e.Tags[0].ManifestSHA256)
}

func (e *TaggedLossError) Unwrap() error { return e.Err }

// PutTag makes a tag, durably. Its name must be free, unless it replaces: the same tag
// is then another manifest's. The load lock must be held.
func (l *Lake) PutTag(t Tag, replace bool) error {
	if l.held == nil {
		return ErrNotLocked
	}
	if !IsTagName(t.Name) {
		return &TagNameError{t.Name}
	}
	old, err := l.Tag(t.Name)
	var none *NoTagError
	if err == nil && !replace {
		return &TagTakenError{old}
	}
	if err != nil && !errors.As(err, &none) {
		return err
	}
	t.Format = TagFormat
	content, err := Sealed(t)
	if err != nil {
		return err
	}
	if err := l.place("tag", tagPath(t.Name), content); err != nil {
		return fmt.Errorf("tag %s: %w", t.Name, err)
	}
	return l.at("tag.kept")
}

// DropTag removes a tag, durably, also one that cannot be read; not one of a newer program.
// The load lock must be held.
func (l *Lake) DropTag(name string) error {
	if l.held == nil {
		return ErrNotLocked
	}
	t, err := l.Tag(name)
	if undamaged(err) != nil {
		return err
	}
	if err := l.clear(tagPath(t.Name)); err != nil {
		return fmt.Errorf("tag %s: %w", t.Name, err)
	}
	return l.at("tag.dropped")
}
