package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	golog "log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

// engineRequests are what a build in a container asks the engine, by what is in
// the method and the path.
var engineRequests = []string{
	"HEAD /_ping", "/version", "/info", "GET /images/", "POST /containers/create", "/attach", "/wait", "/start", "DELETE /containers/",
}

// The faults of an engine.
const (
	stallsBefore = "stalls before it does"
	stallsAfter  = "stalls after it did"
	cuts         = "cuts"
	breaks       = "breaks off in the answer"
	lies         = "lies"
	refuses      = "fails"
)

// An engine that stalls keeps nobody who wants to end, and one that is back has
// the container removed that was under way.
func TestEngineStalls(t *testing.T) {
	t.Parallel()
	testenv.NeedEngine(t)
	warmDocker(t)
	for _, request := range engineRequests {
		for _, fault := range []string{stallsBefore, stallsAfter} {
			for range testenv.Times(1, 3) {
				t.Run(request+" "+fault, func(t *testing.T) {
					t.Parallel()
					d := newEngineDouble(t, request, fault)
					cmd, _ := d.start(t)
					select {
					case <-d.met:
					case <-time.After(time.Minute):
						t.Errorf("nobody asked: %s", request)
					}
					time.Sleep(rand.N(300 * time.Millisecond))
					told := time.Now()
					cmd.Process.Signal([]os.Signal{syscall.SIGTERM, syscall.SIGINT}[rand.IntN(2)])
					d.ends(t, cmd, told)
					d.back()
					d.noContainer(t)
				})
			}
		}
	}
}

// With an engine that answers nonsense the run ends, at once or when it is told
// to, with one verdict, and no container is left.
func TestEngineLies(t *testing.T) {
	t.Parallel()
	testenv.NeedEngine(t)
	warmDocker(t)
	for _, request := range engineRequests {
		for _, fault := range []string{cuts, breaks, lies, refuses} {
			t.Run(request+" "+fault, func(t *testing.T) {
				t.Parallel()
				d := newEngineDouble(t, request, fault)
				cmd, log := d.start(t)
				timer := time.AfterFunc(2*time.Second+rand.N(3*time.Second), func() { cmd.Process.Signal(syscall.SIGTERM) })
				defer timer.Stop()
				d.ends(t, cmd, time.Now().Add(5*time.Second))
				if n := strings.Count(log.String(), `"event":"result"`); n != 1 {
					t.Errorf("%d verdicts\n%s", n, log)
				}
				if strings.Contains(request, "create") && fault != breaks && cmd.ProcessState.Success() { // what breaks off had all that counts
					t.Errorf("success without a container\n%s", log)
				}
				d.back()
				d.noContainer(t)
			})
		}
	}
}

// warmDocker has the engine's image made.
func warmDocker(t *testing.T) {
	c := newCacheTest(t, "docker")
	c.program(".", "hi", 0)
	if r := c.run("."); r.stdout != "hi\n" {
		t.Fatal(r.log)
	}
}

// engineDouble stands before the real engine. What is asked of it in one way is
// answered wrongly, or not, until it is back.
type engineDouble struct {
	*cacheTest
	request, fault string
	met            chan struct{}
	once           sync.Once
	healthy        chan struct{}
	asked          atomic.Int64
	mu             sync.Mutex
	containers     []string
}

func newEngineDouble(t *testing.T, request, fault string) *engineDouble {
	t.Helper()
	d := &engineDouble{cacheTest: newCacheTest(t, "docker"), request: request, fault: fault, met: make(chan struct{}), healthy: make(chan struct{})}
	d.program(".", "hi", 0)
	real := realEngine(t)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "engine"})
	proxy.Transport = real
	proxy.FlushInterval = -1
	proxy.ErrorLog = golog.New(io.Discard, "", 0)
	proxy.ModifyResponse = d.answer
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.serve(w, r, proxy) }))
	server.Config.ErrorLog = proxy.ErrorLog
	server.Start()
	t.Cleanup(func() { d.back(); server.CloseClientConnections(); server.Close() })
	d.env = append(d.env, "DOCKER_HOST="+strings.Replace(server.URL, "http", "tcp", 1))
	return d
}

