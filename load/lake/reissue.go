package lake

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
)

// Reissue gives the commit, which was begun on top of m, the place of m: a manifest of
// the same number and parent, of the next issue, that names the file it replaces. Of
// what m says beside its files, held takes the place of Held. That it exists already is
// no error: an interrupted one is gone on with. One that was issued of m for another
// reason has other files, and keeps its issue.
func (c *Commit) Reissue(ctx context.Context, held []HeldAnswer) (m Manifest, err error) {
	if c.lake.held == nil {
		return m, ErrNotLocked
	}
	if err := ctx.Err(); err != nil {
		return m, err
	}
	sum, m, err := c.lake.ManifestSHA256(c.parent.ID())
	if err != nil {
		return m, err
	}
	m.ReplacedBefore = m.Replaced()
	m.Reissue, m.Replaces, m.Held, m.Files = m.Reissue+1, sum, held, c.Files()
	for c.lake.has(m.ID()) {
		if there, err := c.lake.ManifestOf(m.ID()); err == nil && there.saysAs(m) {
			return there, nil
		}
		m.Reissue++
	}
	if err := c.syncFolders(); err != nil {
		return m, fmt.Errorf("snapshot %s: %w", m.ID(), err)
	}
	if err := c.publish(m); err != nil {
		return m, fmt.Errorf("snapshot %s: %w", m.ID(), err)
	}
	return m, nil
}

// Replaced are the SHA-256 of the files of all manifests that it stands for, oldest first: a
// paper may name any of them.
func (m Manifest) Replaced() []string {
	if m.Replaces == "" {
		return nil
	}
	return append(slices.Clone(m.ReplacedBefore), m.Replaces)
}

// saysAs reports whether a manifest that is there is the one that is about to be.
func (m Manifest) saysAs(other Manifest) bool {
	samePath := func(a, b File) bool { return a.Path == b.Path }
	return m.Replaces == other.Replaces && slices.Equal(m.Held, other.Held) && slices.EqualFunc(m.Files, other.Files, samePath)
}

// SyncData makes durable that data files went: a power cut brings none of them back.
func (l *Lake) SyncData() error {
	return fs.WalkDir(l.dir.FS(), dataDir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		return l.syncDir(name)
	})
}
