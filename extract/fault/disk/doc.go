// Package disk puts the disk of another process into a test's hands.
//
// Every call by which that process changes the file system waits until the test has
// said what becomes of it: it is done, it fails, it writes half of what it was given, or
// the process is killed in front of it. Whoever makes the call does not matter: the
// kernel stops it (seccomp_unotify(2)), so those of SQLite and DuckDB are stopped like
// our own, none can be forgotten, and the program has no trace of it.
//
// What a process leaves when it is killed after a call is what it leaves when it is
// killed in front of the next one, so these are all the instants there are.
//
// A test starts the process by [Disk.Run]; the process calls [Enter] before anything
// else. Linux only, 5.19 or newer.
package disk
