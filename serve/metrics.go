package serve

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// A Study is what can be counted of a study without naming anybody.
type Study struct {
	Participants  map[string]int // by state of the consent
	Silent        map[string]int // connected participants, by how long there was no reading, such as 24h
	NewestReading time.Time      // of anybody; zero: none
}

// Metrics are the figures for Prometheus.
type Metrics struct {
	registry *prometheus.Registry
	seen     int // runs counted so far

	runs                            *prometheus.CounterVec
	duration                        prometheus.Histogram
	calls, records                  prometheus.Counter
	running, started, success, next prometheus.Gauge
	participants, silent            *prometheus.GaugeVec
	newest                          prometheus.Gauge

	requests *prometheus.CounterVec
	answered prometheus.Histogram
	parts    *prometheus.GaugeVec
}

// NewMetrics makes the metrics of a program of the given version.
func NewMetrics(version string) *Metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "dexetl_" + name, Help: help})
	}
	gauges := func(name, help, label string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dexetl_" + name, Help: help}, []string{label})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "dexetl_" + name, Help: help})
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dexetl_runs_total", Help: "Runs that ended, by exit code.",
		}, []string{"exit_code"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "dexetl_run_duration_seconds", Help: "Time a run took.", Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		calls:        counter("api_calls_total", "Requests sent to the API, tokens included."),
		records:      counter("records_total", "Records in the answers."),
		running:      gauge("run_running", "1 while a run is under way."),
		started:      gauge("run_last_start_timestamp_seconds", "When the newest run started."),
		success:      gauge("run_last_success_timestamp_seconds", "When a run last ended with exit code 0."),
		next:         gauge("run_next_timestamp_seconds", "When the next run is due; 0 during a run."),
		participants: gauges("participants", "Participants by state of their consent.", "consent"),
		silent:       gauges("participants_silent", "Connected participants without a reading for longer than this; if they never had one, connected and in the study for longer.", "over"),
		newest:       gauge("newest_reading_timestamp_seconds", "The newest reading of anybody."),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dexetl_http_requests_total", Help: "Requests to the API, by route (a pattern; empty: none).",
		}, []string{"method", "route", "status"}),
		answered: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "dexetl_http_request_duration_seconds", Help: "Time a request to the API took.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}),
		parts: gauges("part_up", "1 while a part of serve is on and answers.", "part"),
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "dexetl_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version},
	}, func() float64 { return 1 })
	m.registry.MustRegister(m.runs, m.duration, m.calls, m.records, m.running, m.started, m.success, m.next,
		m.participants, m.silent, m.newest, m.requests, m.answered, m.parts, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Observe takes over a changed state; it is a Status.Changed.
func (m *Metrics) Observe(s State) {
	m.running.Set(0)
	if s.Running {
		m.running.Set(1)
	}
	setTime(m.started, s.Started)
	setTime(m.success, s.Succeeded)
	setTime(m.next, s.Next)
	if s.Runs == m.seen {
		return
	}
	m.seen = s.Runs
	m.runs.WithLabelValues(strconv.Itoa(s.outcome.Code)).Inc()
	m.duration.Observe(s.Ended.Sub(s.Started).Seconds())
	m.calls.Add(float64(s.outcome.Calls))
	m.records.Add(float64(s.outcome.Records))
}

// Request counts a request to the API. A route is a pattern, so that nobody is named.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.answered.Observe(took.Seconds())
}

// Part takes over whether a part answers.
func (m *Metrics) Part(name string, up bool) {
	value := 0.0
	if up {
		value = 1
	}
	m.parts.WithLabelValues(name).Set(value)
}

// Count takes over what can be counted of the study.
func (m *Metrics) Count(s Study) {
	m.participants.Reset()
	for consent, n := range s.Participants {
		m.participants.WithLabelValues(consent).Set(float64(n))
	}
	m.silent.Reset()
	for over, n := range s.Silent {
		m.silent.WithLabelValues(over).Set(float64(n))
	}
	setTime(m.newest, s.NewestReading)
}

func setTime(g prometheus.Gauge, t time.Time) {
	if t.IsZero() {
		g.Set(0)
		return
	}
	g.Set(float64(t.UnixMilli()) / 1000)
}
