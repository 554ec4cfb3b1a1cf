package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// mainServer is the API of TestSpeed, in a process of its own: speed-server PEOPLE
// DAYS HOURS. Data go on for HOURS after demoNow, at which its clock begins, and
// POST /speed/lag?by=DURATION sets how far that is behind. Its answers are not
// packed, so that nobody who asks is measured by how fast they unpack.
func mainServer() {
	var sizes [3]int
	for i := range sizes {
		var err error
		if sizes[i], err = strconv.Atoi(os.Args[1+i]); err != nil {
			panic(err)
		}
	}
	var lag atomic.Int64
	lag.Store(int64(time.Since(demoNow)))
	api, err := dexsim.New(dexsim.Config{
		Seed: 1, Participants: sizes[0], Days: sizes[1], End: demoNow.Add(time.Duration(sizes[2]) * time.Hour), CallsPerHour: 1 << 30,
		Now:      func() time.Time { return time.Now().Add(-time.Duration(lag.Load())) },
		ClientID: dexsim.DefaultClientID, ClientSecret: dexsim.DefaultClientSecret,
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /speed/lag", func(w http.ResponseWriter, r *http.Request) {
		by, err := time.ParseDuration(r.FormValue("by"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		lag.Store(int64(by))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding")
		api.ServeHTTP(w, r)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + listener.Addr().String())
	if err := dexsim.Serve(context.Background(), listener, mux); err != nil {
		panic(err)
	}
}
