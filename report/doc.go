// Package report writes what people would rather look at than read: HTML pages of a
// snapshot, for participants' profiles, the cohort, completeness, two windows compared, a
// run, and a dictionary.
//
// The way of a page: Order.Run opens one session of the snapshot (work.go); a file of this
// package for each page reads what it shows and fills a model of package page, whose
// figures package figure draws; the page is written into a staging folder, which becomes
// the report when it is whole. Participants are read in batches and their pages written one
// by one, so that memory does not grow with the cohort.
package report
