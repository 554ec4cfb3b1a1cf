package lake

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"

	"github.com/apache/arrow-go/v18/parquet/file"
)

// A draft is a data file that is being written, in staging.
type draft struct {
	commit *Commit
	file   File // what is known of it
	staged string
	out    *os.File // nil once it is finished or aborted
	sum    hash.Hash
	to     io.Writer // both of them
}

func newDraft(c *Commit, f File) (draft, error) {
	l := c.lake
	staged := fmt.Sprintf("%s/%d.parquet", stagingDir, l.staged.Add(1))
	out, err := l.dir.OpenFile(staged, os.O_CREATE|os.O_EXCL|os.O_RDWR, publishedMode)
	if err != nil {
		return draft{}, fmt.Errorf("file of %s: %w", f.Table, err)
	}
	sum := sha256.New()
	return draft{c, f, staged, out, sum, io.MultiWriter(out, sum)}, nil
}

// abort removes what has been written, unless it is finished.
func (d *draft) abort() error {
	if d.out == nil {
		return nil
	}
	out := d.out
	d.out = nil
	return errors.Join(out.Close(), d.commit.lake.dir.Remove(d.staged))
}

// stage closes the file under the name it has.
func (d *draft) stage() (File, error) {
	if err := d.check(); err != nil {
		return File{}, err
	}
	d.file.Path = d.staged
	return d.finished()
}

// publish makes the file durable and gives it its name.
func (d *draft) publish() (File, error) {
	l := d.commit.lake
	if err := d.check(); err != nil {
		return File{}, err
	}
	if err := l.at("load.file_written"); err != nil {
		return File{}, err
	}
	if err := l.sync(d.out); err != nil {
		return File{}, err
	}
	if err := l.at("load.file_synced"); err != nil {
		return File{}, err
	}
	d.file.Path = path.Join(folderOf(d.file.Table, d.file.Partition), d.file.SHA256[:16]+".parquet")
	if err := l.makeFolder(d.file); err != nil {
		return File{}, err
	}
	if err := l.dir.Rename(d.staged, d.file.Path); err != nil {
		return File{}, err
	}
	d.commit.touch(d.file.Path)
	return d.finished()
}

func (d *draft) finished() (File, error) {
	err := d.out.Close()
	d.out = nil
	d.commit.lake.sound.Store(d.file.Path, true)
	return d.file, err
}

// check notes the size and the hash of the file, and reads its footer.
func (d *draft) check() error {
	size, err := d.out.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	d.file.Bytes = size
	d.file.SHA256 = hex.EncodeToString(d.sum.Sum(nil))
	footer, err := file.NewParquetReader(d.out)
	if err != nil {
		return fmt.Errorf("footer just written: %w", err)
	}
	if n := footer.NumRows(); n != d.file.Rows {
		return fmt.Errorf("footer just written counts %d rows of %d", n, d.file.Rows)
	}
	return nil
}
