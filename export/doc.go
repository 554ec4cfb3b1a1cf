// Package export copies a part of a snapshot to where people without a study can use it:
// into one DuckDB file, or a folder of Parquet or CSV files, with what explains them.
//
//	PATH/<table>.parquet, .csv   or study.duckdb with all tables
//	PATH/codebook.csv            every table and column
//	PATH/schemas/<table>.json    a row, as JSON Schema
//	PATH/README.md               what it is, and what was left out
//	PATH/CITATION.txt            which snapshot it is of
//	PATH/export.json             the same for programs
//	PATH/SHA256SUMS              of all of them
//
// Views are computed and become tables. A relation (relations.go) says how its rows are
// chosen by dates, and rules.go and what follows what becomes of each column in a
// de-identified export: what they do not name is left out. DuckDB does the work, in memory that has a
// bound, and everything is written under a staging name (staging.go), which becomes PATH
// when all of it is on disk.
package export
