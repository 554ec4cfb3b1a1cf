// Package serve is the long-running form of dexetl: it runs a job on a
// schedule, one run at a time, answers requests on one listener, and tells a
// service manager, a load balancer and Prometheus how that goes.
//
//	Loop     when the job runs: every so often, a little later by chance
//	Runner   lets one job run at a time, that of the schedule or one on demand
//	Status   what the last run came to and when the next one is due
//	Handler  /healthz, /readyz and /metrics over a Status
//	Part     something served besides, which may fail without ending anything else
//	Server   the listener, with a Certificate that is read again when it is renewed
//
// It knows nothing of what the job does. No participant is named in anything
// it serves: labels and bodies count, they do not identify.
package serve
