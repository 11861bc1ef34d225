package githubcache

import (
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/org/gorun-action/internal/store/blob"
)

// wantLink fails unless a client that talks to an https service may follow link.
func wantLink(t *testing.T, link string) {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		t.Errorf("%q was taken for a link: %v", link, err)
	}
}

// wantWords fails unless foreign words fit for a line of a log.
func wantWords(t *testing.T, err error) {
	t.Helper()
	s := err.Error()
	if len(s) > 2*maxWords+200 || strings.ContainsFunc(s, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }) {
		t.Errorf("the words of a server are in a log as %q", s)
	}
}

func FuzzLookUpV2(f *testing.F) {
	for _, s := range []string{
		`{"ok":true,"signed_download_url":"https://h/p?sig=a%2Bb","matched_key":"k"}`, `{"ok":true,"signedDownloadUrl":"https://h/","matchedKey":"k"}`,
		`{"ok":false,"signed_download_url":"","matched_key":""}`, `{"ok":true,"signed_download_url":"http://h/"}`, `{"ok":1}`, `null`, `[]`, `{} {}`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if h, err := parseLookUpV2(data, "https"); err == nil {
			wantLink(t, h.url)
		}
	})
}

func FuzzCreate(f *testing.F) {
	for _, s := range []string{
		`{"ok":true,"signed_upload_url":"https://h/p"}`, `{"ok":false,"message":"cache write denied: no"}`, `{"ok":false,"message":"already exists"}`,
		`{"ok":false,"message":"a\nb\u0000\u001b[31m"}`, `{"ok":"true"}`, `{"ok":true,"signed_upload_url":"//h/p"}`, `null`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		link, err := parseCreate(data, "https")
		if err == nil {
			wantLink(t, link)
		}
		if errors.Is(err, blob.ErrReadOnly) {
			wantWords(t, err)
		}
	})
}

func FuzzFinalize(f *testing.F) {
	for _, s := range []string{
		`{"ok":true,"entry_id":"12"}`, `{"ok":true,"entry_id":12}`, `{"ok":true,"entryId":"12"}`, `{"ok":false,"message":"size"}`, `{"ok":true,"entry_id":"x"}`, `null`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if parseFinalize(data) == nil && !strings.Contains(strings.ToLower(string(data)), "true") {
			t.Errorf("%q was taken for a success", data)
		}
	})
}

func FuzzLookUpV1(f *testing.F) {
	for _, s := range []string{
		`{"result":"hit","cacheKey":"k","archiveLocation":"https://h/p"}`, `{"cacheKey":"k"}`, `{"archiveLocation":"/p"}`, `{"archiveLocation":"https://u@h/p"}`, `{}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if h, err := parseLookUpV1(data, "https"); err == nil {
			wantLink(t, h.url)
		}
	})
}

func FuzzReserve(f *testing.F) {
	for _, s := range []string{`{"cacheId":7}`, `{"cacheId":"7"}`, `{"cacheId":-7}`, `{"cacheId":1e3}`, `{"cacheId":99999999999999999999}`, `{}`, `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if id, err := parseReserve(data); err == nil && id <= 0 {
			t.Errorf("%q is taken for %d", data, id)
		}
	})
}

func FuzzRefusal(f *testing.F) {
	f.Add(404, "application/json", []byte(`{"code":"bad_route","msg":"no handler","meta":{}}`))
	f.Add(409, "application/json", []byte(`{"message":"Cache already exists."}`))
	f.Add(500, "application/json", []byte(`{"error":"broken"}`))
	f.Add(403, "application/json", []byte(`{"code":3,"msg":["x"]}`))
	f.Add(502, "text/html; charset=utf-8", []byte(`<p>`))
	f.Add(502, "", []byte("\n <!DOCTYPE HTML>"))
	f.Add(500, "text/plain", []byte("a\r\nb\x1b[31m\x00"))
	f.Add(0, "", []byte(strings.Repeat("ä", 200)))
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		r := parseRefusal(status, contentType, body)
		wantWords(t, r)
		if err := reserveError(r); errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a refusal to put is a miss: %v", err)
		}
	})
}

func FuzzList(f *testing.F) {
	f.Add([]byte(`{"total_count":1,"actions_caches":[{"key":"k","version":"v","size_in_bytes":1,"created_at":"2026-11-24T10:00:00Z"}]}`))
	f.Add([]byte(`{"actions_caches":[{"key":"../k","created_at":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseList(data)
		for _, e := range list.Caches {
			if err == nil && e.ours() && (blob.CheckKey(e.Key) != nil || e.Version != formatVersion()) {
				t.Errorf("%+v was taken for ours", e)
			}
		}
	})
}

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-9/10", "bytes 5-5/6", "bytes */10", "bytes 0-9/*", "bytes 9-0/10", "bytes +0-9/10", "bytes 0-9/9", "bytes=0-9/10", "bytes 0-9/9223372036854775808", " bytes 0-9/10", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		first, last, total, ok := parseContentRange(header)
		if ok && (first < 0 || last < first || total <= last || strings.ContainsAny(header, "+_*")) {
			t.Errorf("%q is %d to %d of %d", header, first, last, total)
		}
		n, err := checkRange(header, 0, 10, -1)
		if err == nil && (!ok || first != 0 || last > 9 || n != total) {
			t.Errorf("%q answers a request for the first 10 bytes", header)
		}
	})
}
