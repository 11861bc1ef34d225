package image

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/gorun-action/container"
)

const fakeZipPath = "/golang.org/toolchain/@v/" + fakeModule + ".zip"

// proxyServer is a module proxy whose first path element says how it answers.
type proxyServer struct {
	*httptest.Server
	onRequest func()
	mu        sync.Mutex
	asked     []string // the first path elements of the requests
}

func (s *proxyServer) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func newProxyServer(t *testing.T, good []byte) *proxyServer {
	t.Helper()
	other, err := os.ReadFile(writeZip(t, fakePrefix, map[string]string{"VERSION": "other"}, zip.Deflate))
	if err != nil {
		t.Fatal(err)
	}
	s := &proxyServer{onRequest: func() {}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		how, file, _ := strings.Cut(r.URL.Path[1:], "/")
		s.mu.Lock()
		s.asked = append(s.asked, how)
		s.mu.Unlock()
		s.onRequest()
		if "/"+file != fakeZipPath {
			t.Errorf("request for %s", r.URL.Path)
		}
		answer(w, r, how, good, other)
	}))
	t.Cleanup(s.Close)
	return s
}

func answer(w http.ResponseWriter, r *http.Request, how string, good, other []byte) {
	switch how {
	case "good":
		w.Header().Set("Content-Length", fmt.Sprint(len(good)))
		w.Write(good)
	case "chunked":
		w.Write(good[:100])
		w.(http.Flusher).Flush()
		w.Write(good[100:])
	case "redirect":
		http.Redirect(w, r, "/good"+fakeZipPath, http.StatusFound)
	case "other":
		w.Write(other)
	case "page":
		fmt.Fprint(w, "<html>please log in</html>")
	case "flipped":
		w.Write(bytes.Replace(good, []byte("asm asm asm"), []byte("asm asm asn"), 1))
	case "truncated":
		w.Header().Set("Content-Length", fmt.Sprint(len(good)))
		w.Write(good[:len(good)/2])
	case "truncated-chunked":
		w.Write(good[:len(good)/2])
	case "stalled":
		w.Header().Set("Content-Length", fmt.Sprint(len(good)))
		w.Write(good[:len(good)/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case "silent":
		<-r.Context().Done()
	case "404", "410", "403", "500":
		var code int
		fmt.Sscan(how, &code)
		http.Error(w, "server's\nown words", code)
	}
}

// closedPort returns the address of a proxy that nobody runs.
func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestFetch(t *testing.T) {
	file := writeZip(t, fakePrefix, fakeFiles(), zip.Store) // so that a byte of a file is a byte of the zip
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tc := fakeToolchain(t, file)
	missing, integrity := fs.ErrNotExist, container.ErrIntegrity
	tests := []struct {
		list  string // "$/" is the server
		asked string
		is    error
		err   string // "" is a success
		hint  string
	}{
		{list: "$/good", asked: "good"},
		{list: "$/good/", asked: "good"},
		{list: "$/chunked", asked: "chunked"},
		{list: "$/redirect", asked: "redirect good"},
		{list: " , $/good ,", asked: "good"},
		{list: "FILE", asked: ""},

		// Which entries are asked.
		{list: "$/404,$/good", asked: "404 good"},
		{list: "$/410,$/good", asked: "410 good"},
		{list: "$/404|$/good", asked: "404 good"},
		{list: "$/500|$/good", asked: "500 good"},
		{list: "CLOSED|$/good", asked: "good"},
		{list: "NODIR,$/good", asked: "good"},
		{list: "$/truncated|$/good", asked: "truncated good"},
		{list: "$/stalled|$/good", asked: "stalled good"},
		{list: "$/500|$/404,$/good", asked: "500 404 good"},
		{list: "$/good,off", asked: "good"},
		{list: "$/500,$/good", asked: "500", err: "500 Internal Server Error (the server says: server's own words)"},
		{list: "$/403,$/good", asked: "403", err: "403 Forbidden"},
		{list: "CLOSED,$/good", asked: "", err: "connection refused"},
		{list: "$/404,off,$/good", asked: "404", err: "404 Not Found", is: missing},
		{list: "direct,$/good", asked: "", err: "directly from a repository", hint: "put a module proxy before"},
		{list: "off", asked: "", err: "GOPROXY=off", hint: "set GOPROXY"},

		// Which error is told.
		{list: "$/404", asked: "404", err: "404 Not Found", is: missing},
		{list: "NODIR", asked: "", err: "no such file", is: missing},
		{list: "$/404|$/500", asked: "404 500", err: "500 Internal"},
		{list: "$/500|$/404", asked: "500 404", err: "500 Internal"},
		{list: "$/404,$/410", asked: "404 410", err: "/404/golang.org", is: missing},
		{list: "$/404,direct", asked: "404", err: "404 Not Found", is: missing},

		// What is downloaded.
		{list: "$/truncated", asked: "truncated", err: "cut off after"},
		{list: "$/truncated-chunked", asked: "truncated-chunked", err: "cannot be read as a zip", is: integrity},
		{list: "$/stalled", asked: "stalled", err: "stalled: nothing came for 500ms", is: errStalled},
		{list: "$/silent", asked: "silent", err: "stalled: nothing came for 500ms", is: errStalled},
		{list: "$/page", asked: "page", err: "cannot be read as a zip", is: integrity, hint: "look at the proxy"},
		{list: "$/other", asked: "other", err: "pinned " + tc.Sum + ", got h1:", is: integrity, hint: "look at the proxy"},
		{list: "$/flipped", asked: "flipped", err: "does not match", is: integrity},
		{list: "$/other|$/good", asked: "other", err: "does not match", is: integrity}, // no way around

		// What is no list.
		{list: "", err: "no module proxy is configured", hint: "set GOPROXY to a module proxy, or install Go"},
		{list: ",|,", err: "has no entries", hint: "set GOPROXY"},
		{list: "ftp://x/", err: "neither an https, http or file URL", hint: "set GOPROXY"},
		{list: "proxy", err: "neither an https, http or file URL"},
		{list: "/dir", err: "neither an https, http or file URL"},
		{list: "file://host/dir", err: "file:///dir"},
		{list: "https://", err: "has no host"},
		{list: "http://u:secret@[::1", err: "not a URL"},
	}
	for _, tt := range tests {
		t.Run(tt.list, func(t *testing.T) {
			s := newProxyServer(t, good)
			mirror := t.TempDir()
			path := filepath.Join(mirror, filepath.FromSlash(fakeZipPath))
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, good, 0o666); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "downloads")
			stall := time.Minute
			if strings.Contains(tt.list, "stalled") || strings.Contains(tt.list, "silent") {
				stall = 500 * time.Millisecond
			}
			src := Source{Dir: dir, Client: s.Client(), Stall: stall, GOPROXY: strings.NewReplacer(
				"$", s.URL, "CLOSED", closedPort(t), "FILE", "file://"+mirror, "NODIR", "file:///nowhere").Replace(tt.list)}

			got, err := Fetch(t.Context(), tc, src, nil)
			if asked := strings.Join(s.requests(), " "); asked != tt.asked {
				t.Errorf("asked %q, want %q", asked, tt.asked)
			}
			if tt.err == "" {
				if err != nil {
					t.Fatal(err)
				}
				if data, _ := os.ReadFile(got); string(data) != string(good) {
					t.Errorf("%s is not what the proxy has", got)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(container.Hint(err), tt.hint) {
				t.Fatalf("error %v (hint %q), want %q, is %v", err, container.Hint(err), tt.err, tt.is)
			}
			if tt.is == nil && (errors.Is(err, missing) || errors.Is(err, integrity)) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v", err)
			}
			if _, err := os.Stat(dir); err == nil {
				nothingIn(t, dir)
			}
			// The next run is right.
			src.GOPROXY, src.Stall = s.URL+"/good", time.Minute
			if _, err := Fetch(t.Context(), tc, src, nil); err != nil {
				t.Errorf("after it: %v", err)
			}
		})
	}
}

func TestFetchKeepsPasswordsToItself(t *testing.T) {
	file := fakeZip(t)
	s := newProxyServer(t, nil)
	for _, how := range []string{"404", "truncated", "page"} {
		list := strings.Replace(s.URL, "://", "://user:secret@", 1) + "/" + how
		_, err := Fetch(t.Context(), fakeToolchain(t, file), Source{Dir: t.TempDir(), GOPROXY: list}, nil)
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "user:xxxxx@") {
			t.Errorf("error %v", err)
		}
	}
}

