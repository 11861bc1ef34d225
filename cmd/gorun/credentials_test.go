package main

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"io"
	golog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// An earlier step that sets variables for the ones after it does not get the
// runner's token: not by a proxy, not by roots of its own, not by both.
func TestCredentialsStayWithTheRunner(t *testing.T) {
	t.Parallel()
	c := newCacheTest(t, "host")
	c.program(".", "hi", 0)
	thief := newThief(t)
	file, dir := filepath.Join(c.dir, "roots.pem"), filepath.Join(c.dir, "roots")
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: thief.tls.Certificate().Raw})
	c.must(os.Mkdir(dir, 0o755))
	c.must(os.WriteFile(file, root, 0o644))
	c.must(os.WriteFile(filepath.Join(dir, "root.pem"), root, 0o644))
	if c.step([]string{"ACTIONS_RESULTS_URL=" + thief.plain.URL}); thief.got.Swap(0) == 0 {
		t.Error("the service itself saw no token")
	}
	if r := c.step([]string{"ACTIONS_RESULTS_URL=s3cret"}); r.stdout != "hi\n" || len(r.warnings) != 1 || strings.Contains(r.log, "s3cret") {
		t.Errorf("an address that is none: %s", r.log)
	}
	const there = "results.example:443" // where a proxy leads to
	for name, env := range map[string][]string{
		"roots in a file, and the name leads here":      {"ACTIONS_RESULTS_URL=" + thief.tls.URL, "SSL_CERT_FILE=" + file},
		"roots in a directory, and the name leads here": {"ACTIONS_RESULTS_URL=" + thief.tls.URL, "SSL_CERT_DIR=" + dir},
		"both":                               {"ACTIONS_RESULTS_URL=" + thief.tls.URL, "SSL_CERT_FILE=" + file, "SSL_CERT_DIR=" + dir},
		"a proxy with roots":                 {"ACTIONS_RESULTS_URL=https://" + there, "HTTPS_PROXY=" + thief.proxy, "SSL_CERT_FILE=" + file},
		"a proxy in small letters":           {"ACTIONS_RESULTS_URL=https://" + there, "https_proxy=" + thief.proxy, "SSL_CERT_FILE=" + file},
		"a proxy":                            {"ACTIONS_RESULTS_URL=https://" + there, "HTTPS_PROXY=" + thief.proxy},
		"a proxy for clear text":             {"ACTIONS_RESULTS_URL=http://results.example", "HTTP_PROXY=" + thief.plain.URL},
		"a proxy for clear text, v1":         {"ACTIONS_CACHE_URL=http://cache.example/", "GITHUB_SERVER_URL=https://ghes.example", "http_proxy=" + thief.plain.URL},
		"a proxy for everything":             {"ACTIONS_RESULTS_URL=http://results.example", "ALL_PROXY=" + thief.plain.URL, "all_proxy=" + thief.plain.URL},
		"no exception":                       {"ACTIONS_RESULTS_URL=http://results.example", "HTTP_PROXY=" + thief.plain.URL, "NO_PROXY=", "no_proxy="},
		"roots that do not count, explained": {"ACTIONS_RESULTS_URL=" + thief.tls.URL, "SSL_CERT_FILE=" + file, "SSL_CERT_DIR=/none"},
	} {
		r := c.step(env)
		if r.stdout != "hi\n" || r.status != 0 {
			t.Errorf("%s: status %d\n%s", name, r.status, r.log)
		}
		if n := thief.got.Swap(0); n > 0 {
			t.Errorf("%s: the thief saw the token %d times", name, n)
		}
		if strings.Contains(name, "roots") && !strings.Contains(r.log, "does not count for GitHub's cache") {
			t.Errorf("%s: nothing says why the cache is not used\n%s", name, r.log)
		}
	}
}

// step runs gorun on a fresh machine, as a step with GitHub's cache.
func (c *cacheTest) step(env []string) ran {
	c.Helper()
	cache, err := os.MkdirTemp(c.dir, "cache")
	c.must(err)
	return c.with(append(env, "ACTIONS_RUNTIME_TOKEN=secret-token", "GORUN_CACHE_TO=actions", "GORUN_CACHE_DIR="+cache)).run(".")
}

// with is the same module with more variables.
func (c *cacheTest) with(env []string) *cacheTest {
	k, other := *c.killer, *c
	k.env = append(k.env[:len(k.env):len(k.env)], env...)
	other.killer = &k
	return &other
}

// thief has a certificate that the roots of an earlier step are for, and a proxy
// that answers in the name of every host.
type thief struct {
	tls, plain *httptest.Server
	proxy      string
	got        atomic.Int64 // requests with a token
}

func newThief(t *testing.T) *thief {
	t.Helper()
	th := &thief{}
	look := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), "secret-token") {
			th.got.Add(1)
		}
		http.Error(w, "thanks", http.StatusNotFound)
	})
	th.tls, th.plain = httptest.NewUnstartedServer(look), httptest.NewServer(look)
	th.tls.Config.ErrorLog = golog.New(io.Discard, "", 0)
	th.tls.StartTLS()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	th.proxy = "http://" + l.Addr().String()
	go th.serveProxy(l)
	t.Cleanup(func() { l.Close(); th.tls.Close(); th.plain.Close() })
	return th
}

// serveProxy takes every CONNECT, and looks into what comes.
func (th *thief) serveProxy(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				return
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			inside := tls.Server(conn, th.tls.TLS)
			req, err := http.ReadRequest(bufio.NewReader(inside))
			if err == nil && req.Header.Get("Authorization") != "" {
				th.got.Add(1)
			}
		}()
	}
}
