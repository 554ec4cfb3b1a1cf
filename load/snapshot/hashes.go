//go:build linux || darwin

package snapshot

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// hashesFolder has, from the folder of a snapshot, files of what the rows of each part of a
// table add up to. A file is named by what it follows from, so that of a part that is as
// it was nothing is read.
const hashesFolder = ".hashes"

// A sum is a relation whose rows of each part of a table are in a file.
type sum struct {
	name, table string
	query       string // over the part as if it were the table
	follows     string // query for parts, and what else their rows follow from; empty: nothing
}

var readingHashes = sum{name: "reading_hashes", table: "glucose", query: views.ReadingHashes()}

// addUp creates the view of a sum, of files of latest as far as they hold.
func (c *computing) addUp(ctx context.Context, s sum) error {
	t, _ := transform.TableNamed(s.table)
	parts := partsOf(c.manifest.TableFiles(t.Name))
	follows, err := c.follows(ctx, s, parts)
	if err != nil {
		return err
	}
	var names []string
	var missing []part
	err = c.within(path.Join(c.folder, hashesFolder), func(to *os.Root) error {
		for _, p := range parts {
			name := sumName(c.manifest, s, t, p, follows[p.name])
			names = append(names, name)
			linked, err := c.linkHashes(to, name)
			if err != nil {
				return err
			}
			if !linked {
				missing = append(missing, p)
			}
		}
		return c.sumParts(ctx, to, s, t, missing, follows)
	})
	if err != nil {
		return err
	}
	from := "(" + s.query + ")" // of no rows
	if len(names) > 0 {
		files, err := c.absolutes(names, path.Join(c.folder, hashesFolder))
		if err != nil {
			return err
		}
		from = "read_parquet(" + fileList(files) + ", hive_partitioning = false)"
	}
	return c.execute(ctx, "create view "+s.name+" as\nfrom "+from)
}

// sumParts writes the files of parts, several at once: each by one thread, as what is read
// of a part is little, and threads that share it wait for each other.
func (c *computing) sumParts(ctx context.Context, to *os.Root, s sum, t transform.Table, parts []part, follows map[string]string) error {
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range parts {
		workers.Go(func() error { return c.sumPart(ctx, to, s, t, p, follows[p.name]) })
	}
	return workers.Wait()
}

// sumPart writes the file of a part, which is the table in a connection of its own.
func (c *computing) sumPart(ctx context.Context, to *os.Root, s sum, t transform.Table, p part, follows string) error {
	files, err := c.absolutes(p.paths(), "")
	if err != nil {
		return err
	}
	return c.session.fillWith(ctx, func(f filling) error {
		own := *c
		own.filling = f
		if err := own.execute(ctx, temporary(relation(t, c.manifest, fileList(files)))); err != nil {
			return err
		}
		_, err := own.copyTo(ctx, to, path.Join(c.folder, hashesFolder), sumName(c.manifest, s, t, p, follows), s.query)
		return err
	})
}

// follows asks what the rows of parts follow from beside the data files.
func (c *computing) follows(ctx context.Context, s sum, parts []part) (by map[string]string, err error) {
	if s.follows == "" || len(parts) == 0 {
		return nil, nil
	}
	if err := c.execute(ctx, partsTable(parts)); err != nil {
		return nil, err
	}
	rows, err := c.db.QueryContext(ctx, s.follows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	by = map[string]string{}
	for rows.Next() {
		var name, from string
		if err := rows.Scan(&name, &from); err != nil {
			return nil, err
		}
		by[name] = from
	}
	return by, rows.Err()
}

// linkHashes links a file of hashes from latest, in the place of one that is there, and
// reports whether it did: what is computed follows from them, so they must be sound.
func (c *computing) linkHashes(to *os.Root, name string) (bool, error) {
	if err := to.RemoveAll(name); err != nil {
		return false, err
	}
	return c.sums.sound(path.Join(hashesFolder, name)) && c.linkLatest(to, hashesFolder, name), nil
}

// sumName names the sum of a part by all that it follows from: of rows of an older program
// it is the exclusions, too.
func sumName(m lake.Manifest, s sum, t transform.Table, p part, follows string) string {
	h, version, files := sha256.New(), m.Version(t.Name), p.files
	fmt.Fprintln(h, s.query, version, follows)
	if version < t.Version {
		files = slices.Concat(files, m.TableFiles("exclusions"))
	}
	for _, f := range files {
		fmt.Fprintln(h, f.Path)
	}
	return fmt.Sprintf("%s-%x.parquet", s.name, h.Sum(nil)[:8])
}

// absolutes are the absolute paths of files in a folder of the lake.
func (c *computing) absolutes(names []string, folder string) (files []string, err error) {
	for _, name := range names {
		file, err := absolute(c.lake, path.Join(folder, name))
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// linkLatest links a file of a folder of latest to the same name in to, and reports
// whether it did.
func (c *computing) linkLatest(to *os.Root, folder, name string) bool {
	if c.latest == nil || c.anew {
		return false
	}
	from, err := c.latest.Open(folder)
	if err != nil {
		return false
	}
	defer from.Close()
	into, err := to.Open(".")
	if err != nil {
		return false
	}
	defer into.Close()
	return linkAt(from, into, name) == nil
}

// copyTo writes the rows of a query to a file of a folder, read-only; it appears whole.
// It returns their number. Options are more of DuckDB's for the file.
func (c *computing) copyTo(ctx context.Context, to *os.Root, folder, name, query string, options ...string) (rows int64, err error) {
	temporary := "." + name
	if err := to.RemoveAll(temporary); err != nil {
		return 0, err
	}
	file, err := absolute(c.lake, path.Join(folder, temporary))
	if err != nil {
		return 0, err
	}
	options = append([]string{"format parquet", "compression zstd"}, options...)
	statement := fmt.Sprintf("copy (\n%s\n) to %s (%s)", query, text(file), strings.Join(options, ", "))
	written, err := c.conn.ExecContext(ctx, statement)
	if err != nil {
		return 0, err
	}
	if err := settle(to, temporary); err != nil {
		return 0, err
	}
	rows, err = written.RowsAffected()
	return rows, errors.Join(err, to.Rename(temporary, name))
}

// settle makes a file permanent and read-only.
func settle(to *os.Root, name string) error {
	f, err := to.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		err = errors.Join(f.Sync(), f.Chmod(info.Mode().Perm()&publishedMode))
	}
	return errors.Join(err, f.Close())
}
