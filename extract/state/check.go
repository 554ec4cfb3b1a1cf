package state

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// references are rows that need others and that the schema leaves to the code: a query
// lists those without them, one text for each.
var references = []string{
	`select 'connection ' || connection_id || ' has no tokens' from connections c
	where status in ('connected', 'auth_suspect') and aside = 0 and not exists (select 1 from tokens t where t.connection_id = c.connection_id)`,
	`select 'outcome of ' || participant_id || ' names run ' || run_id || ', which is not there' from fetch_outcomes o
	where run_id <> '' and not exists (select 1 from runs r where r.run_id = o.run_id)`,
}

// Check reads the whole file: its pages and indexes are sound, values have their columns'
// types and keep their constraints, and no row refers to a row that is missing. It lists
// what is wrong, a *DamageError for each. SQLite keeps no checksums: a value that was
// changed into another one of its kind nobody sees here. The error is that the file cannot
// be read.
func (s *Store) Check(ctx context.Context) (found []error, err error) {
	note := func(text string) { found = append(found, &DamageError{s.db.path, errors.New(text)}) }
	texts, err := s.texts(ctx, "pragma integrity_check(20)")
	for _, text := range texts {
		if text != "ok" {
			note(text)
		}
	}
	if err == nil && found == nil {
		err = s.checkReferences(ctx, note)
	}
	var damage *DamageError
	if errors.As(err, &damage) {
		return append(found, damage), nil
	}
	return found, err
}

// CheckPages is a *DamageError where the file of the state in a folder ends within a page:
// SQLite takes what is missing for zeros.
func CheckPages(dir string) error {
	path := filepath.Join(dir, "state.db")
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, 18)
	if _, err := f.ReadAt(head, 0); err != nil {
		return nil // SQLite says what it is
	}
	page := int64(binary.BigEndian.Uint16(head[16:]))
	if page == 1 { // SQLite's file format, 1.3.2
		page = 1 << 16
	}
	if page == 0 || info.Size()%page == 0 {
		return nil
	}
	return &DamageError{path, fmt.Errorf("it has %d bytes, which is no whole number of pages of %d: it was cut", info.Size(), page)}
}

func (s *Store) checkReferences(ctx context.Context, note func(string)) error {
	type missing struct {
		table, parent string
		row           sql.NullInt64
	}
	broken, err := Collect(ctx, s, func(row func(...any) error) (m missing, err error) {
		var place int
		err = row(&m.table, &m.row, &m.parent, &place)
		return m, err
	}, "pragma foreign_key_check")
	for _, m := range broken {
		note(fmt.Sprintf("table %s: row %d refers to a row of %s that is not there", m.table, m.row.Int64, m.parent))
	}
	for _, query := range references {
		if err != nil {
			return err
		}
		var texts []string
		texts, err = s.texts(ctx, query)
		for _, text := range texts {
			note(text)
		}
	}
	return err
}

// texts runs a query for texts.
func (s *Store) texts(ctx context.Context, query string) (all []string, err error) {
	all, err = Collect(ctx, s, ScanText, query)
	return all, s.db.check(err)
}
