package githubcache

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/org/gorun-action/internal/store/blob"
)

const twirpPath = "/twirp/github.actions.results.api.v1.CacheService/"

// writeDenied is how the service begins its words to a token that may only
// read (CACHE_WRITE_DENIED_PREFIX of the toolkit's cache.ts).
const writeDenied = "cache write denied:"

// errNoV2 is wrapped by the error of the first request to a server that knows
// no v2.
var errNoV2 = fmt.Errorf("%w of version 2", ErrNoService)

type v2 struct {
	client *client
	base   string // of the methods
	scheme string
	proven atomic.Bool // the server knows v2
}

// The messages are those of results/api/v1/cache.proto, whose metadata the
// toolkit leaves out, too. As Protobuf's JSON mapping has it, an answer may
// have either form of a name, and an int64 as a string or a number.
type (
	lookUpRequest struct {
		Key         string   `json:"key"`
		RestoreKeys []string `json:"restore_keys,omitempty"`
		Version     string   `json:"version"`
	}
	lookUpAnswer struct {
		OK         bool   `json:"ok"`
		URL        string `json:"signed_download_url"`
		URLCamel   string `json:"signedDownloadUrl"`
		Matched    string `json:"matched_key"`
		MatchedToo string `json:"matchedKey"`
	}
	createRequest struct {
		Key     string `json:"key"`
		Version string `json:"version"`
	}
	createAnswer struct {
		OK       bool   `json:"ok"`
		URL      string `json:"signed_upload_url"`
		URLCamel string `json:"signedUploadUrl"`
		Message  string `json:"message"`
	}
	finalizeRequest struct {
		Key     string `json:"key"`
		Size    string `json:"size_bytes"`
		Version string `json:"version"`
	}
	finalizeAnswer struct {
		OK      bool        `json:"ok"`
		ID      json.Number `json:"entry_id"` // only looked at for its form
		IDCamel json.Number `json:"entryId"`
		Message string      `json:"message"`
	}
)

func (s *v2) lookUp(ctx context.Context, keys []string) (hit, error) {
	answer, err := s.call(ctx, "GetCacheEntryDownloadURL", lookUpRequest{keys[0], keys[1:], formatVersion()})
	if r, ok := errors.AsType[*refusal](err); ok && r.code == "not_found" {
		return hit{}, fs.ErrNotExist
	}
	if err != nil {
		return hit{}, err
	}
	return parseLookUpV2(answer, s.scheme)
}

func parseLookUpV2(data []byte, scheme string) (hit, error) {
	var a lookUpAnswer
	if err := json.Unmarshal(data, &a); err != nil {
		return hit{}, fmt.Errorf("reading the answer: %w", err)
	}
	if !a.OK {
		return hit{}, fs.ErrNotExist
	}
	h := hit{cmp.Or(a.Matched, a.MatchedToo), cmp.Or(a.URL, a.URLCamel)}
	return h, checkLink(h.url, scheme)
}

// put reserves the key, uploads and finishes. Until then nobody finds the blob.
func (s *v2) put(ctx context.Context, key string, content blob.Content) error {
	answer, err := s.call(ctx, "CreateCacheEntry", createRequest{key, formatVersion()})
	if err != nil {
		return fmt.Errorf("reserving: %w", reserveError(err))
	}
	link, err := parseCreate(answer, s.scheme)
	if err != nil {
		return fmt.Errorf("reserving: %w", err)
	}
	if err := s.client.upload(ctx, link, content); err != nil {
		return fmt.Errorf("uploading: %w", err)
	}
	answer, err = s.call(ctx, "FinalizeCacheEntryUpload", finalizeRequest{key, strconv.FormatInt(content.Size(), 10), formatVersion()})
	if err == nil {
		err = parseFinalize(answer)
	}
	if err != nil {
		return fmt.Errorf("finishing: %w", err)
	}
	return nil
}

func parseCreate(data []byte, scheme string) (link string, err error) {
	var a createAnswer
	if err := json.Unmarshal(data, &a); err != nil {
		return "", fmt.Errorf("reading the answer: %w", err)
	}
	if !a.OK {
		return "", notReserved(oneLine(a.Message))
	}
	link = cmp.Or(a.URL, a.URLCamel)
	return link, checkLink(link, scheme)
}

// notReserved tells what the words of a service that did not reserve mean. That
// none at all mean that somebody else has the key is the toolkit's reading.
func notReserved(words string) error {
	switch {
	case strings.HasPrefix(words, writeDenied):
		return fmt.Errorf("%w: %s", blob.ErrReadOnly, words)
	case words == "", strings.Contains(words, "already exists"):
		return fs.ErrExist
	}
	return fmt.Errorf("the service refused: %s", words)
}

// reserveError tells what it means that a reservation was refused, in either
// protocol.
func reserveError(err error) error {
	r, ok := errors.AsType[*refusal](err)
	switch {
	case !ok:
		return err
	case strings.HasPrefix(r.words, writeDenied), refusedWith(err, http.StatusUnauthorized, http.StatusForbidden):
		return fmt.Errorf("%w: %w", blob.ErrReadOnly, err)
	case r.code == "already_exists", refusedWith(err, http.StatusConflict):
		return fs.ErrExist
	}
	return err
}

func parseFinalize(data []byte) error {
	var a finalizeAnswer
	if err := json.Unmarshal(data, &a); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if !a.OK {
		return fmt.Errorf("the service refused: %s", cmp.Or(oneLine(a.Message), "it does not say why"))
	}
	return nil
}

// call calls a method.
func (s *v2) call(ctx context.Context, method string, in any) ([]byte, error) {
	_, answer, err := s.client.call(ctx, http.MethodPost, s.base+method, in, nil)
	if err == nil {
		s.proven.Store(true)
		return answer, nil
	}
	r, ok := errors.AsType[*refusal](err)
	if ok && !s.proven.Load() && (r.code == "bad_route" || r.status == http.StatusNotFound && r.code != "not_found") {
		return nil, fmt.Errorf("%w: %w", errNoV2, err)
	}
	return nil, err
}
