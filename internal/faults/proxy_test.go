package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// proxy stands before a server, and does harm to one step of the transfers of
// one kind of entries.
type proxy struct {
	backend http.Handler
	server  *httptest.Server
	over    chan struct{} // closed at the end of the cell
	world   *world
	evict   func(key string) // nil: the server cannot

	mu    sync.Mutex
	cell  cell   // zero: no harm
	kind  string // of the entry that the last request with a key was about
	hits  int    // how often harm was done
	looks int    // look-ups since the first harm
	gone  bool   // nobody listens any more
}

func newProxy(w *world, backend http.Handler) *proxy {
	p := &proxy{backend: backend, world: w, over: make(chan struct{})}
	p.server = httptest.NewServer(p)
	return p
}

func (p *proxy) close() {
	close(p.over)
	p.server.CloseClientConnections()
	p.server.Close()
}

// arm begins to do harm, or ends it.
func (p *proxy) arm(c cell) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cell = c
	if c.fault == refused && c.step == lookUp {
		p.gone = true
		p.hits++
		p.server.Listener.Close()
		p.server.CloseClientConnections() // those that filled the store
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	step, key := classify(r)
	s := &strike{proxy: p, w: w, r: r}
	switch {
	case r.URL.Path == expiredPath:
		s.refuseSignature()
	case p.strikes(s, step, key):
		s.harm()
	default:
		p.backend.ServeHTTP(w, r)
	}
}

// strikes reports whether a request is to be harmed, and notes in s what is
// known then.
func (p *proxy) strikes(s *strike, step, key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if key != "" {
		p.kind = kindOf(key)
	}
	if step == lookUp && p.hits > 0 {
		p.looks++
	}
	hit := p.gone || p.cell != (cell{}) && p.cell.step == step && p.cell.kind == p.kind
	if hit {
		p.hits++
	}
	s.cell, s.times, s.looks, s.gone = p.cell, p.hits, p.looks, p.gone
	return hit
}

// leave ends to listen.
func (p *proxy) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	p.server.Listener.Close()
}

func (p *proxy) struck() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits
}

// classify tells which step a request is, and the key that it names, if any.
func classify(r *http.Request) (step, key string) {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/twirp/"):
		return classifyV2(r)
	case strings.HasPrefix(path, "/_apis/"):
		return classifyV1(r)
	case strings.HasPrefix(path, "/blobs/") && r.Method == http.MethodGet:
		return download, ""
	case strings.HasPrefix(path, "/blobs/"):
		return upload, ""
	}
	return classifyOCI(r)
}

func classifyV2(r *http.Request) (step, key string) {
	var in struct{ Key string }
	_ = json.Unmarshal(peek(r), &in)
	switch {
	case strings.HasSuffix(r.URL.Path, "/GetCacheEntryDownloadURL"):
		return lookUp, in.Key
	case strings.HasSuffix(r.URL.Path, "/CreateCacheEntry"):
		return reserve, in.Key
	}
	return finalise, in.Key
}

func classifyV1(r *http.Request) (step, key string) {
	var in struct{ Key string }
	switch {
	case r.Method == http.MethodGet:
		key, _, _ = strings.Cut(r.URL.Query().Get("keys"), ",")
		return lookUp, key
	case r.Method == http.MethodPatch:
		return upload, ""
	case strings.HasSuffix(r.URL.Path, "/caches"):
		_ = json.Unmarshal(peek(r), &in)
		return reserve, in.Key
	}
	return finalise, ""
}

// classifyOCI counts what is asked before a blob is sent as to reserve, and what
// makes it known as to finalise. Tags are keys, or lead to the newest of many.
func classifyOCI(r *http.Request) (step, key string) {
	_, tag, isManifest := strings.Cut(r.URL.Path, "/manifests/")
	key = strings.TrimPrefix(tag, "newest_")
	switch r.Method {
	case http.MethodGet:
		if isManifest {
			return lookUp, key
		}
		return downloadOr(r, ""), ""
	case http.MethodHead, http.MethodPost:
		return reserve, key
	case http.MethodPatch:
		return upload, ""
	}
	return finalise, key
}

// downloadOr tells the blobs of a registry from its greeting.
func downloadOr(r *http.Request, other string) string {
	if strings.Contains(r.URL.Path, "/blobs/") {
		return download
	}
	return other
}

// peek returns the body of a request, which can then be read again.
func peek(r *http.Request) []byte {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

// kindOf tells from a key what is kept under it.
func kindOf(key string) string {
	if strings.HasPrefix(key, "b") {
		return pack
	}
	return executable
}

// hijack takes a connection from the server.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // ends the connection as well
	}
	return conn
}

// reset ends a connection as a machine does that lost its state.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	conn.Close()
}
