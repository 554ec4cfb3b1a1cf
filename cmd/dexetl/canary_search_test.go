package main

import (
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/raw"
)

// leaks names what of secrets and notes is in text.
func leaks(text string, secrets map[string]string) []string {
	found := secretsIn(text, secrets)
	if strings.Contains(text, noteCanary) {
		found = append(found, "note")
	}
	return found
}

// searchFiles looks into every file as it lies there. In the clear are what the
// user wrote, which is not ours, and the sealing key in its own file.
func (c *canaryCage) searchFiles(secrets map[string]string) {
	ours := 0
	err := filepath.WalkDir(c.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || c.input(path) {
			return err
		}
		ours++
		text, err := os.ReadFile(path)
		found := leaks(string(text)+path, secrets)
		if strings.Contains(path, "/lake/raw/") { // what was received, as it came
			found = slices.DeleteFunc(found, func(what string) bool { return what == "userId" || what == "note" })
		}
		if strings.Contains(path, "/data/event_notes/") {
			found = secretsIn(string(text), secrets) // short texts are not compressed
		}
		if len(found) > 0 {
			c.t.Errorf("%v in %s", found, path)
		}
		return err
	})
	if err != nil || ours < 50 {
		c.t.Errorf("%d files searched, %v", ours, err)
	}
}

// input reports whether a file is the user's.
func (c *canaryCage) input(path string) bool {
	name := filepath.Base(path)
	return name == "client-secret" || name == "sealing.key" || filepath.Dir(path) == c.home && strings.Contains(name, "tokens") ||
		name == "readable.csv" || name == "print-secret.sh"
}

// searchTables reads every row of every data file, also those of snapshots
// gone by. Notes are in event_notes, and there they must be.
func (c *canaryCage) searchTables(secrets map[string]string) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	folders, err := filepath.Glob(filepath.Join(c.dir, "lake", "data", "*"))
	if err != nil || len(folders) < 15 {
		c.t.Fatalf("%d tables, %v", len(folders), err)
	}
	for _, folder := range folders {
		var text sql.NullString
		table := filepath.Base(folder)
		if files, _ := filepath.Glob(filepath.Join(folder, "*")); len(files) == 0 || table == ".staging" {
			continue
		}
		err := db.QueryRow(`select string_agg(t::varchar, chr(10)) from read_parquet('` + folder + `/**/*.parquet', hive_partitioning = false) t`).Scan(&text)
		if err != nil {
			c.t.Fatalf("%s: %v", table, err)
		}
		found := leaks(text.String, secrets)
		if table == "event_notes" {
			if !slices.Equal(found, []string{"note"}) {
				c.t.Errorf("%v in event_notes, want notes and nothing else", found)
			}
			continue
		}
		if len(found) > 0 {
			line := text.String
			if i := strings.Index(line, noteCanary); i >= 0 {
				line = line[max(0, i-300):min(len(line), i+60)]
			}
			c.t.Errorf("%v in table %s: …%.400s", found, table, line)
		}
	}
	c.searchRaw(secrets)
}

// searchRaw: the raw log holds what was received, or the rest proves little.
func (c *canaryCage) searchRaw(secrets map[string]string) {
	log, err := raw.Open(filepath.Join(c.dir, "lake", "raw"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	var all strings.Builder
	for entry, err := range log.Entries(raw.Position{}) {
		if err != nil {
			c.t.Fatal(err)
		}
		body, err := entry.Plain()
		if err != nil {
			c.t.Fatal(err)
		}
		all.Write(body)
	}
	if found := leaks(all.String(), secrets); !slices.Equal(found, []string{"userId", "note"}) {
		c.t.Errorf("%v in the raw log, want userId and note", found)
	}
}
