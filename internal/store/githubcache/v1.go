package githubcache

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/org/gorun-action/internal/store/blob"
)

type v1 struct {
	client  *client
	base    string // of the resources, with a "/" at its end
	scheme  string
	mu      sync.Mutex
	putting map[string]bool // keys that this process is putting
}

// The messages are those of the toolkit's internal/contracts.d.ts.
type (
	foundAnswer struct {
		Key string `json:"cacheKey"`
		URL string `json:"archiveLocation"`
	}
	reserveRequest struct {
		Key     string `json:"key"`
		Version string `json:"version"`
		Size    int64  `json:"cacheSize"`
	}
	reserveAnswer struct {
		ID json.Number `json:"cacheId"`
	}
	commitRequest struct {
		Size int64 `json:"size"`
	}
)

func (s *v1) header() http.Header {
	return http.Header{"Accept": {"application/json;api-version=6.0-preview.1"}}
}

func (s *v1) lookUp(ctx context.Context, keys []string) (hit, error) {
	query := url.Values{"keys": {strings.Join(keys, ",")}, "version": {formatVersion()}}
	status, answer, err := s.client.call(ctx, http.MethodGet, s.base+"cache?"+query.Encode(), nil, s.header())
	if err != nil {
		return hit{}, err
	}
	if status == http.StatusNoContent {
		return hit{}, fs.ErrNotExist
	}
	return parseLookUpV1(answer, s.scheme)
}

func parseLookUpV1(data []byte, scheme string) (hit, error) {
	var a foundAnswer
	if err := json.Unmarshal(data, &a); err != nil {
		return hit{}, fmt.Errorf("reading the answer: %w", err)
	}
	return hit{a.Key, a.URL}, checkLink(a.URL, scheme)
}

// put looks before it reserves: act and Forgejo take a second blob under a key,
// whose first would then no longer be found. A token that may not look may still
// write (ACTIONS_CACHE_MODE write-only).
func (s *v1) put(ctx context.Context, key string, content blob.Content) error {
	if !s.begin(key) {
		return fs.ErrExist
	}
	defer s.end(key)
	h, err := s.lookUp(ctx, []string{key})
	if err == nil && h.key == key {
		return fs.ErrExist
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !refusedWith(err, http.StatusUnauthorized, http.StatusForbidden) {
		return fmt.Errorf("looking whether it is there: %w", err)
	}
	return s.reserveAndSend(ctx, key, content)
}

func (s *v1) begin(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.putting[key] {
		return false
	}
	s.putting[key] = true
	return true
}

func (s *v1) end(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.putting, key)
}

func (s *v1) reserveAndSend(ctx context.Context, key string, content blob.Content) error {
	size := content.Size()
	_, answer, err := s.client.call(ctx, http.MethodPost, s.base+"caches", reserveRequest{key, formatVersion(), size}, s.header())
	if err != nil {
		return fmt.Errorf("reserving: %w", reserveError(err))
	}
	id, err := parseReserve(answer)
	if err != nil {
		return fmt.Errorf("reserving: %w", err)
	}
	link := s.base + "caches/" + strconv.FormatInt(id, 10)
	if err := s.upload(ctx, link, content); err != nil {
		return fmt.Errorf("uploading: %w", err)
	}
	_, answer, err = s.client.call(ctx, http.MethodPost, link, commitRequest{size}, s.header())
	if err == nil {
		err = parseCommit(answer)
	}
	if err != nil {
		return fmt.Errorf("finishing: %w", err)
	}
	return nil
}

// parseCommit takes JSON or nothing, which is all that services say, and not
// the page of who came between.
func parseCommit(data []byte) error {
	if data = bytes.TrimSpace(data); len(data) > 0 && !json.Valid(data) {
		return errors.New("reading the answer: it is not JSON")
	}
	return nil
}

func parseReserve(data []byte) (id int64, err error) {
	var a reserveAnswer
	if err := json.Unmarshal(data, &a); err != nil {
		return 0, fmt.Errorf("reading the answer: %w", err)
	}
	id, err = a.ID.Int64()
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("the service answered with an invalid cacheId, %.32q", a.ID)
	}
	return id, nil
}

func (s *v1) upload(ctx context.Context, link string, content blob.Content) error {
	if content.Size() == 0 {
		// The protocol has no words for an empty range, and act fails to commit
		// what has no part at all.
		return s.patch(ctx, link, content, 0, 0)
	}
	return inChunks(ctx, content.Size(), func(ctx context.Context, _ int, offset, length int64) error {
		return s.patch(ctx, link, content, offset, length)
	})
}

func (s *v1) patch(ctx context.Context, link string, content blob.Content, offset, length int64) error {
	header := s.header()
	header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/*", offset, offset+max(length, 1)-1))
	if s.client.token != "" {
		header.Set("Authorization", "Bearer "+s.client.token)
	}
	return s.client.sendPart(ctx, http.MethodPatch, link, header, content, offset, length)
}
