package state

import "context"

// Tables lists the tables of the state.
func (s *Store) Tables(ctx context.Context) ([]string, error) {
	return Collect(ctx, s, ScanText, "select name from sqlite_master where type = 'table' order by name")
}

// EachRow yields the rows of a table, for who looks into all of them.
func (s *Store) EachRow(ctx context.Context, table string, yield func(columns []string, values []any)) error {
	rows, err := s.QueryContext(ctx, "select * from "+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		yield(columns, values)
	}
	return rows.Err()
}
