package cachetest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

// exchange is a request as the official client sends it, and the answer that
// it takes. {name} stands for what an earlier answer had for learn. The sources
// are those in the package comment; the headers that no server looks at
// (User-Agent, x-ms-client-request-id) are left out.
type exchange struct {
	name    string
	request string // method and URL
	header  string // "name: value" each on a line
	body    string
	chunked bool // node sends streams without Content-Length

	status int
	answer string // a regular expression for all of the body
	has    string // "name: value" of the answer, each on a line
	learn  string // a name, for the first group of answer
}

const (
	version = "f0f6c4c3cd6ba6b5de4b3d9d4ddd7a3ba46b2d8c0f8f5f0a3c3b4d6f7e8a9b0c" // some SHA-256
	twirp   = "POST /twirp/github.actions.results.api.v1.CacheService/"
	asJSON  = "Content-Type: application/json\nAuthorization: Bearer {token}"
	asV1    = "Accept: application/json;api-version=6.0-preview.1\nAuthorization: Bearer {token}"
	toAzure = "x-ms-version: 2025-05-05\nAccept: application/xml\nContent-Type: application/octet-stream"
	listXML = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`
	xmlFail = `(?s)<\?xml version="1.0" encoding="utf-8"\?><Error><Code>%s</Code><Message>.*</Message></Error>`
)

// block is how Azure's client for JavaScript names block n: 48 characters.
func block(n int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%-42s%06d", "6b0c2f1e-6f0a-4d8e-9a53-0f7f3a1d2c4b", n))
}

func v2Exchanges() []exchange {
	return []exchange{
		{name: "a miss", request: twirp + "GetCacheEntryDownloadURL", header: asJSON, body: `{"key":"k","restore_keys":["r-","s-"],"version":"` + version + `"}`,
			status: 200, answer: `\{"ok":false,"signed_download_url":"","matched_key":""\}\n`, has: "Content-Type: application/json"},
		{name: "reserve", request: twirp + "CreateCacheEntry", header: asJSON, body: `{"key":"k","version":"` + version + `"}`,
			status: 200, answer: `\{"ok":true,"signed_upload_url":"http://[^/]*(/[^"]*)","message":""\}\n`, learn: "up"},
		{name: "a reservation is not found", request: twirp + "GetCacheEntryDownloadURL", header: asJSON, body: `{"key":"k","version":"` + version + `"}`,
			status: 200, answer: `\{"ok":false,.*\}\n`},
		{name: "reserve again", request: twirp + "CreateCacheEntry", header: asJSON, body: `{"key":"k","version":"` + version + `"}`,
			status: 409, answer: `\{"code":"already_exists","msg":"cache entry with the same key, version, and scope already exists"\}\n`},
		{name: "a block", request: "PUT {up}&comp=block&blockid=" + block(0), header: toAzure, body: "abcd", status: 201, answer: ""},
		{name: "the last block", request: "PUT {up}&comp=block&blockid=" + block(1), header: toAzure, body: "ef", status: 201, answer: ""},
		{name: "a block with a short name", request: "PUT {up}&comp=block&blockid=YWI=", header: toAzure, body: "x", status: 400, answer: fmt.Sprintf(xmlFail, "InvalidBlobOrBlock"), has: "x-ms-error-code: InvalidBlobOrBlock"},
		{name: "finalize without a list", request: twirp + "FinalizeCacheEntryUpload", header: asJSON, body: `{"key":"k","size_bytes":"6","version":"` + version + `"}`,
			status: 200, answer: `\{"ok":false,"entry_id":"0","message":"[^"]+"\}\n`},
		{name: "a list with a strange block", request: "PUT {up}&comp=blocklist", header: "x-ms-version: 2025-05-05\nContent-Type: application/xml",
			body: listXML + "<BlockList><Latest>" + block(7) + "</Latest></BlockList>", status: 400, answer: fmt.Sprintf(xmlFail, "InvalidBlockList")},
		{name: "the list", request: "PUT {up}&comp=blocklist", header: "x-ms-version: 2025-05-05\nContent-Type: application/xml",
			body: listXML + "<BlockList><Latest>" + block(0) + "</Latest><Latest>" + block(1) + "</Latest></BlockList>", status: 201, answer: ""},
		{name: "the list once more", request: "PUT {up}&comp=blocklist", header: "x-ms-version: 2025-05-05\nContent-Type: application/xml",
			body: listXML + "<BlockList><Latest>" + block(0) + "</Latest><Latest>" + block(1) + "</Latest></BlockList>", status: 201, answer: ""},
		{name: "reading with the right to write", request: "GET {up}", header: "x-ms-version: 2025-05-05", status: 403, answer: fmt.Sprintf(xmlFail, "AuthorizationPermissionMismatch")},
		{name: "finalize with a wrong size", request: twirp + "FinalizeCacheEntryUpload", header: asJSON, body: `{"key":"k","size_bytes":"7","version":"` + version + `"}`,
			status: 200, answer: `\{"ok":false,.*\}\n`},
		{name: "finalize", request: twirp + "FinalizeCacheEntryUpload", header: asJSON, body: `{"key":"k","size_bytes":"6","version":"` + version + `"}`,
			status: 200, answer: `\{"ok":true,"entry_id":"[0-9]+","message":""\}\n`},
		{name: "a hit", request: twirp + "GetCacheEntryDownloadURL", header: asJSON, body: `{"key":"k","version":"` + version + `"}`,
			status: 200, answer: `\{"ok":true,"signed_download_url":"http://[^/]*(/[^"]*)","matched_key":"k"\}\n`, learn: "down"},
		{name: "another version", request: twirp + "GetCacheEntryDownloadURL", header: asJSON, body: `{"key":"k","version":"` + version[1:] + `"}`,
			status: 200, answer: `\{"ok":false,.*\}\n`},
		{name: "its properties", request: "HEAD {down}", header: "x-ms-version: 2025-05-05", status: 200, answer: "", has: "Content-Length: 6\nx-ms-blob-type: BlockBlob\nAccept-Ranges: bytes"},
		{name: "a segment", request: "GET {down}", header: "x-ms-version: 2025-05-05\nx-ms-range: bytes=1-3", status: 206, answer: "bcd", has: "Content-Range: bytes 1-3/6\nContent-Length: 3"},
		{name: "a segment over the end", request: "GET {down}", header: "Range: bytes=4-4194303", status: 206, answer: "ef", has: "Content-Range: bytes 4-5/6"},
		{name: "a segment behind the end", request: "GET {down}", header: "Range: bytes=6-", status: 416, answer: fmt.Sprintf(xmlFail, "InvalidRange"), has: "Content-Range: bytes */6"},
		{name: "all", request: "GET {down}", status: 200, answer: "abcdef", has: "Content-Length: 6"},
		{name: "a token where none belongs", request: "GET {down}", header: "Authorization: Bearer {token}", status: 403, answer: fmt.Sprintf(xmlFail, "AuthenticationFailed")},
		{name: "a changed signature", request: "GET {down}x", status: 403, answer: fmt.Sprintf(xmlFail, "AuthenticationFailed"), has: "x-ms-error-code: AuthenticationFailed"},
		{name: "another one to put at once", request: twirp + "CreateCacheEntry", header: asJSON, body: `{"key":"k-longer","version":"` + version + `"}`,
			status: 200, answer: `\{"ok":true,"signed_upload_url":"http://[^/]*(/[^"]*)","message":""\}\n`, learn: "up2"},
		{name: "put without a type", request: "PUT {up2}", header: toAzure, body: "xyz", status: 400, answer: fmt.Sprintf(xmlFail, "MissingRequiredHeader")},
		{name: "put without a length", request: "PUT {up2}", header: toAzure + "\nx-ms-blob-type: BlockBlob", body: "xyz", chunked: true, status: 411, answer: fmt.Sprintf(xmlFail, "MissingContentLengthHeader")},
		{name: "put", request: "PUT {up2}", header: toAzure + "\nx-ms-blob-type: BlockBlob", body: "xyz", status: 201, answer: ""},
		{name: "finalize with an int64 as a number, a strange name and unknown fields", request: twirp + "FinalizeCacheEntryUpload", header: asJSON, body: `{"metadata":{"repository_id":"1"},"key":"k-longer","sizeBytes":3,"version":"` + version + `"}`,
			status: 200, answer: `\{"ok":true,"entry_id":"[0-9]+","message":""\}\n`},
		{name: "the exact key before the newer prefix match", request: twirp + "GetCacheEntryDownloadURL", header: asJSON, body: `{"key":"k","version":"` + version + `"}`, status: 200, answer: `.*"matched_key":"k"\}\n`},
		{name: "the primary key as a prefix", request: twirp + "GetCacheEntryDownloadURL", header: asJSON, body: `{"key":"k-","version":"` + version + `"}`, status: 200, answer: `.*"matched_key":"k-longer"\}\n`},
		{name: "a restore key", request: twirp + "GetCacheEntryDownloadURL", header: asJSON, body: `{"key":"z","restore_keys":["y","k"],"version":"` + version + `"}`, status: 200, answer: `.*"matched_key":"k-longer"\}\n`},
		{name: "eleven keys", request: twirp + "GetCacheEntryDownloadURL", header: asJSON, body: `{"key":"z","restore_keys":["1","2","3","4","5","6","7","8","9","0"],"version":"v"}`, status: 400, answer: `\{"code":"invalid_argument".*\}\n`},
		{name: "a token of nobody", request: twirp + "CreateCacheEntry", header: "Content-Type: application/json\nAuthorization: Bearer x", body: "{}", status: 401, answer: `\{"code":"unauthenticated",.*\}\n`},
		{name: "a read-only token", request: twirp + "CreateCacheEntry", header: "Content-Type: application/json\nAuthorization: Bearer {reader}", body: `{"key":"new","version":"v"}`,
			status: 200, answer: `\{"ok":false,"signed_upload_url":"","message":"cache write denied: token has no writable scopes"\}\n`},
		{name: "a wrong method", request: strings.Replace(twirp, "POST", "GET", 1) + "CreateCacheEntry", header: asJSON, status: 404, answer: `\{"code":"bad_route","msg":"unsupported method .*\}\n`},
		{name: "a wrong name", request: twirp + "DeleteCacheEntry", header: asJSON, body: "{}", status: 404, answer: `\{"code":"bad_route","msg":"no handler for path .*\}\n`},
		{name: "a wrong type", request: twirp + "CreateCacheEntry", header: "Content-Type: text/plain\nAuthorization: Bearer {token}", body: "{}", status: 404, answer: `\{"code":"bad_route","msg":"unexpected Content-Type: .*\}\n`},
		{name: "no JSON", request: twirp + "CreateCacheEntry", header: asJSON, body: "{", status: 400, answer: `\{"code":"malformed","msg":"the json request could not be decoded"\}\n`},
	}
}

