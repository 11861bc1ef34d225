package cachetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const twirpService = "/twirp/github.actions.results.api.v1.CacheService/"

// twirpStatus is the table of the Twirp specification, as far as it is used.
var twirpStatus = map[string]int{
	"malformed": 400, "invalid_argument": 400, "unauthenticated": 401, "permission_denied": 403,
	"bad_route": 404, "not_found": 404, "already_exists": 409, "internal": 500,
}

type twirpError struct {
	Code string            `json:"code"`
	Msg  string            `json:"msg"`
	Meta map[string]string `json:"meta,omitempty"`
}

// fields are those of all requests. Protobuf's JSON mapping takes both forms of
// a name, an int64 as a string or a number, and unknown fields are ignored.
type fields struct {
	Key          string      `json:"key"`
	Version      string      `json:"version"`
	RestoreKeys  []string    `json:"restore_keys"`
	RestoreCamel []string    `json:"restoreKeys"`
	Size         json.Number `json:"size_bytes"`
	SizeCamel    json.Number `json:"sizeBytes"`
}

func (s *Service) twirp(w http.ResponseWriter, r *http.Request) {
	scope, ok := s.scope(r)
	if !ok {
		twirpFail(w, twirpError{Code: "unauthenticated", Msg: "invalid token"})
		return
	}
	method, bad := twirpRoute(r)
	if bad != nil {
		twirpFail(w, *bad)
		return
	}
	var in fields
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		twirpFail(w, twirpError{Code: "malformed", Msg: "the json request could not be decoded"})
		return
	}
	if !validKey(in.Key) || in.Version == "" {
		twirpFail(w, twirpError{Code: "invalid_argument", Msg: "key and version are required", Meta: map[string]string{"argument": "key"}})
		return
	}
	answer, bad := s.method(method)(r, scope, in)
	if bad != nil {
		twirpFail(w, *bad)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// twirpRoute words its errors as Twirp's generated Go servers do.
func twirpRoute(r *http.Request) (method string, bad *twirpError) {
	method, ours := strings.CutPrefix(r.URL.Path, twirpService)
	route := func(format string, a ...any) *twirpError {
		return &twirpError{Code: "bad_route", Msg: fmt.Sprintf(format, a...), Meta: map[string]string{"twirp_invalid_route": r.Method + " " + r.URL.Path}}
	}
	mime, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch {
	case r.Method != http.MethodPost:
		return "", route("unsupported method %q (only POST is allowed)", r.Method)
	case !ours || method != "GetCacheEntryDownloadURL" && method != "CreateCacheEntry" && method != "FinalizeCacheEntryUpload":
		return "", route("no handler for path %q", r.URL.Path)
	case strings.TrimSpace(mime) != "application/json":
		return "", route("unexpected Content-Type: %q", r.Header.Get("Content-Type"))
	}
	return method, nil
}

func (s *Service) method(name string) func(*http.Request, Scope, fields) (any, *twirpError) {
	switch name {
	case "GetCacheEntryDownloadURL":
		return s.getDownloadURL
	case "CreateCacheEntry":
		return s.createEntry
	}
	return s.finalizeUpload
}

// Answers have snake_case names and default values, too (twirp-go's JSON).

type downloadAnswer struct {
	OK      bool   `json:"ok"`
	URL     string `json:"signed_download_url"`
	Matched string `json:"matched_key"`
}

func (s *Service) getDownloadURL(r *http.Request, scope Scope, in fields) (any, *twirpError) {
	keys := append(append([]string{in.Key}, in.RestoreKeys...), in.RestoreCamel...)
	for _, k := range keys {
		if !validKey(k) || len(keys) > 10 {
			return nil, &twirpError{Code: "invalid_argument", Msg: "keys are limited to 10 of 512 characters without commas"}
		}
	}
	e := s.lookUp(scope, in.Version, keys)
	if e == nil {
		return downloadAnswer{}, nil
	}
	return downloadAnswer{true, s.sign(r, e.id, "r"), e.key}, nil
}

type createAnswer struct {
	OK      bool   `json:"ok"`
	URL     string `json:"signed_upload_url"`
	Message string `json:"message"`
}

// denied is how the service words it (reported of runs with a read-only token).
const denied = "cache write denied: token has no writable scopes"

func (s *Service) createEntry(r *http.Request, scope Scope, in fields) (any, *twirpError) {
	if scope.ReadOnly {
		return createAnswer{Message: denied}, nil
	}
	e := s.reserve(scope, in.Key, in.Version)
	if e == nil {
		return nil, &twirpError{Code: "already_exists", Msg: "cache entry with the same key, version, and scope already exists"}
	}
	return createAnswer{OK: true, URL: s.sign(r, e.id, "cw")}, nil
}

type finalizeAnswer struct {
	OK      bool   `json:"ok"`
	ID      string `json:"entry_id"` // an int64
	Message string `json:"message"`
}

func (s *Service) finalizeUpload(_ *http.Request, scope Scope, in fields) (any, *twirpError) {
	size := int64(0) // the default, which the official client leaves out
	if n := in.Size + in.SizeCamel; n != "" {
		var err error
		if size, err = n.Int64(); err != nil {
			return nil, &twirpError{Code: "malformed", Msg: "the json request could not be decoded"}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(scope, in.Key, in.Version)
	switch {
	case e == nil:
		return nil, &twirpError{Code: "not_found", Msg: "cache entry not found"}
	case e.done:
		return nil, &twirpError{Code: "already_exists", Msg: "cache entry is already finalized"}
	case e.blob == nil || int64(len(e.blob)) != size:
		return finalizeAnswer{ID: "0", Message: fmt.Sprintf("uploaded size does not match: %d bytes, not %d", len(e.blob), size)}, nil
	}
	e.done, e.pending, e.committed = true, nil, nil
	return finalizeAnswer{OK: true, ID: strconv.FormatInt(e.id, 10)}, nil
}

func twirpFail(w http.ResponseWriter, e twirpError) { writeJSON(w, twirpStatus[e.Code], e) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // an error here is a client that left
}