func realEngine(t *testing.T) *http.Transport {
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		host = "unix:///var/run/docker.sock"
	}
	path, ok := strings.CutPrefix(host, "unix://")
	if !ok && os.Getenv("CI") != "" {
		t.Fatal("the engine has no socket here")
	}
	if !ok {
		t.Skip("NOT TESTED: the engine has no socket here")
	}
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
}

func (d *engineDouble) matches(r *http.Request) bool {
	path := r.URL.Path
	if rest, ok := strings.CutPrefix(path, "/v1."); ok { // the version of the API
		path = rest[strings.IndexByte(rest, '/'):]
	}
	select {
	case <-d.healthy:
		return false
	default:
		return strings.Contains(r.Method+" "+path, d.request)
	}
}

func (d *engineDouble) serve(w http.ResponseWriter, r *http.Request, proxy http.Handler) {
	if name := r.URL.Query().Get("name"); strings.HasSuffix(r.URL.Path, "/containers/create") {
		d.mu.Lock()
		d.containers = append(d.containers, name)
		d.mu.Unlock()
	}
	if !d.matches(r) {
		proxy.ServeHTTP(w, r)
		return
	}
	d.asked.Add(1)
	switch d.fault {
	case stallsBefore:
		d.stall(r)
		if r.Context().Err() != nil {
			return
		}
	case cuts:
		panic(http.ErrAbortHandler)
	case lies:
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"Id":"","Os":"plan9","State":[],"StatusCode":-1,"Warnings":null,"message":"`+strings.Repeat("\\u001b[2J", 50)+`"}`)
		return
	case refuses:
		http.Error(w, `{"message":"no space left on device"}`, http.StatusInternalServerError)
		return
	}
	proxy.ServeHTTP(w, r)
}

func (d *engineDouble) stall(r *http.Request) {
	d.once.Do(func() { close(d.met) })
	select {
	case <-d.healthy:
	case <-r.Context().Done():
	}
}

// answer is on the way back.
func (d *engineDouble) answer(resp *http.Response) error {
	if !d.matches(resp.Request) {
		return nil
	}
	switch d.fault {
	case stallsAfter:
		d.stall(resp.Request)
	case breaks:
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return errors.New("broken")
		}
		resp.ContentLength = 1 << 20
		resp.Header.Set("Content-Length", "1048576")
		resp.Header.Del("Transfer-Encoding")
	}
	return nil
}

// back makes it a good engine.
func (d *engineDouble) back() {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.healthy:
	default:
		close(d.healthy)
	}
}

func (d *engineDouble) start(t *testing.T) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	cmd := d.command(t, ".")
	cmd.Stdout, cmd.Stderr = &log, &log
	d.must(cmd.Start())
	return cmd, &log
}

// ends waits for the end of a gorun that was told to end.
func (d *engineDouble) ends(t *testing.T, cmd *exec.Cmd, told time.Time) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		cmd.Process.Signal(syscall.SIGQUIT)
		<-done
	}
	if took := time.Since(told); took > 5*time.Second {
		t.Errorf("gone %v after the signal\n%s", took, cmd.Stderr)
	}
}

// noContainer waits until the real engine has none of the containers.
func (d *engineDouble) noContainer(t *testing.T) {
	t.Helper()
	d.mu.Lock()
	names := d.containers
	d.mu.Unlock()
	for _, name := range names {
		for end := time.Now().Add(20 * time.Second); exec.Command("docker", "container", "inspect", name).Run() == nil; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(end) {
				t.Errorf("the container %s is still there", name)
				exec.Command("docker", "rm", "--force", name).Run()
				break
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(d.tmp, "gorun-*")); len(left) > 0 {
		time.Sleep(time.Second)
		if left, _ := filepath.Glob(filepath.Join(d.tmp, "gorun-*")); len(left) > 0 {
			t.Error(fmt.Sprint("left behind: ", left))
		}
	}
}
