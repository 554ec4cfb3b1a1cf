package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

// clockVariable says what time it is in a dexetl-at, which is dexetl at an
// instant that stands still.
const clockVariable = "DEXETL_TEST_NOW"

func mainAt() { os.Exit(runProcess(standing())) }

// standing is the clock that stands still.
func standing() func() time.Time {
	at, err := time.Parse(time.RFC3339Nano, os.Getenv(clockVariable))
	if err != nil {
		panic(err)
	}
	return func() time.Time { return at }
}

// A between stands between processes and the API, and kills them.
type between struct {
	*httptest.Server
	answer atomic.Pointer[func()] // called after each answer

	kills         int // a day, at most
	begun, killed int
	memory        int64 // most of a process, bytes
}

func (l *life) newBetween(kills int) *between {
	l.t.Helper()
	target, err := url.Parse(l.url)
	if err != nil {
		l.t.Fatal(err)
	}
	b := &between{kills: kills}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) }
	proxy.ErrorLog = quiet()
	b.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxy.ServeHTTP(w, r)
		if f := b.answer.Load(); f != nil {
			(*f)()
		}
	}))
	b.Config.ErrorLog = quiet()
	b.Start()
	l.t.Cleanup(b.Close)
	return b
}

// killSome begins a few syncs and kills each after some answer or at some
// instant. One that ends before is a sync like any other.
func (l *life) killSome() {
	l.t.Helper()
	for range 1 + l.rng.IntN(l.between.kills) {
		l.kill(l.drawDeath(), "sync")
	}
}

// A death says when a process dies, unless it ends before.
type death struct {
	answers int64         // after so many answers; 0: not then
	instant time.Duration // after so long; 0: not then
	point   string        // where, in a build with -tags faults; "": nowhere
}

func (l *life) drawDeath() death {
	answers := int64(1 + l.rng.IntN(5*len(l.people)))
	if l.rng.IntN(3) == 0 {
		return death{instant: time.Duration(50+l.rng.IntN(1500)) * time.Millisecond}
	}
	return death{answers: answers}
}

// process is a dexetl at the instant that it is.
func (b *bench) process(args ...string) *exec.Cmd {
	now := b.now
	b.clock.Store(&now)
	command := exec.Command("dexetl-at", append([]string{"--study", b.dir}, args...)...)
	command.Env = append(os.Environ(), clockVariable+"="+now.Format(time.RFC3339Nano))
	for name, value := range b.env {
		command.Env = append(command.Env, name+"="+value)
	}
	return command
}

// kill runs dexetl until its death.
func (l *life) kill(by death, args ...string) {
	l.t.Helper()
	command := l.process(args...)
	command.Env = append(command.Env, "DEXETL_API_BASE_URL="+l.between.URL, "DEXETL_FAULT="+by.point)
	started := make(chan struct{})
	var answered atomic.Int64
	die := func() {
		<-started
		_ = command.Process.Kill() // it may have ended
	}
	onAnswer := func() {
		if answered.Add(1) == by.answers {
			die()
		}
	}
	l.between.answer.Store(&onAnswer)
	if err := command.Start(); err != nil {
		l.t.Fatal(err)
	}
	close(started)
	if by.instant > 0 {
		defer time.AfterFunc(by.instant, die).Stop()
	}
	err := command.Wait()
	l.between.answer.Store(nil)
	l.between.begun++
	if used, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		l.between.memory = max(l.between.memory, used.Maxrss<<10)
	}
	failed, ok := errors.AsType[*exec.ExitError](err)
	if err != nil && !ok {
		l.t.Fatal(err)
	}
	if ok && failed.Sys().(syscall.WaitStatus).Signaled() {
		l.between.killed++
	}
}
