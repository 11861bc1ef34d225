package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

// store is GitHub's cache at the other end of a line.
type store struct {
	*cachetest.Service
	line   *line
	server *http.Server
	url    string
	token  string
}

func newStore(rate float64, latency time.Duration) (*store, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &store{Service: cachetest.New(cachetest.Options{URLLife: 24 * time.Hour}), line: &line{rate: rate, latency: latency}}
	s.url, s.token = "http://"+l.Addr().String()+"/", s.Token(cachetest.Scope{Refs: []string{branch}})
	s.server = &http.Server{Handler: s.line.handler(s.Service)}
	go s.server.Serve(listener{l, s.line}) // until close
	return s, nil
}

const branch = "refs/heads/main"

func (s *store) close() { s.server.Close() }

// env is what a step of an action is told on GitHub's own machines.
func (s *store) env() []string {
	return []string{
		"ACTIONS_RESULTS_URL=" + s.url, "ACTIONS_RUNTIME_TOKEN=" + s.token, "GITHUB_SERVER_URL=https://github.com",
		"GITHUB_REPOSITORY=org/program", "GITHUB_REF=" + branch, "GITHUB_EVENT_NAME=push",
	}
}

// client is one that has no connection yet.
func (s *store) client() (cache *githubcache.Cache, closeIdle func(), err error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	cache, err = githubcache.New(githubcache.Config{ResultsURL: s.url, Token: s.token, Version: "v2", Transport: transport})
	return cache, transport.CloseIdleConnections, err
}

func (s *store) put(ctx context.Context, key, file string) error {
	cache, closeIdle, err := s.client()
	if err != nil {
		return err
	}
	defer closeIdle()
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	return cache.Put(ctx, key, nil, io.NewSectionReader(f, 0, st.Size()))
}

// get downloads a blob in parallel ranges.
func (s *store) get(ctx context.Context, key string, parallel int, w io.Writer) error {
	cache, closeIdle, err := s.client()
	if err != nil {
		return err
	}
	defer closeIdle()
	found, err := cache.Find(ctx, key)
	if err != nil {
		return err
	}
	r := blob.NewReader(ctx, found, blob.ReadOptions{Parallel: parallel})
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// measureLine measures the line with a blob, on one connection and on eight.
func (b *bench) measureLine(ctx context.Context) error {
	const size = 32 << 20
	s, err := newStore(b.rate*1e6, b.latency)
	if err != nil {
		return err
	}
	defer s.close()
	cache, closeIdle, err := s.client()
	if err != nil {
		return err
	}
	defer closeIdle()
	if err := cache.Put(ctx, "line", nil, zeros(size)); err != nil {
		return fmt.Errorf("measuring the line: %w", err)
	}
	for _, parallel := range []int{1, 8} {
		begin := time.Now()
		if err := s.get(ctx, "line", parallel, io.Discard); err != nil {
			return fmt.Errorf("measuring the line: %w", err)
		}
		b.report.Line = append(b.report.Line, lineRow{parallel, round(size / 1e6 / time.Since(begin).Seconds())})
	}
	begin := time.Now()
	if _, err := cache.Find(ctx, "nothing"); err == nil {
		return errors.New("the store has something that nobody put")
	}
	b.report.RoundTrip = milliseconds(time.Since(begin))
	return nil
}

// zeros is that many bytes.
func zeros(size int64) blob.Content { return io.NewSectionReader(nothing{}, 0, size) }

type nothing struct{}

func (nothing) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }
