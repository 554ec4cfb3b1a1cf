// Package transform turns answers into rows. It is pure: the same answer gives
// the same rows, whenever and wherever it is asked; no clock, no disk, no
// network. What the rows mean stands with the columns, in [Tables].
//
// [Apply] is the one way in. It reads the records of an answer with package
// dexcom and makes of each either rows or one row of rejects, never both,
// never nothing:
//
//	egvs, calibrations, alerts   one row per record
//	events                       one row per record; of type notes, with a value that
//	                             is no number or with text that has no column,
//	                             also one of event_notes: the only place its
//	                             text goes to
//	devices                      one row per record, and in alert_settings one
//	                             per setting (or schedule without settings)
//
// Rules that hold for all of them:
//
//   - Nothing is invented, clamped or defaulted. A field that cannot be what its
//     column is makes the record a reject (see [Reason]); the others go on.
//   - Nothing is dropped. What has no column, or reads otherwise in its column
//     than it was sent, is in extra: fields without a column (unknown ones, units
//     other than the column's) under their own names, and under "sent" the
//     texts as sent of what was normalised. A null is the same
//     as no field. Extra is canonical (sorted names, no blanks), so that equal
//     content is equal text.
//   - What nobody has seen before, be it a field or the value of an enum, is
//     kept and counted as a [Warning].
//
// Rows are in wire order with duplicate keys left in. Which of them is current,
// which version of a device is new, what has vanished: that is load's business.
package transform
