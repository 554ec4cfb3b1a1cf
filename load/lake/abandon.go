package lake

import (
	"errors"
	"io/fs"
)

// abandon brings back what a collection that did not come to its end took out of sight:
// somebody may have opened it since, or want to tag it. What is erased stays away.
func (l *Lake) abandon() error {
	gone, err := l.Gone()
	if err != nil {
		return undamaged(err)
	}
	var left []ID
	for _, id := range removingOf(gone) {
		if gone.erased(id) {
			left = append(left, id)
			continue
		}
		there, err := l.unhide(id)
		if err != nil {
			return err
		}
		if there {
			gone.takeBack(id)
		} else {
			left = append(left, id)
		}
	}
	if len(left) == len(gone.Removing) {
		return nil
	}
	if err := l.syncDir(manifestDir); err != nil {
		return err
	}
	gone.Removing = names(left)
	return l.putGone(gone)
}

// unhide brings a manifest back into sight, and reports whether it is there.
func (l *Lake) unhide(id ID) (there bool, err error) {
	if l.has(id) {
		return true, nil
	}
	err = l.dir.Rename(id.hidden(), id.path())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// sweepRemoval ends a removal that did not come to its end. Damage keeps it as it is, and
// everything else going: the next removal tells of it.
func (l *Lake) sweepRemoval() error {
	gone, err := l.Gone()
	if err != nil || len(gone.Removing) == 0 {
		return undamaged(err)
	}
	if awaited, err := l.awaitsManifest(); awaited || err != nil {
		return err
	}
	named, err := l.namedFiles(removingOf(gone))
	if err == nil {
		_, err = l.endRemoval(gone, named, nil)
	}
	return undamaged(err)
}
