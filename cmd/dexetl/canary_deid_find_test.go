//go:build linux || darwin

package main

import (
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// idLike is what an id may look like.
var idLike = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9_:@./+-]{4,}[A-Za-z0-9=]`)

// dated is a day of this study, or of a run of this test.
var dated = regexp.MustCompile(`20(2[5-9]|3\d)-[01]\d-[0-3]\d`)

// findsNothing looks for everything that tells in all that an export has.
func (d *deidentified) findsNothing(path string) {
	d.t.Helper()
	for _, found := range d.find(path) {
		d.t.Error(found)
	}
}

// find says where in an export something is that tells whose it is. For an export that is
// not de-identified it must find something of each kind.
func (d *deidentified) find(path string) (found []string) {
	d.t.Helper()
	kinds := map[string]bool{}
	say := func(kind, what, where string) {
		if kinds[kind] = true; len(found) < 40 {
			found = append(found, where+": "+kind+" "+what)
		}
	}
	host, _ := os.Hostname()
	words := []string{canaryPeople, canarySite, canaryReason, noteCanary, d.home, filepath.Base(filepath.Dir(d.home)), "localhost", "127.0.0.1"}
	if len(host) > 3 {
		words = append(words, host)
	}
	secrets := d.spy.learned()
	files := 0
	d.everything(path, func(where, text string) {
		files++
		for _, one := range idLike.FindAllString(text, -1) {
			if column, is := d.ids[one]; is {
				say("an id", column+" "+one, where)
			}
		}
		for _, word := range words {
			if strings.Contains(text, word) {
				say("a word", word, where)
			}
		}
		for _, secret := range secretsIn(text, secrets) {
			say("a secret", secret, where)
		}
		if isPaper(where) && dated.MatchString(text) {
			say("a date", dated.FindString(text), where)
		}
	})
	if path == d.plain && (!kinds["an id"] || !kinds["a word"] || !kinds["a date"]) {
		d.t.Errorf("in an export that is not de-identified it found %v", kinds)
	}
	if files < 10 {
		d.t.Errorf("%s: %d texts were looked at", path, files)
	}
	return found
}

// isPaper reports whether a part of an export says what it is, and has no day of anybody.
func isPaper(where string) bool {
	return slices.Contains([]string{"README.md", "CITATION.txt", "export.json", "SHA256SUMS", "name", "about study.duckdb"}, where)
}

// everything hands over all that an export has: names, bytes, and what they say to whoever
// opens them.
func (d *deidentified) everything(path string, look func(where, text string)) {
	d.t.Helper()
	db, err := sql.Open("duckdb", "")
	check(d.t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	read := func(where, statement string) {
		var text sql.NullString
		if err := db.QueryRowContext(d.t.Context(), "select string_agg(t::varchar, chr(10)) from ("+statement+") t").Scan(&text); err != nil {
			d.t.Fatalf("%s: %v", where, err)
		}
		look(where, text.String)
	}
	check(d.t, filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || at == path {
			return err
		}
		name, _ := filepath.Rel(path, at)
		look("name", name)
		if entry.IsDir() {
			return nil
		}
		content, err := os.ReadFile(at)
		look(name, string(content))
		switch filepath.Ext(name) {
		case ".parquet":
			read(name, "from read_parquet('"+at+"', hive_partitioning = false)")
			for _, of := range []string{"metadata", "kv_metadata", "file_metadata", "schema"} {
				read("about "+name, "select columns(* exclude (file_name)) from parquet_"+of+"('"+at+"')")
			}
		case ".duckdb":
			_, err := db.ExecContext(d.t.Context(), "attach '"+at+"' as held (read_only)")
			check(d.t, err)
			for _, of := range []string{"schemas", "tables", "columns", "views", "constraints", "indexes", "sequences", "types"} {
				read("about "+name, "from duckdb_"+of+"() where database_name = 'held'")
			}
			for _, table := range d.heldTables(db) {
				read(name+" "+table, "from held."+table)
				read(name+" "+table, "select column_name, stats from pragma_storage_info('held."+table+"')")
			}
			_, err = db.ExecContext(d.t.Context(), "detach held")
			check(d.t, err)
		}
		return err
	}))
}

func (d *deidentified) heldTables(db *sql.DB) (names []string) {
	d.t.Helper()
	rows, err := db.QueryContext(d.t.Context(), "select table_name from duckdb_tables() where database_name = 'held' order by all")
	check(d.t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		check(d.t, rows.Scan(&name))
		names = append(names, name)
	}
	return names
}