func v1Exchanges() []exchange {
	const at = " /_apis/artifactcache/"
	return []exchange{
		{name: "a miss", request: "GET" + at + "cache?keys=k%2Cr-&version=" + version, header: asV1, status: 204, answer: ""},
		{name: "reserve", request: "POST" + at + "caches", header: asV1 + "\nContent-Type: application/json", body: `{"key":"k","version":"` + version + `","cacheSize":6}`, status: 201, answer: `\{"cacheId":([0-9]+)\}\n`, learn: "id"},
		{name: "reserve again", request: "POST" + at + "caches", header: asV1, body: `{"key":"k","version":"` + version + `"}`, status: 409, answer: `\{"message":"Cache already exists\..*\}\n`},
		{name: "the last chunk", request: "PATCH" + at + "caches/{id}", header: asV1 + "\nContent-Type: application/octet-stream\nContent-Range: bytes 4-5/*", body: "ef", chunked: true, status: 204, answer: ""},
		{name: "a chunk that is too short", request: "PATCH" + at + "caches/{id}", header: asV1 + "\nContent-Range: bytes 0-3/*", body: "abc", status: 400, answer: `\{"message":.*\}\n`},
		{name: "commit with a hole", request: "POST" + at + "caches/{id}", header: asV1, body: `{"size":6}`, status: 400, answer: `\{"message":.*\}\n`},
		{name: "a chunk", request: "PATCH" + at + "caches/{id}", header: asV1 + "\nContent-Type: application/octet-stream\nContent-Range: bytes 0-3/*", body: "abcd", chunked: true, status: 204, answer: ""},
		{name: "a reservation is not found", request: "GET" + at + "cache?keys=k&version=" + version, header: asV1, status: 204, answer: ""},
		{name: "commit", request: "POST" + at + "caches/{id}", header: asV1, body: `{"size":6}`, status: 204, answer: ""},
		{name: "commit again", request: "POST" + at + "caches/{id}", header: asV1, body: `{"size":6}`, status: 400, answer: `\{"message":.*\}\n`},
		{name: "a hit", request: "GET" + at + "cache?keys=k&version=" + version, header: asV1, status: 200, answer: `\{"archiveLocation":"http://[^/]*(/[^"]*)","cacheKey":"k","scope":"refs/heads/main"\}\n`, learn: "down"},
		{name: "all", request: "GET {down}", status: 200, answer: "abcdef", has: "Content-Length: 6"},
		{name: "no version of the interface", request: "GET" + at + "cache?keys=k&version=v", header: "Authorization: Bearer {token}", status: 400, answer: `\{"message":.*\}\n`},
		{name: "a token of nobody", request: "GET" + at + "cache?keys=k&version=v", header: "Accept: application/json;api-version=6.0-preview.1", status: 401, answer: `\{"message":.*\}\n`},
		{name: "a read-only token", request: "POST" + at + "caches", header: strings.Replace(asV1, "token", "reader", 1), body: `{"key":"new","version":"v"}`, status: 403, answer: `\{"message":"cache write denied: .*\}\n`},
		{name: "what is not reserved", request: "POST" + at + "caches/99", header: asV1, body: `{"size":6}`, status: 404, answer: `\{"message":.*\}\n`},
	}
}

