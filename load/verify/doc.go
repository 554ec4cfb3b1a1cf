// Package verify holds a lake against its manifests: whether they follow each other,
// whether all data files are what was written, and whether the rows of the newest
// snapshot lie as they must.
//
// It takes no lock and writes nothing. What is committed or removed meanwhile is no
// damage: what is missing is looked for once more at the end.
//
// Every byte is read once to be hashed. Then the columns by which rows are sorted and
// found again are read table by table, with one participant's keys in memory at a time,
// so that a lake of any size takes about the same memory.
package verify