func TestFetchTakesWhatIsThere(t *testing.T) {
	file := fakeZip(t)
	tc := fakeToolchain(t, file)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newProxyServer(t, good)
	src := Source{Dir: t.TempDir(), ModCache: t.TempDir(), GOPROXY: s.URL + "/good"}
	inCache := filepath.Join(src.ModCache, "cache", "download", filepath.FromSlash(fakeZipPath))
	if err := os.MkdirAll(filepath.Dir(inCache), 0o777); err != nil {
		t.Fatal(err)
	}
	fetch := func(want string, requests int) {
		t.Helper()
		got, err := Fetch(t.Context(), tc, src, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got != want || len(s.requests()) != requests {
			t.Errorf("got %s after %d requests, want %s after %d", got, len(s.requests()), want, requests)
		}
	}
	write := func(file string, data []byte) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	inDir := filepath.Join(src.Dir, fakeModule+".zip")
	write(inCache, good[:100]) // passed over, not touched
	fetch(inDir, 1)
	fetch(inDir, 1)
	write(inDir, good[100:])
	fetch(inDir, 2)
	write(inCache, good)
	fetch(inCache, 2)
}

func TestFetchEndsWithItsContext(t *testing.T) {
	file := fakeZip(t)
	s := newProxyServer(t, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("no more")
	s.onRequest = func() { cancel(cause) }
	dir := t.TempDir()
	_, err := Fetch(ctx, fakeToolchain(t, file), Source{Dir: dir, GOPROXY: s.URL + "/silent|" + s.URL + "/good"}, nil)
	if !errors.Is(err, cause) || len(s.requests()) != 1 {
		t.Errorf("error %v after %v", err, s.requests())
	}
	nothingIn(t, dir)
}

func TestFetchReportsProgress(t *testing.T) {
	file := fakeZip(t)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newProxyServer(t, good)
	last := map[string]container.Progress{}
	_, err = Fetch(t.Context(), fakeToolchain(t, file), Source{Dir: t.TempDir(), GOPROXY: s.URL + "/good"},
		func(p container.Progress) { last[p.Task] = p })
	if err != nil {
		t.Fatal(err)
	}
	if p := last["downloading go1.26.99 linux/amd64"]; p.Done != int64(len(good)) || p.Total != p.Done {
		t.Errorf("downloading: %+v", p)
	}
	if p := last["verifying golang.org/toolchain@"+fakeModule+" from "+s.URL+"/good"]; p.Done != p.Total || p.Done == 0 {
		t.Errorf("verifying: %+v of %v", p, last)
	}
}

func TestServerWords(t *testing.T) {
	for body, want := range map[string]string{
		"gone\n\n  for good ": "gone for good",
		"\x1b[31mred":         "",
		"\xff":                "",
		"":                    "",
	} {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteString(body)
		if got := serverWords(w.Result()); got != want {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "text/html")
	w.WriteString("<p>gone")
	if got := serverWords(w.Result()); got != "" {
		t.Errorf("HTML: %q", got)
	}
}

func FuzzParseGOPROXY(f *testing.F) {
	for _, list := range []string{"", "https://a,b.c|direct", "file:///x,off", "|,", "http://u:p@h/%zz", "x:/y"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		proxies, err := parseGOPROXY(list)
		if (err == nil) == (len(proxies) == 0) {
			t.Errorf("%d proxies, error %v", len(proxies), err)
		}
		for _, p := range proxies {
			if p.url != nil && !strings.HasSuffix("/"+p.file(fakeModule).Path, fakeZipPath) {
				t.Errorf("%q asks for %s", list, p.file(fakeModule))
			}
		}
	})
}
