// Package fault kills the process where a test wants it to die.
//
// Code that must survive a crash calls Point wherever it has come to a state
// of its own: something is durable, or was sent, or has its name. In ordinary
// builds Point is an empty function that is compiled to nothing. Built with
// -tags faults it looks at the environment:
//
//	DEXETL_FAULT=refresh.kept:3
//
// sends SIGKILL to the process when it passes refresh.kept for the third time;
// :1 may be left out. Nothing is flushed, closed or deferred, as when the
// machine's memory runs out.
//
// A point is named area.step, the step being what was just done, and stands
// between two effects that others can see.
package fault
