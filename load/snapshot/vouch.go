package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/load/lake"
)

const (
	sumsName     = "SHA256SUMS"
	citationName = "CITATION.txt"
)

// Vouch makes the folder of any snapshot, if it is not there or lacks something, and
// writes into it what it is cited by, and the SHA-256 of each data file, for `sha256sum
// -c`. Latest stays what it is. The load lock must be held.
func Vouch(ctx context.Context, l *lake.Lake, m lake.Manifest, with Compute, citations []string) error {
	p := publisher{lake: l, root: l.Root(), manifest: m, folder: folderOf(m.Snapshot), damage: make(damage), with: with}
	if latest, err := p.root.OpenRoot(latestName); err == nil {
		p.latest = latest
		defer latest.Close()
	}
	for _, step := range []func(context.Context) error{p.link, p.compute, p.describe, p.sumUp} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("folder of snapshot %d: %w", m.Snapshot, err)
		}
	}
	err := p.within(p.folder, func(to *os.Root) error {
		if err := p.put(to, sumsName, listed(m)); err != nil {
			return err
		}
		fault.Point("snapshot.summed")
		return p.put(to, citationName, []byte(strings.Join(citations, "\n")+"\n"))
	})
	if err != nil {
		return fmt.Errorf("folder of snapshot %d: %w", m.Snapshot, err)
	}
	fault.Point("snapshot.cited")
	return nil
}

// Cite writes anew by what a snapshot is cited, if it has a folder; by nothing: the files
// go. The load lock must be held.
func Cite(l *lake.Lake, m lake.Manifest, citations []string) error {
	p := publisher{lake: l, root: l.Root(), manifest: m, folder: folderOf(m.Snapshot)}
	there, err := p.has(p.folder)
	if err != nil || !there {
		return err
	}
	return p.within(p.folder, func(to *os.Root) error {
		if len(citations) > 0 {
			return p.put(to, citationName, []byte(strings.Join(citations, "\n")+"\n"))
		}
		for _, name := range []string{citationName, sumsName} {
			if err := to.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}

// CheckCited finds what a tag brought into the folder of snapshot m and is not there any
// more: the sums, and each of the citations. A line more is what a tag left that was dropped
// and not yet taken out. Who reads a lake without its study may not know how a line begins,
// with the study's id. Without citations, or a folder, there is nothing to check.
func CheckCited(l *lake.Lake, m lake.Manifest, citations []string) (found []*lake.DamageError, err error) {
	root, err := l.Root().OpenRoot(folderOf(m.Snapshot))
	if errors.Is(err, fs.ErrNotExist) || len(citations) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("folder of snapshot %d: %w", m.Snapshot, err)
	}
	defer root.Close()
	harm := func(name string, err error) {
		found = append(found, &lake.DamageError{Path: path.Join(folderOf(m.Snapshot), name), Err: err})
	}
	if _, err := root.Lstat(sumsName); err != nil {
		harm(sumsName, unjoined(err))
	}
	content, err := root.ReadFile(citationName)
	if err != nil {
		harm(citationName, unjoined(err))
		return found, nil
	}
	has := strings.Split(string(content), "\n")
	for _, line := range citations {
		if !slices.ContainsFunc(has, func(held string) bool { return held == line || strings.HasSuffix(held, ", "+line) }) {
			harm(citationName, fmt.Errorf("it does not have the line %q", line))
			break
		}
	}
	return found, nil
}

// IsCitation reports whether a path in the folder of a snapshot is one of the files by which
// it is cited. Vouch writes them whatever they were.
func IsCitation(name string) bool {
	return path.Base(name) == sumsName || path.Base(name) == citationName
}

// listed are the lines of the data files that the folder links, as sha256sum writes them.
func listed(m lake.Manifest) []byte {
	var text []byte
	for _, f := range m.Files {
		if shown(f.Table) && f.Damaged == "" {
			text = fmt.Appendf(text, "%s  %s\n", f.SHA256, path.Clean(linkName(f)))
		}
	}
	return text
}

// SameWithdrawals reports whether two snapshots know of the same withdrawals: else the
// older one may show rows that are the study's no more, and gets no folder.
func SameWithdrawals(a, b lake.Manifest) bool {
	names := func(m lake.Manifest) (text string) {
		for _, f := range m.TableFiles("withdrawals") {
			text += f.Path + "\n"
		}
		return text
	}
	return names(a) == names(b)
}
