package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// mainServer is the API of TestSpeed, in a process of its own: speed-server PEOPLE
// DAYS HOURS. Its clock stands still, so that everybody who asks gets the same: first at
// demoNow, until POST /speed/now?at=TIME. Data go on for HOURS after demoNow. Answers
// are not packed, so that nobody who asks is measured by how fast they unpack.
func mainServer() {
	var sizes [3]int
	for i := range sizes {
		var err error
		if sizes[i], err = strconv.Atoi(os.Args[1+i]); err != nil {
			panic(err)
		}
	}
	var now atomic.Pointer[time.Time]
	now.Store(&demoNow)
	api, err := dexsim.New(dexsim.Config{
		Seed: 1, Participants: sizes[0], Days: sizes[1], End: demoNow.Add(time.Duration(sizes[2]) * time.Hour), CallsPerHour: 1 << 30,
		Now:      func() time.Time { return *now.Load() },
		ClientID: dexsim.DefaultClientID, ClientSecret: dexsim.DefaultClientSecret,
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /speed/now", func(w http.ResponseWriter, r *http.Request) {
		at, err := time.Parse(time.RFC3339, r.FormValue("at"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		now.Store(&at)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding")
		api.ServeHTTP(w, r)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); os.Exit(0) }() // who started it has ended
	fmt.Println("http://" + listener.Addr().String())
	if err := dexsim.Serve(context.Background(), listener, mux); err != nil {
		panic(err)
	}
}
