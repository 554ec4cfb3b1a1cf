// Package tables has the API's own routes: the tables of the lake as files of several
// formats, metrics, and what the commands status, snapshots list and runs tell.
//
// A table is written while it is read, some thousand rows at a time, from one snapshot.
// What a key may not see is left out before anything is written: the rights of a key are
// looked at in rights.go alone.
package tables
