// Package reading turns the records that devices sent into the readings a
// person had: one per moment. It is pure: the same records give the same
// readings, in whatever order they come.
//
// Records become one reading when they carry the same transmitter and the same
// ticks of its clock; where one of them lacks these, when they have the same
// value within 150 s on different display devices (a phone and a receiver worn
// together), or the same system time and value (an account that was
// disconnected and connected again). The record of a phone stands for the
// group, else the one of another device; among equals the smallest record id.
//
// Of two transmitters worn at once the one that was started first speaks until
// its last record; the readings that only the other one had meanwhile are left
// out. Nothing is lost by that: egvs has every record.
package reading
