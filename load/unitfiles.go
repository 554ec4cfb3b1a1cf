package load

import (
	"context"
	"errors"

	"github.com/dexetl/dexetl/load/lake"
)

// filesOf writes the files that take the place of those of u. Most of what is joined is
// copied as it lies in files, which costs next to nothing.
func (r *rewrite) filesOf(ctx context.Context, u *unit) ([]lake.File, error) {
	chunks := u.chunks(r.step.loader.layout.minGroup)
	if len(chunks) < 2 {
		return r.write(ctx, u, (*lake.Writer).Close)
	}
	var parts []lake.File
	for _, c := range chunks {
		of := c.files
		copied, err := r.canCopy(c)
		if err == nil && !copied {
			of, err = r.write(ctx, c, (*lake.Writer).Stage)
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, of...)
	}
	return r.copy(ctx, parts)
}

// canCopy reports whether u is a file that stays as it is.
func (r *rewrite) canCopy(u *unit) (bool, error) {
	if u.dirty {
		return false, nil
	}
	return r.step.loader.Lake.Joins(u.files[0])
}

// copy joins files until each is full.
func (r *rewrite) copy(ctx context.Context, parts []lake.File) (files []lake.File, err error) {
	for len(parts) > 0 {
		n, rows := 0, int64(0)
		for n < len(parts) && rows < r.step.loader.layout.maxRows {
			rows += parts[n].Rows
			n++
		}
		f, err := r.step.commit.Join(ctx, parts[:n]...)
		if err != nil {
			return nil, err
		}
		files, parts = append(files, f), parts[n:]
	}
	return files, nil
}

// write writes the rows of u participant by participant, and ends each file by end.
func (r *rewrite) write(ctx context.Context, u *unit, end func(*lake.Writer) (lake.File, error)) (files []lake.File, err error) {
	m := newMerge(ctx, r, u)
	defer m.close()
	var w *lake.Writer
	var rows int64
	finish := func() error {
		if w == nil {
			return nil
		}
		f, err := end(w)
		if f.Path != "" {
			files = append(files, f)
		}
		w, rows = nil, 0
		return err
	}
	defer func() {
		if w != nil {
			err = errors.Join(err, w.Abort())
		}
	}()
	for {
		batches, ok, err := m.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			return files, finish()
		}
		if w == nil {
			if w, err = r.step.commit.Create(r.table.Table, r.part, u.day); err != nil {
				releaseAll(batches)
				return nil, err
			}
		}
		for _, b := range batches {
			err = errors.Join(err, w.Write(b))
			rows += b.NumRows()
			b.Release()
		}
		if err != nil {
			return nil, err
		}
		if rows >= r.step.loader.layout.maxRows {
			if err := finish(); err != nil {
				return nil, err
			}
		}
	}
}
