package lake

import (
	"errors"
	"fmt"
	"slices"
)

// An OlderTagError says that the file of a tag is an older version of itself: the tag is on
// another manifest since.
type OlderTagError struct {
	Tag Tag   // as the file has it
	Now ID    // the manifest that the tag is on; zero: it was issued in the place of an erased one, and is gone
	Err error // why that cannot be read, if it cannot
}

func (e *OlderTagError) Error() string {
	switch {
	case e.Now.Number == 0:
		return fmt.Sprintf("it names snapshot %s, which was erased, and what was issued in its place is gone", e.Tag.Snapshot)
	case e.Err != nil:
		return fmt.Sprintf("%v, and the tag %s, whose file is an older one, is on it", e.Err, e.Tag.Name)
	}
	return fmt.Sprintf("it is an older one: it names snapshot %s, and the tag is on %s since", e.Tag.Snapshot, e.Now)
}

func (e *OlderTagError) Unwrap() error { return e.Err }

// Known reports whether it is known what the tag is on, so that it can be put there again.
func (e *OlderTagError) Known() bool { return e.Now.Number > 0 && e.Err == nil }

// reissued is the newest manifest that stands for the one that a tag names, with the SHA-256 of
// its file; "": there is none. An erasure put the tag on it, so one that cannot be read is a
// *DamageError of a *OlderTagError: the tag may be on it.
func (l *Lake) reissued(t Tag) (id ID, sum string, err error) {
	ids, err := l.IDs()
	for _, one := range slices.Backward(ids) {
		if one.Number != t.ID().Number || one.Issue <= t.ID().Issue {
			continue
		}
		its, m, err := l.ManifestSHA256(one)
		if harm, ok := errors.AsType[*DamageError](err); ok {
			return one, "", &DamageError{harm.Path, &OlderTagError{t, one, harm.Err}}
		}
		if err != nil {
			return one, "", err
		}
		if slices.Contains(m.Replaced(), t.ManifestSHA256) {
			return one, its, nil
		}
	}
	return id, "", err
}

// older is an error if the file of a tag is an older version of itself, by the manifests: the
// one that it names is gone, and another one stands in its place, or did.
func (l *Lake) older(t Tag) error {
	if l.has(t.ID()) {
		return nil
	}
	now, sum, err := l.reissued(t)
	if err != nil {
		return err
	}
	if sum == "" {
		now = ID{}
		gone, err := l.Gone()
		if err != nil || !gone.erased(t.ID()) || l.hasAnyOf(t.ID().Number) {
			return undamaged(err)
		}
	}
	return &DamageError{t.Path(), &OlderTagError{Tag: t, Now: now}}
}

// hasAnyOf reports whether the lake has any issue of a number.
func (l *Lake) hasAnyOf(n int64) bool {
	ids, _ := l.IDs()
	return slices.ContainsFunc(ids, func(id ID) bool { return id.Number == n })
}

// KeepsNothing reports whether the snapshot of a tag is accounted for as gone, with nothing in
// its place: the tag was dropped before that, and came back.
func (l *Lake) KeepsNothing(t Tag, gone Gone) bool {
	_, removed := gone.Of(t.ID().Number)
	return removed && t.ID().Issue == 0 && !gone.erased(t.ID()) && !l.hasAnyOf(t.ID().Number)
}

// RenewTag puts a tag whose file is an older version of itself on the manifest that stands for
// the one that it names, and reports whether there was anything to do. The load lock must be
// held.
func (l *Lake) RenewTag(t Tag) (Tag, bool, error) {
	if l.has(t.ID()) {
		return t, false, nil
	}
	id, sum, err := l.reissued(t)
	if err != nil || sum == "" {
		return t, false, err
	}
	t.Snapshot, t.ManifestSHA256 = id.String(), sum
	return t, true, l.PutTag(t, true)
}
