package snapshot

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// derivedName is a file in the folder of a snapshot with the SHA-256 of each file there that
// is no link to a data file, in the format of sha256sum: no manifest knows them, and a
// folder takes them over from the one before.
const derivedName = "derived.sha256"

// derivedSums are SHA-256 by name, from the folder of a snapshot.
type derivedSums map[string]string

// sumUp writes the sums of the folder, unless it has them and nothing in it was made anew.
// Of a file that latest has, too, its sum is taken over: whatever became of the file
// meanwhile, it is not what was made.
func (p *publisher) sumUp(ctx context.Context) error {
	return p.within(p.folder, func(to *os.Root) error {
		if old, err := readSums(to); err == nil && old != nil && !p.made {
			return nil
		}
		var before derivedSums
		if p.latest != nil && !sameFolder(p.latest, to) {
			before, _ = readSums(p.latest) // what cannot be read has none
		}
		names, err := p.derived(to)
		if err != nil {
			return err
		}
		now := make(derivedSums, len(names))
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return err
			}
			if sum := before[name]; sum != "" && sameAt(p.latest, to, name) {
				now[name] = sum
			} else if now[name], err = sumOf(to, name); err != nil {
				return err
			}
		}
		return write(to, derivedName, now.text())
	})
}

// willMake takes away the sums of the folder, which will be others: a kill before they are
// written leaves none, and the next run writes them.
func (p *publisher) willMake() error {
	p.made = true
	return p.root.RemoveAll(path.Join(p.folder, derivedName))
}

// derived lists the files of the folder that are no data files of its manifest.
func (p *publisher) derived(root *os.Root) (names []string, err error) {
	data := make(map[string]bool, len(p.manifest.Files))
	for _, f := range p.manifest.Files {
		data[linkName(f)] = true
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !data[name] && !slices.Contains(forPeople, name) && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// forPeople are files that tags bring and take away again, and the sums themselves.
var forPeople = []string{derivedName, sumsName, citationName}

func (s derivedSums) text() []byte {
	var b bytes.Buffer
	names := make([]string, 0, len(s))
	for name := range s {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s  %s\n", s[name], name)
	}
	return b.Bytes()
}

// readSums reads the sums of a folder; nil: it has none.
func readSums(root *os.Root) (derivedSums, error) {
	content, err := root.ReadFile(derivedName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	read := make(derivedSums)
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if _, err := hex.DecodeString(sum); !ok || err != nil || len(sum) != 2*sha256.Size {
			return nil, fmt.Errorf("line %q is no sum of a file", lines.Text())
		}
		read[path.Clean(name)] = sum
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if !bytes.Equal(read.text(), content) {
		return nil, errors.New("it is cut off")
	}
	return read, nil
}

func sumOf(root *os.Root, name string) (string, error) {
	in, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer in.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, in)
	return hex.EncodeToString(hash.Sum(nil)), err
}

// sameAt reports whether a name is one file in two folders.
func sameAt(a, b *os.Root, name string) bool {
	one, err := a.Lstat(name)
	other, err2 := b.Lstat(name)
	return err == nil && err2 == nil && os.SameFile(one, other)
}

func sameFolder(a, b *os.Root) bool { return sameAt(a, b, ".") }
