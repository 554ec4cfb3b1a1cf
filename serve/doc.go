// Package serve is the long-running form of dexetl: it runs a job on a
// schedule, one run at a time, and tells a service manager, a load balancer
// and Prometheus how that goes.
//
//	Loop     when the job runs: every so often, a little later by chance
//	Status   what the last run came to and when the next one is due
//	Handler  /healthz, /readyz and /metrics over a Status
//
// It knows nothing of what the job does. No participant is named in anything
// it serves: labels and bodies count, they do not identify.
package serve
