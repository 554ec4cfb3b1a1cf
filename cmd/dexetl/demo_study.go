package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// demoFile is what makes a study folder a demo: what its Dexcom was made of, and its
// clock.
const demoFile = "demo.json"

// A demoStudy is what stands in demo.json.
type demoStudy struct {
	Participants int       `json:"participants"`
	Days         int       `json:"days"`
	Clock        time.Time `json:"clock"`                 // of the demo, as it was set last
	ServedSince  time.Time `json:"served_since,omitzero"` // by this machine's clock; the demo's stands while it is zero
}

// heldBack is later than the demo's end by more than Dexcom holds back what phones
// upload: whoever serves the demo again finds something to fetch.
const heldBack = 4 * time.Hour

// demoHeld is of how many days of people the demo's Dexcom keeps data in memory, about
// 75 MB. It is asked for one person after the other, and who asks is in the same process,
// whose memory has a limit.
const demoHeld = 3000

// api is the Dexcom of the demo, by some clock. What was consented once, it knows.
func (d demoStudy) api(now func() time.Time) (*dexsim.Server, error) {
	return dexsim.New(dexsim.Config{
		Seed: 1, Participants: d.Participants, Days: d.Days, End: demoNow, Now: now, Lasting: true,
		Held:     max(16, demoHeld/max(1, d.Days)),
		ClientID: dexsim.DefaultClientID, ClientSecret: dexsim.DefaultClientSecret, OpenAPI: schemas.ServedOpenAPI(),
	})
}

// clock is the demo's: it goes on while the demo is served, or from where it stands
// as long as this process runs.
func (d demoStudy) clock(machine func() time.Time) func() time.Time {
	from := d.ServedSince
	if from.IsZero() {
		from = machine()
	}
	return func() time.Time { return d.Clock.Add(machine().Sub(from)) }
}

// put writes demo.json into a study folder.
func (d demoStudy) put(dir string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err == nil {
		err = durable.Publish(filepath.Join(dir, demoFile), append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// readDemo reads demo.json of a study whose API is on this machine; nil if there is none.
func readDemo(s *study.Study) (*demoStudy, error) {
	text, err := os.ReadFile(filepath.Join(s.Dir, demoFile))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !config.IsLoopback(s.Config.API.BaseURL) {
		return nil, nil
	}
	d := new(demoStudy)
	if err == nil {
		err = json.Unmarshal(text, d)
	}
	if err == nil && (d.Participants < 1 || d.Days < 1 || d.Clock.IsZero()) {
		err = errors.New("participants, days and clock are missing")
	}
	if err != nil {
		return nil, usage("%s: %w", filepath.Join(s.Dir, demoFile), err)
	}
	return d, nil
}

// enterDemo lets this process live in the time of s, if that is a demo.
func (p *program) enterDemo(s *study.Study) error {
	d, err := readDemo(s)
	if err != nil || d == nil || p.inDemo != nil {
		return err
	}
	p.inDemo, p.machine = d, p.now
	p.now = d.clock(p.machine)
	s.Now = p.now
	return nil
}

// demoAnswers reports whether somebody serves the demo.
func demoAnswers(s *study.Study) bool {
	at, err := url.Parse(s.Config.API.BaseURL)
	if err != nil {
		return false
	}
	connection, err := net.DialTimeout("tcp", at.Host, time.Second)
	if err == nil {
		connection.Close()
	}
	return err == nil
}

// sayDemo tells whoever looks at a demo that it is one.
func (p *program) sayDemo(s *study.Study) {
	if p.inDemo == nil {
		return
	}
	if at := p.now().UTC().Format("2006-01-02 15:04 UTC"); demoAnswers(s) {
		p.say("this is a demo: its clock says %s, and its Dexcom answers", at)
	} else {
		p.say("this is a demo: its clock stands at %s, and its Dexcom has ended", at)
		p.sayNext("simulate")
	}
}

// needsDexcom is an error for a demo that nobody serves.
func (p *program) needsDexcom(s *study.Study) error {
	if p.inDemo == nil || demoAnswers(s) {
		return nil
	}
	return failure(exitLater, dexetl("simulate"), "this is a demo, and its Dexcom has ended: simulate serves it again")
}

// checkDemo looks whether the demo is served, without which there is nothing to ask.
func (d *doctor) checkDemo() (served bool) {
	at := d.p.now().UTC().Format("2006-01-02 15:04 UTC")
	if served = demoAnswers(d.study); served {
		d.ok("demo", "a simulated study: its clock says %s, and its Dexcom answers", at)
		return true
	}
	d.findings = append(d.findings, finding{
		check: "demo", result: checkWarn, detail: "a simulated study: its clock stands at " + at + ", and its Dexcom has ended", next: dexetl("simulate"),
	})
	return false
}

// serveDemo serves the Dexcom of the demo s again, until ctx ends; meanwhile its clock
// goes on.
func (p *program) serveDemo(ctx context.Context, s *study.Study) error {
	at, err := url.Parse(s.Config.API.BaseURL)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", at.Host)
	if err != nil {
		return advised(exitUsage, "perhaps it is served already; else set api.base_url in "+config.File+" to another port of this machine", "demo: %w", err)
	}
	d := *p.inDemo
	if d.Clock = p.now(); d.Clock.Before(demoNow.Add(heldBack)) {
		d.Clock = demoNow.Add(heldBack)
	}
	d.ServedSince = p.machine()
	p.now = d.clock(p.machine)
	api, err := d.api(p.now)
	if err == nil {
		err = d.put(s.Dir)
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	p.sayServing(s, d)
	err = dexsim.Serve(ctx, listener, api)
	d.Clock, d.ServedSince = p.now(), time.Time{}
	return errors.Join(err, d.put(s.Dir))
}

func (p *program) sayServing(s *study.Study, d demoStudy) {
	if p.flags.json {
		p.line(schemas.Simulate(), s.Config.API.BaseURL, dexsim.DefaultClientID)
		return
	}
	p.tell("%s", s.Config.API.BaseURL)
	p.say("the Dexcom of the demo %s: %s, data up to %s, clock at %s\nCtrl-C stops it",
		s.Dir, countOf(d.Participants, "participant"), demoNow.Format("2006-01-02 15:04 UTC"), d.Clock.UTC().Format("2006-01-02 15:04 UTC"))
	p.say("in another terminal: %s", p.commandLine("sync"))
}
