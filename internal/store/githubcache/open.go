package githubcache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"github.com/org/gorun-action/internal/store/blob"
)

// source opens parts of one blob. Its link may expire while a download lasts;
// then the key is looked up again, by one goroutine for all.
type source struct {
	cache *Cache
	key   string
	turn  chan struct{} // holds one token; who has it may use the fields below
	link  string
	gone  error // why there will be no other link
}

func newSource(c *Cache, h hit) *source {
	s := &source{cache: c, key: h.key, turn: make(chan struct{}, 1), link: h.url}
	s.turn <- struct{}{}
	return s
}

func (s *source) open(ctx context.Context, offset, length int64) (blob.Part, error) {
	part, err := s.tryTwice(ctx, offset, length)
	if err != nil {
		return blob.Part{}, fmt.Errorf("downloading %s from GitHub's cache: %w", s.key, err)
	}
	return part, nil
}

func (s *source) tryTwice(ctx context.Context, offset, length int64) (blob.Part, error) {
	link, err := s.linkBut(ctx, "")
	if err != nil {
		return blob.Part{}, err
	}
	part, err := s.cache.client.part(ctx, link, offset, length)
	if !stale(err) {
		return part, err
	}
	if link, err = s.linkBut(ctx, link); err != nil {
		return blob.Part{}, err
	}
	return s.cache.client.part(ctx, link, offset, length)
}

// stale reports whether an error may mean that a signature has expired (Azure:
// 403 AuthenticationFailed) or that the blob was evicted. No clock is asked: it
// may be wrong here.
func stale(err error) bool {
	return refusedWith(err, http.StatusForbidden, http.StatusNotFound, http.StatusGone)
}

// linkBut returns the link, another one if it is still the old one.
func (s *source) linkBut(ctx context.Context, old string) (string, error) {
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if s.gone != nil || s.link != old {
		return s.link, s.gone
	}
	h, err := s.cache.lookUp(ctx, []string{s.key})
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && h.key != s.key:
		s.gone = fmt.Errorf("it was evicted meanwhile: %w", fs.ErrNotExist)
		return "", s.gone
	case err != nil:
		return "", fmt.Errorf("looking it up again: %w", err)
	}
	s.link = h.url
	return s.link, nil
}

// part asks a URL, without any token, for a piece of what it leads to.
func (c *client) part(ctx context.Context, link string, offset, length int64) (blob.Part, error) {
	if offset < 0 {
		return blob.Part{}, fmt.Errorf("there is no byte %d", offset)
	}
	if length == 0 {
		return blob.Part{Body: http.NoBody, Offset: offset, Total: -1}, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return blob.Part{}, err
	}
	end := ""
	if length > 0 {
		end = strconv.FormatInt(offset+length-1, 10)
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%s", offset, end))
	req.Header.Set("Accept-Encoding", "identity") // else net/http and servers compress, and offsets mean nothing
	resp, err := c.send(req)
	if err != nil {
		return blob.Part{}, err
	}
	part, err := readPart(resp, offset, length)
	if err != nil || part.Body == http.NoBody {
		resp.Body.Close()
	}
	return part, err
}

func readPart(resp *http.Response, offset, length int64) (blob.Part, error) {
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return blob.Part{}, fmt.Errorf("the server compressed what it was asked to leave as it is (%.32q)", e)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return blob.Part{Body: resp.Body, Offset: 0, Total: resp.ContentLength}, nil
	case http.StatusPartialContent:
		total, err := checkRange(resp.Header.Get("Content-Range"), offset, length, resp.ContentLength)
		return blob.Part{Body: resp.Body, Offset: offset, Total: total}, err
	case http.StatusRequestedRangeNotSatisfiable:
		total, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes */")
		n, err := parseSize(total)
		if !ok || err != nil || n != offset { // only the very end of a blob is an empty part
			return blob.Part{}, readRefusal(resp)
		}
		return blob.Part{Body: http.NoBody, Offset: offset, Total: n}, nil
	}
	return blob.Part{}, readRefusal(resp)
}

// checkRange returns the size of the whole blob from a Content-Range that
// answers what was asked for.
func checkRange(header string, offset, length, contentLength int64) (total int64, err error) {
	first, last, total, ok := parseContentRange(header)
	switch {
	case !ok:
		return 0, fmt.Errorf("the server sent a Content-Range that says nothing: %.64q", header)
	case first != offset || length > 0 && last-first >= length:
		return 0, fmt.Errorf("the server sent bytes %d to %d, and was asked for %d from %d on", first, last, length, offset)
	case contentLength >= 0 && contentLength != last-first+1:
		return 0, fmt.Errorf("the server sent %d bytes as bytes %d to %d", contentLength, first, last)
	}
	return total, nil
}

// parseContentRange takes "bytes first-last/total" and no other form.
func parseContentRange(header string) (first, last, total int64, ok bool) {
	spec, isBytes := strings.CutPrefix(header, "bytes ")
	span, all, hasTotal := strings.Cut(spec, "/")
	from, to, hasSpan := strings.Cut(span, "-")
	first, err1 := parseSize(from)
	last, err2 := parseSize(to)
	total, err3 := parseSize(all)
	ok = isBytes && hasTotal && hasSpan && errors.Join(err1, err2, err3) == nil && first <= last && last < total
	return first, last, total, ok
}

// parseSize takes digits and nothing else, no sign either.
func parseSize(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}
