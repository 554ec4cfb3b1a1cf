package load

import (
	"context"
	"errors"

	"github.com/dexetl/dexetl/load/lake"
)

// filesOf writes the files that take the place of those of u.
func (r *rewrite) filesOf(ctx context.Context, u *unit) ([]lake.File, error) {
	copied, err := r.canCopy(u)
	if err != nil {
		return nil, err
	}
	if !copied {
		return r.write(ctx, u, (*lake.Writer).Close)
	}
	var parts []lake.File
	for _, p := range u.parts {
		of := p.files
		if p.dirty {
			if of, err = r.write(ctx, p, (*lake.Writer).Stage); err != nil {
				return nil, err
			}
		}
		parts = append(parts, of...)
	}
	return r.copy(ctx, parts)
}

// canCopy reports whether what is joined in u can be copied as it lies in files, which
// costs next to nothing: there are enough rows in each part for a row group.
func (r *rewrite) canCopy(u *unit) (bool, error) {
	for _, p := range u.parts {
		if p.rows() < r.step.loader.layout.minGroup {
			return false, nil
		}
		for _, f := range p.files {
			if fits, err := r.step.loader.Lake.Joins(f); !fits || err != nil {
				return false, err
			}
		}
	}
	return len(u.parts) > 0, nil
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
