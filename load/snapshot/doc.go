// Package snapshot shows a lake to people who do not have dexetl.
//
//	snapshots/000123/<table>/month=2026-03/<name>.parquet   hard links to the data files
//	snapshots/000123/<table>/month=none/empty.parquet       where a table has no rows
//	snapshots/000123/dexetl.duckdb                          views only, and a macro that says where they find the files
//	snapshots/000123/views.sql                              the same views, with relative paths
//	snapshots/000123/codebook.csv                           every column, its type and what it means
//	latest -> snapshots/000123
//
// Everything here is derived from a manifest and the program, so nothing is
// lost if it is: [Publish] makes it again. A folder is built under a temporary
// name and renamed, its files likewise, and latest is replaced by rename(2)
// last, so a reader who follows latest always finds a whole snapshot. Folders
// exist for latest, the one before it and those of the last day, for readers
// who are in the middle of something; a withdrawal ends that at once.
// [Open] gives a session on any
// snapshot that has a manifest, with or without a folder.
//
// Publishing is a part of every sync, so it costs two system calls for each file and,
// for the database, an open and a close of DuckDB: binding and describing the views is
// done once, in template.duckdb, for all snapshots of all lakes.
//
// The free text of event_notes may identify a person. A hidden table has neither
// links nor views here, and no session reads it; codebook.csv only describes its
// columns.
package snapshot
