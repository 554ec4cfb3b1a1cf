package dexcom

// A table is a Type that is read into a T: its fields, and where the value of each
// goes. It is the one place that names them.
type table[T any] struct {
	Name, Title, Comment string
	rows                 []row[T]
}

type row[T any] struct {
	Field
	to func(*T) any // what the reader fills; nil: nobody needs it
}

func (t *table[T]) asType() Type {
	fields := make([]Field, len(t.rows))
	for i := range t.rows {
		fields[i] = t.rows[i].Field
	}
	return Type{Name: t.Name, Title: t.Title, Comment: t.Comment, Fields: fields}
}

// fields are those of the object that goes into one.
func (t *table[T]) fields(one *T) fields {
	all := make(fields, len(t.rows))
	for i := range t.rows {
		r := &t.rows[i]
		all[i].name = r.Name
		if r.to != nil {
			all[i].to = r.to(one)
		}
	}
	return all
}

// within are the rows of a P that is a part of T.
func within[T, P any](part func(*T) *P, rows []row[P]) []row[T] {
	all := make([]row[T], len(rows))
	for i, r := range rows {
		all[i] = row[T]{r.Field, func(whole *T) any { return r.to(part(whole)) }}
	}
	return all
}
