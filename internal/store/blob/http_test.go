package blob_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
)

// remote is a blob on an HTTP server, as stores have them.
func remote(c *http.Client, url string) blob.Found {
	return blob.Found{Key: "key", Size: -1, Open: func(ctx context.Context, offset, length int64) (blob.Part, error) {
		req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			return blob.Part{}, err
		}
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
		if length < 0 {
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		}
		resp, err := c.Do(req)
		if err != nil {
			return blob.Part{}, blob.StripQuery(err)
		}
		switch resp.StatusCode {
		case http.StatusOK:
			return blob.Part{Body: resp.Body, Total: resp.ContentLength}, nil
		case http.StatusPartialContent:
			_, total, _ := strings.Cut(resp.Header.Get("Content-Range"), "/")
			n, err := strconv.ParseInt(total, 10, 64)
			return blob.Part{Body: resp.Body, Offset: offset, Total: n}, err
		}
		resp.Body.Close()
		return blob.Part{}, fmt.Errorf("the server answered %s", resp.Status)
	}}
}

// A download over HTTP survives two faults of any kind, and no more.
func TestReaderHTTP(t *testing.T) {
	t.Parallel()
	all := blobtest.Content("http", 3<<20+1)
	for name, fault := range map[string]func(w http.ResponseWriter, r *http.Request, send func()){
		"none":  func(_ http.ResponseWriter, _ *http.Request, send func()) { send() },
		"500":   func(w http.ResponseWriter, _ *http.Request, _ func()) { w.WriteHeader(500) },
		"reset": func(_ http.ResponseWriter, _ *http.Request, send func()) { send(); panic(http.ErrAbortHandler) },
		"stall": func(_ http.ResponseWriter, r *http.Request, send func()) {
			send()
			select {
			case <-r.Context().Done():
			case <-time.After(3 * time.Second): // it does not see the end of a connection on which the next request is
			}
		},
	} {
		for _, times := range []int64{2, 100} {
			t.Run(fmt.Sprint(name, times), func(t *testing.T) {
				t.Parallel()
				var n atomic.Int64
				url := serve(t, func(w http.ResponseWriter, r *http.Request) {
					if n.Add(1) > times || name == "none" {
						http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(all))
						return
					}
					fault(w, r, func() { http.ServeContent(&cut{w, 200_000}, r, "", time.Time{}, bytes.NewReader(all)) })
				})
				got, err := downloadHTTP(t, url)
				if whole := err == nil && bytes.Equal(got, all); whole != (times == 2 || name == "none") {
					t.Errorf("%d of %d bytes, %v", len(got), len(all), err)
				}
			})
		}
	}
}

func downloadHTTP(t *testing.T, url string) ([]byte, error) {
	c, tr := newClient(t, hasty())
	began := time.Now()
	r := blob.NewReader(t.Context(), remote(c, url), blob.ReadOptions{Part: 1 << 20, Budget: tr.Budget()})
	defer r.Close()
	got, err := io.ReadAll(r)
	if took := time.Since(began); took > most {
		t.Errorf("it took %s", took)
	}
	if err != nil && tr.Budget().Err() == nil {
		t.Errorf("it was not given up after %v", err)
	}
	if r.Bytes() != int64(len(got)) && err == nil || r.Bytes() > 0 && r.Speed() <= 0 {
		t.Errorf("%d bytes came, at %f a second", r.Bytes(), r.Speed())
	}
	return got, err
}

// cut is a server that stops after so many bytes of a body.
type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(len(p), c.left)])
	c.ResponseWriter.(http.Flusher).Flush()
	if c.left -= n; c.left == 0 && err == nil {
		err = io.ErrShortWrite
	}
	return n, err
}

// BenchmarkReader reads 64 MiB over loopback HTTP.
func BenchmarkReader(b *testing.B) {
	all := blobtest.Content("", 64<<20)
	url := serve(b, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(all))
	})
	for _, parallel := range []int{1, 4} {
		b.Run(fmt.Sprint(parallel), func(b *testing.B) {
			b.SetBytes(int64(len(all)))
			c := &http.Client{Transport: blob.NewTransport(http.DefaultTransport, blob.TransportOptions{})}
			for b.Loop() {
				r := blob.NewReader(b.Context(), remote(c, url), blob.ReadOptions{Parallel: parallel})
				if n, err := io.Copy(io.Discard, r); n != int64(len(all)) || err != nil {
					b.Fatal(n, err)
				}
				r.Close()
			}
		})
	}
}
