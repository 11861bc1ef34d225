package githubcache_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/gorun-action/internal/store/blobtest"
	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

// ourVersion is the SHA-256 of "gorun blob 1". It must not change by accident:
// all that was put would be lost.
const ourVersion = "a1617d219ea6ec89d1357747e601edea2d5c321e8ec162d29bad2aceebd44dd4"

// recorder writes down what the client sends.
type recorder struct {
	mu   sync.Mutex
	sent []string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	line := describe(req)
	r.mu.Lock()
	r.sent = append(r.sent, line)
	r.mu.Unlock()
	return http.DefaultTransport.RoundTrip(req)
}

// describe renders all of a request but what differs from run to run.
func describe(req *http.Request) string {
	query := req.URL.Query()
	for _, secret := range []string{"se", "sig"} {
		if query.Has(secret) {
			query.Set(secret, secret)
		}
	}
	host, path := "service", req.URL.Path
	if strings.HasPrefix(path, "/blobs/") {
		host = "blobs"
	}
	line := fmt.Sprintf("%s %s%s?%s", req.Method, host, path, must(url.QueryUnescape(query.Encode())))
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		line += "\n  " + name + ": " + strings.Join(req.Header[name], " | ")
	}
	return line + "\n  " + describeBody(req)
}

func describeBody(req *http.Request) string {
	if req.Body == nil {
		return "no body"
	}
	if req.GetBody == nil {
		return "a body that cannot be sent again"
	}
	body := must(req.GetBody())
	defer body.Close()
	data := must(io.ReadAll(body))
	if int64(len(data)) != req.ContentLength {
		return fmt.Sprintf("%d bytes with Content-Length %d", len(data), req.ContentLength)
	}
	if len(data) > 1000 {
		return fmt.Sprintf("%d bytes", len(data))
	}
	return string(data)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// record returns what is sent by a Put of size bytes and a Find that reads 3.
func record(t *testing.T, version string, size int) []string {
	t.Helper()
	service, sent := cachetest.New(cachetest.Options{}), &recorder{}
	link := serve(t, service)
	token := service.Token(onMain)
	cache := open(t, githubcache.Config{ResultsURL: link, CacheURL: link, Token: token, Version: version, Transport: sent})
	if err := cache.Put(t.Context(), "k-1", nil, bytes.NewReader(blobtest.Content("", size))); err != nil {
		t.Fatal(err)
	}
	found, err := cache.Find(t.Context(), "k-2", "l-", "k-")
	if err != nil {
		t.Fatal(err)
	}
	part, err := found.Open(t.Context(), 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	part.Body.Close()
	for i := range sent.sent {
		sent.sent[i] = strings.ReplaceAll(sent.sent[i], token, "TOKEN")
	}
	return sent.sent
}

func compare(t *testing.T, want, got []string) {
	t.Helper()
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], "VERSION", ourVersion)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

const twirp = "POST service/twirp/github.actions.results.api.v1.CacheService/"

const (
	v2Header = "?\n  Authorization: Bearer TOKEN\n  Content-Type: application/json\n  User-Agent: gorun\n  "
	v2LookUp = twirp + "GetCacheEntryDownloadURL" + v2Header + `{"key":"k-2","restore_keys":["l-","k-"],"version":"VERSION"}`
	v2Create = twirp + "CreateCacheEntry" + v2Header + `{"key":"k-1","version":"VERSION"}`
	download = "GET blobs/blobs/1?se=se&sig=sig&sp=r&sr=b&sv=2025-05-05\n  Accept-Encoding: identity\n  Range: bytes=1-3\n  User-Agent: gorun\n  no body"
)

func v2Finalize(size int) string {
	return twirp + "FinalizeCacheEntryUpload" + v2Header + fmt.Sprintf(`{"key":"k-1","size_bytes":"%d","version":"VERSION"}`, size)
}

func TestRequestsV2Small(t *testing.T) {
	compare(t, []string{
		v2Create,
		"PUT blobs/blobs/1?se=se&sig=sig&sp=cw&sr=b&sv=2025-05-05\n  Content-Type: application/octet-stream\n  User-Agent: gorun\n  X-Ms-Blob-Type: BlockBlob\n  X-Ms-Version: 2020-10-02\n  4194304 bytes",
		v2Finalize(4 << 20),
		v2LookUp,
		download,
	}, record(t, "v2", 4<<20))
}

func TestRequestsV2Large(t *testing.T) {
	const size = 16<<20 + 5
	got := record(t, "v2", size)
	slices.Sort(got[1:4]) // sent side by side
	const block = "PUT blobs/blobs/1?blockid=%s&comp=block&se=se&sig=sig&sp=cw&sr=b&sv=2025-05-05\n  Content-Type: application/octet-stream\n  User-Agent: gorun\n  X-Ms-Version: 2020-10-02\n  %s"
	var ids []string
	for i := range 3 {
		ids = append(ids, base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "gorun-%06d", i)))
	}
	last := string(blobtest.Content("", size)[16<<20:])
	compare(t, []string{
		v2Create,
		fmt.Sprintf(block, ids[0], "8388608 bytes"),
		fmt.Sprintf(block, ids[1], "8388608 bytes"),
		fmt.Sprintf(block, ids[2], last),
		"PUT blobs/blobs/1?comp=blocklist&se=se&sig=sig&sp=cw&sr=b&sv=2025-05-05\n  Content-Type: application/xml\n  User-Agent: gorun\n  X-Ms-Version: 2020-10-02\n  " +
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BlockList><Latest>" + strings.Join(ids, "</Latest><Latest>") + "</Latest></BlockList>",
		v2Finalize(size),
		v2LookUp,
		download,
	}, got)
}

func TestRequestsV1(t *testing.T) {
	const size = 8<<20 + 2000
	got := record(t, "v1", size)
	slices.Sort(got[2:4]) // sent side by side
	const service, accept, token, agent = " service/_apis/artifactcache/", "\n  Accept: application/json;api-version=6.0-preview.1", "\n  Authorization: Bearer TOKEN", "\n  User-Agent: gorun"
	const asJSON = accept + token + "\n  Content-Type: application/json" + agent + "\n  "
	chunk := func(span, bytes string) string {
		return "PATCH" + service + "caches/1?" + accept + token + "\n  Content-Range: bytes " + span + "/*\n  Content-Type: application/octet-stream" + agent + "\n  " + bytes
	}
	compare(t, []string{
		"GET" + service + "cache?keys=k-1&version=VERSION" + accept + token + agent + "\n  no body",
		"POST" + service + "caches?" + asJSON + fmt.Sprintf(`{"key":"k-1","version":"VERSION","cacheSize":%d}`, size),
		chunk("0-8388607", "8388608 bytes"),
		chunk("8388608-8390607", "2000 bytes"),
		"POST" + service + "caches/1?" + asJSON + fmt.Sprintf(`{"size":%d}`, size),
		"GET" + service + "cache?keys=k-2,l-,k-&version=VERSION" + accept + token + agent + "\n  no body",
		download,
	}, got)
}
