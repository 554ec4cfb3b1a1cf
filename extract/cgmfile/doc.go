// Package cgmfile reads files of glucose with the columns id, time and gl, as
// researchers keep and exchange them.
//
// # The dialect
//
// A file is text in UTF-8, or in UTF-16 where a byte order mark or the zero
// bytes of the header make that certain; gzip around it is taken off. Lines end
// in LF, CR LF or CR. The first line is the header. It says which of comma,
// semicolon and tab separates the cells, and where the columns are; letter case
// does not matter there, nor do order and other columns. Cells are quoted as in
// RFC 4180, and blanks around them mean nothing. A line without anything in its
// cells is skipped.
//
// A time is YYYY-MM-DD hh:mm:ss, also with T between, with fractions of a second
// or without seconds; a date alone is its midnight. With an offset (Z, -04:00,
// -0400) it is an instant and a wall clock; without one it is a wall clock that
// also stands for elapsed time. A person's times all have an offset or all have
// none.
//
// A value is a number in the unit of [Format], empty or NA for none. A decimal
// comma is read where the separator is no comma.
//
// # What is wrong with a file
//
// A file is read whole or refused whole. An [*Error] names line and column of
// what is wrong, what was found and what is right, for the first
// [MaxProblems] places. An [*ExportError] says that the file is a
// manufacturer's export, a [*UnitError] that its values are in another unit.
package cgmfile
