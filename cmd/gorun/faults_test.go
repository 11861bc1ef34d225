package main

import (
	"bytes"
	"encoding/pem"
	"io"
	golog "log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/goproxytest"
	"github.com/rogpeppe/go-internal/testscript"
)

// startProxy starts a module proxy for toolchains that is broken in one way,
// and names it in a variable: `proxy VARIABLE flip|truncate|500|absent|good`.
func startProxy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: proxy VARIABLE fault")
	}
	handler, err := faulty(args[1])
	ts.Check(err)
	server := httptest.NewServer(handler)
	ts.Defer(func() { server.CloseClientConnections(); server.Close() })
	ts.Setenv(args[0], server.URL)
}

func faultyProxy(t *testing.T, fault string) string {
	t.Helper()
	handler, err := faulty(fault)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.URL
}

// faulty serves the module of the oldest locked release, with a fault.
func faulty(fault string) (http.Handler, error) {
	_, file, err := oldestZip()
	if err != nil {
		return nil, err
	}
	zip, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case fault == "500":
			http.Error(w, "out of order", http.StatusInternalServerError)
		case fault == "absent" || filepath.Base(r.URL.Path) != filepath.Base(file):
			http.NotFound(w, r)
		default:
			serve(w, r, zip, fault)
		}
	}), nil
}

func serve(w http.ResponseWriter, r *http.Request, zip []byte, fault string) {
	if fault == "flip" {
		zip = bytes.Clone(zip)
		zip[len(zip)/2] ^= 1
	}
	if fault == "flip" || fault == "good" {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(zip))
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(zip)))
	w.Write(zip[:len(zip)/2])
	w.(http.Flusher).Flush()
	switch fault {
	case "stall":
		<-r.Context().Done()
	case "slow":
		time.Sleep(4 * time.Second) // longer than the 3 s between two records
		w.Write(zip[len(zip)/2:])
	}
}

// startModules serves testdata/adverse/mod as an https module proxy, whose
// certificate is of a CA that nobody else trusts: `modules [name:password]`.
// MODULES is its URL, MODULES_HOST its host and port, $WORK/ca.pem the CA.
func startModules(ts *testscript.TestScript, neg bool, args []string) {
	plain, err := goproxytest.NewServer(filepath.Join(ts.Getenv("MODULES_DIR")), "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(plain.Close)
	behind, err := url.Parse(strings.TrimSuffix(plain.URL, "/mod"))
	ts.Check(err)
	var handler http.Handler = httputil.NewSingleHostReverseProxy(behind)
	if len(args) > 0 {
		handler = demandLogin(handler, args[0])
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	ts.Defer(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), ca, 0o644))
	ts.Setenv("MODULES", server.URL+"/mod")
	ts.Setenv("MODULES_HOST", server.Listener.Addr().String())
}

func demandLogin(next http.Handler, login string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		if name+":"+password != login {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// quiet is the log of a server that is meant to fail.
func quiet() *golog.Logger { return golog.New(io.Discard, "", 0) }
