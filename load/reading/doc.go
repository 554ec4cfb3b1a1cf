// Package reading turns the records that devices sent into the readings a
// person had: one per moment. It is pure: the same records give the same
// readings, in whatever order they come.
//
// Records become measurements (merge.go): those of one transmitter with the same
// ticks of its clock, and those of one transmitter that come within 150 s, for a
// sensor measures every 5 minutes. A phone's record stands for the measurement
// before a receiver's, and that before a watch's.
//
// Of two transmitters worn at once one goes before the other (transmitter.go), and
// the measurements of the other one that are near its own are left out. Nothing
// is lost by that: egvs has every record.
//
// A reading has the wall clock that the person saw (local.go), and the minutes
// it stands for (cadence.go).
package reading