func TestOfficialClient(t *testing.T) {
	for protocol, exchanges := range map[string][]exchange{"v2": v2Exchanges(), "v1": v1Exchanges()} {
		t.Run(protocol, func(t *testing.T) {
			service := cachetest.New(cachetest.Options{})
			server := httptest.NewServer(service)
			defer server.Close()
			main := cachetest.Scope{Refs: []string{"refs/heads/main"}}
			known := map[string]string{"token": service.Token(main), "reader": service.Token(cachetest.Scope{Refs: main.Refs, ReadOnly: true})}
			for _, e := range exchanges {
				e.run(t, server.URL, known)
			}
		})
	}
}

func (e exchange) run(t *testing.T, base string, known map[string]string) {
	t.Helper()
	for name, value := range known {
		e.request = strings.ReplaceAll(e.request, "{"+name+"}", value)
		e.header = strings.ReplaceAll(e.header, "{"+name+"}", value)
	}
	resp := e.send(t, base)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	found := regexp.MustCompile("^" + e.answer + "$").FindSubmatch(body)
	if err != nil || resp.StatusCode != e.status || found == nil {
		t.Fatalf("%s: %d %q, %v, want %d %q", e.name, resp.StatusCode, body, err, e.status, e.answer)
	}
	for name, want := range headers(e.has) {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %s is %q, want %q", e.name, name, got, want)
		}
	}
	if e.learn != "" {
		known[e.learn] = unescape(t, string(found[1]))
	}
}

// unescape undoes what Go's JSON does to "&" in strings.
func unescape(t *testing.T, s string) string {
	t.Helper()
	var out string
	if err := json.Unmarshal([]byte(`"`+s+`"`), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (e exchange) send(t *testing.T, base string) *http.Response {
	t.Helper()
	method, path, _ := strings.Cut(e.request, " ")
	var body io.Reader = strings.NewReader(e.body)
	if e.chunked {
		body = io.MultiReader(body) // whose length net/http does not know
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers(e.header) {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", e.name, err)
	}
	return resp
}

func headers(lines string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		all[name] = value
	}
	return all
}
