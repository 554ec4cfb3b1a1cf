package study

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
)

// A taggedAct is what a line of the audit trail says of a tag that was made.
type taggedAct struct {
	Tag            string    `json:"tag"`
	Snapshot       string    `json:"snapshot"`
	ManifestSHA256 string    `json:"manifest_sha256"`
	CreatedAt      time.Time `json:"created_at"`
	Program        string    `json:"program"`
	MetricsVersion string    `json:"metrics_version"`
	reason         string
}

// tag is the tag that was made.
func (a taggedAct) tag() lake.Tag {
	return lake.Tag{
		Name: a.Tag, Snapshot: a.Snapshot, ManifestSHA256: a.ManifestSHA256, Reason: a.reason,
		CreatedAt: a.CreatedAt, Program: a.Program, MetricsVersion: a.MetricsVersion,
	}
}

// replaced reports whether the tag took the place of an older one of its name.
func (a taggedAct) replaced(t lake.Tag) bool { return t.CreatedAt.Before(a.CreatedAt) }

// tagsMade are the tags that the audit trail knows as made and not dropped, by name in small
// letters.
func tagsMade(trail []state.AuditLine) map[string]taggedAct {
	made := make(map[string]taggedAct)
	for _, line := range trail {
		if line.Subject != tagSubject || line.Altered {
			continue
		}
		var before, after taggedAct
		if json.Unmarshal([]byte(line.Before), &before) == nil {
			delete(made, strings.ToLower(before.Tag))
		}
		if json.Unmarshal([]byte(line.After), &after) == nil && lake.IsTagName(after.Tag) {
			after.reason = line.Reason
			made[strings.ToLower(after.Tag)] = after
		}
	}
	return made
}

// tagsLost are the tags that the audit trail knows and that are not among those of the lake,
// by name. One that was given before the trail says so is another one, which came back.
func tagsLost(trail []state.AuditLine, tags []lake.Tag) (lost []taggedAct) {
	made := tagsMade(trail)
	for _, t := range tags {
		if name := strings.ToLower(t.Name); !made[name].replaced(t) {
			delete(made, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(made)) {
		lost = append(lost, made[name])
	}
	return lost
}

// verifyTags finds tags that the audit trail knows and the lake does not have.
func (s *Study) verifyTags(ctx context.Context, trail []state.AuditLine, done *Verified) error {
	if len(tagsMade(trail)) == 0 || !s.hasLake() {
		return nil
	}
	l, err := lake.OpenToRead(s.LakePath())
	if err != nil {
		return undamaged(err)
	}
	defer l.Close()
	tags, err := l.Tags()
	if undamaged(err) != nil {
		return err
	}
	for _, was := range tagsLost(trail, tags) {
		older, err := l.Tag(was.Tag)
		path := lake.Tag{Name: was.Tag}.Path()
		if IsDamage(err) || slices.ContainsFunc(done.Damages, func(d Damage) bool { return d.Path == path }) {
			continue // found already
		}
		harm := fs.ErrNotExist
		if id, sum, err := standsFor(l, was); err != nil {
			return err
		} else if sum == "" {
			erase, err := s.bringsBack(ctx, trail, l, was)
			if err != nil {
				return err
			}
			harm = &LostTagError{was.Tag, was.Snapshot, erase}
		} else if older.Snapshot != "" {
			harm = &lake.OlderTagError{Tag: older, Now: id}
		}
		done.Damages = append(done.Damages, Damage{Kind: ManifestDamage, Path: path, Err: harm})
	}
	return nil
}

// bringsBack is who has to be erased again, so that the snapshot of a lost tag is issued again
// as it was: an older issue of it is there, and state.db does not know the erasure that the
// trail does; "": nobody.
func (s *Study) bringsBack(ctx context.Context, trail []state.AuditLine, l *lake.Lake, was taggedAct) (participant string, err error) {
	on, _ := lake.ParseID(was.Snapshot)
	issues, err := l.IDs()
	if err != nil || !slices.ContainsFunc(issues, func(id lake.ID) bool { return id.Number == on.Number && id.Issue < on.Issue }) {
		return "", err
	}
	erasures, err := s.Cohort.Erasures(ctx)
	if err != nil {
		return "", err
	}
	known := make(map[string]bool, len(erasures))
	for _, e := range erasures {
		known[e.ParticipantID] = true
	}
	for _, line := range trail {
		if line.Subject == state.ErasureSubject && !line.Altered && !known[line.ParticipantID] {
			return line.ParticipantID, nil
		}
	}
	return "", nil
}

// A LostTagError says that a tag is gone together with its snapshot, so that nothing here can
// make it again: the lake came from a backup that is older, say.
type LostTagError struct {
	Tag, Snapshot string
	Erase         string // the participant whose erasure, made once more, brings the snapshot back; "": none does
}

func (e *LostTagError) Error() string {
	return fmt.Sprintf("it is gone, and this lake does not have the snapshot %s that it named", e.Snapshot)
}

// droppable is a tag of a name: of one that is gone with its snapshot what the audit trail says.
func (s *Study) droppable(ctx context.Context, l *lake.Lake, name string) (t lake.Tag, err error) {
	t, err = l.Tag(name)
	if !is[*lake.NoTagError](err) {
		return t, undamaged(err)
	}
	trail, unread := s.Store.Trail(ctx)
	if unread != nil {
		return t, unread
	}
	was, known := tagsMade(trail)[strings.ToLower(name)]
	if !known {
		return t, err
	}
	return was.tag(), nil
}

// retag makes a tag again as the audit trail has it, on the snapshot that it was on or on
// what was issued in its place. It reports whether it could.
func (r *repair) retag(trail []state.AuditLine, file string) (bool, error) {
	name, _ := lake.TagNamed(file)
	was, known := tagsMade(trail)[strings.ToLower(name)]
	if !known || was.CreatedAt.IsZero() { // an older program told less
		return false, nil
	}
	id, sum, err := standsFor(r.lake, was)
	if err != nil || sum == "" {
		return false, err
	}
	if err := r.lake.DropTag(path.Base(strings.TrimSuffix(file, ".json"))); err != nil && !is[*lake.NoTagError](err) {
		return false, err
	}
	t := was.tag()
	t.Snapshot, t.ManifestSHA256 = id.String(), sum
	return true, r.lake.PutTag(t, false)
}

// standsFor is the manifest that a tag was put on, or the one that replaced it since, with
// the SHA-256 of its file; "": there is none.
func standsFor(l *lake.Lake, was taggedAct) (id lake.ID, sum string, err error) {
	on, _ := lake.ParseID(was.Snapshot)
	all, err := l.IDs()
	for _, one := range all {
		if one.Number != on.Number {
			continue
		}
		its, m, err := l.ManifestSHA256(one)
		if err != nil {
			if IsDamage(err) {
				continue
			}
			return id, "", err
		}
		if its == was.ManifestSHA256 || slices.Contains(m.Replaced(), was.ManifestSHA256) || sum != "" && m.Replaces == sum {
			id, sum = one, its
		}
	}
	return id, sum, err
}
