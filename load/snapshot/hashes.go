//go:build linux || darwin

package snapshot

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// hashesFolder has a file for each month of glucose, from the folder of a snapshot: what
// its readings add up to. A file is named by what it follows from, so that of a month
// that is as it was nothing is read.
const hashesFolder = ".hashes"

// hashReadings makes reading_hashes, of files of latest as far as they hold.
func (c *computing) hashReadings(ctx context.Context) error {
	t, _ := transform.TableNamed("glucose")
	var files []string
	err := c.within(path.Join(c.folder, hashesFolder), func(to *os.Root) error {
		for _, month := range byPartition(c.manifest.TableFiles(t.Name)) {
			name := c.hashesName(t, month)
			if err := c.hashMonth(ctx, to, t, month, name); err != nil {
				return err
			}
			file, err := absolute(c.lake, path.Join(c.folder, hashesFolder, name))
			if err != nil {
				return err
			}
			files = append(files, file)
		}
		return nil
	})
	if err != nil {
		return err
	}
	from := "(" + views.ReadingHashes() + ")" // of no readings
	if len(files) > 0 {
		from = "read_parquet(" + fileList(files) + ", hive_partitioning = false)"
	}
	return c.execute(ctx, "create view reading_hashes as\nselect participant_id, local_date, n_values, sum_of_hashes,\nfrom "+from)
}

// hashMonth links the file of a month from latest, or writes it.
func (c *computing) hashMonth(ctx context.Context, to *os.Root, t transform.Table, month []lake.File, name string) error {
	if err := to.RemoveAll(name); err != nil || c.linkLatest(to, hashesFolder, name) {
		return err
	}
	files := make([]string, len(month))
	for i, f := range month {
		file, err := absolute(c.lake, f.Path)
		if err != nil {
			return err
		}
		files[i] = file
	}
	all, err := sources(c.lake, c.manifest, t.Name)
	if err != nil {
		return err
	}
	if err := c.execute(ctx, relation(t, c.manifest, fileList(files))); err != nil {
		return err
	}
	if _, err := c.copyTo(ctx, to, path.Join(c.folder, hashesFolder), name, views.ReadingHashes()); err != nil {
		return err
	}
	return c.execute(ctx, relation(t, c.manifest, fileList(all)))
}

// hashSensors makes sensor_scopes, of a file of latest if no reading or record is another.
func (c *computing) hashSensors(ctx context.Context) error {
	h, files := sha256.New(), slices.Concat(c.manifest.TableFiles("egvs"), c.manifest.TableFiles("glucose"), c.manifest.TableFiles("exclusions"))
	fmt.Fprintln(h, views.SensorScopes(), c.manifest.Version("egvs"), c.manifest.Version("glucose"))
	for _, f := range files {
		fmt.Fprintln(h, f.Path)
	}
	name, folder := fmt.Sprintf("sensors-%x.parquet", h.Sum(nil)[:8]), path.Join(c.folder, hashesFolder)
	err := c.within(folder, func(to *os.Root) error {
		if err := to.RemoveAll(name); err != nil || c.linkLatest(to, hashesFolder, name) {
			return err
		}
		_, err := c.copyTo(ctx, to, folder, name, views.SensorScopes())
		return err
	})
	if err != nil {
		return err
	}
	file, err := absolute(c.lake, path.Join(folder, name))
	if err != nil {
		return err
	}
	return c.execute(ctx, "create view sensor_scopes as\nselect participant_id, scope, label, first_date, last_date, first_utc, last_utc, n_values, readings_hash,\nfrom read_parquet("+fileList([]string{file})+", hive_partitioning = false)")
}

// hashesName names the hashes of a month's files by all that they follow from: of rows
// of an older program it is the exclusions, too.
func (c *computing) hashesName(t transform.Table, month []lake.File) string {
	h, version := sha256.New(), c.manifest.Version(t.Name)
	fmt.Fprintln(h, views.ReadingHashes(), version)
	if version < t.Version {
		month = slices.Concat(month, c.manifest.TableFiles("exclusions"))
	}
	for _, f := range month {
		fmt.Fprintln(h, f.Path)
	}
	return fmt.Sprintf("%x.parquet", h.Sum(nil)[:8])
}

// byPartition divides the files of a table.
func byPartition(files []lake.File) (all [][]lake.File) {
	for i, f := range files {
		if i == 0 || f.Partition != files[i-1].Partition {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], f)
	}
	return all
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
// It returns their number.
func (c *computing) copyTo(ctx context.Context, to *os.Root, folder, name, query string) (rows int64, err error) {
	temporary := "." + name
	if err := to.RemoveAll(temporary); err != nil {
		return 0, err
	}
	file, err := absolute(c.lake, path.Join(folder, temporary))
	if err != nil {
		return 0, err
	}
	statement := fmt.Sprintf("copy (\n%s\n) to %s (format parquet, compression zstd)", query, text(file))
	written, err := c.conn.(driver.ExecerContext).ExecContext(ctx, statement, nil)
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
