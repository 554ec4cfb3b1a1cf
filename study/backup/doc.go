// Package backup copies a study while runs go on, and brings a copy back.
//
// A backup is a folder like a study's: dexetl.yaml and the files beside it, the lake
// without what is derived from it, and the state. It says in backup.json what it is.
// The next backup into the same folder copies what is new and takes out what is gone, so
// that what was erased leaves it, too.
package backup
