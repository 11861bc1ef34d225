package cachetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxBlocks = 50_000 // of a block blob

// sign returns a URL with a shared access signature: for reading ("r") or for
// creating and writing ("cw").
func (s *Service) sign(r *http.Request, id int64, permissions string) string {
	life := s.options.URLLife
	if life == 0 {
		life = 10 * time.Minute
	}
	path := "/blobs/" + strconv.FormatInt(id, 10)
	query := url.Values{"sv": {"2025-05-05"}, "sr": {"b"}, "sp": {permissions}, "se": {s.now().Add(life).UTC().Format(time.RFC3339)}}
	query.Set("sig", s.signature(path, query))
	return "http://" + r.Host + path + "?" + query.Encode()
}

func (s *Service) signature(path string, query url.Values) string {
	mac := hmac.New(sha256.New, []byte(s.secret))
	for _, signed := range []string{path, query.Get("sp"), query.Get("se"), query.Get("sr"), query.Get("sv")} {
		fmt.Fprintf(mac, "%s\n", signed)
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// azureError is an error of the Blob service.
type azureError struct {
	status        int
	code, message string
}

var (
	errAuth       = &azureError{403, "AuthenticationFailed", "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature."}
	errPermission = &azureError{403, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission."}
	errNotFound   = &azureError{404, "BlobNotFound", "The specified blob does not exist."}
	errNoLength   = &azureError{411, "MissingContentLengthHeader", "The content length header is missing."}
	errBlobType   = &azureError{400, "MissingRequiredHeader", "An HTTP header that's mandatory for this request is not specified."}
	errBlockID    = &azureError{400, "InvalidQueryParameterValue", "Value for one of the query parameters specified in the request URI is invalid."}
	errBlock      = &azureError{400, "InvalidBlobOrBlock", "The specified blob or block content is invalid."}
	errBlockList  = &azureError{400, "InvalidBlockList", "The specified block list is invalid."}
	errXML        = &azureError{400, "InvalidXmlDocument", "XML specified is not syntactically valid."}
	errRange      = &azureError{416, "InvalidRange", "The range specified is invalid for the current size of the resource."}
	errExists     = &azureError{409, "BlobImmutableDueToPolicy", "This operation is not permitted as the blob is immutable due to a policy."}
	errVerb       = &azureError{405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb."}
	errBody       = &azureError{400, "RequestBodyIncomplete", "The request body is incomplete."}
)

func (e *azureError) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("x-ms-error-code", e.code)
	w.WriteHeader(e.status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, e.code, e.message)
}

// blobs serves signed URLs. It looks at no Authorization header: the official
// client sends none, and neither must ours.
func (s *Service) blobs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-ms-version", "2025-05-05")
	if e := s.authenticate(r); e != nil {
		e.write(w)
		return
	}
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64) // signed, so it is one
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		s.download(w, r, id)
	case http.MethodPut:
		if e := s.put(r, id); e != nil {
			e.write(w)
			return
		}
		w.WriteHeader(http.StatusCreated)
	default:
		errVerb.write(w)
	}
}

func (s *Service) authenticate(r *http.Request) *azureError {
	query := r.URL.Query()
	expiry, err := time.Parse(time.RFC3339, query.Get("se"))
	signature := s.signature(r.URL.Path, query)
	needed := "w"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		needed = "r"
	}
	switch {
	case err != nil, !hmac.Equal([]byte(signature), []byte(query.Get("sig"))), !s.now().Before(expiry), r.Header.Get("Authorization") != "":
		return errAuth
	case !strings.Contains(query.Get("sp"), needed):
		return errPermission
	}
	return nil
}

func (s *Service) put(r *http.Request, id int64) *azureError {
	if r.ContentLength < 0 {
		return errNoLength
	}
	body, err := readBody(r)
	if err != nil {
		return errBody
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byID(id)
	switch {
	case e == nil:
		return errNotFound
	case e.done:
		return errExists
	}
	switch r.URL.Query().Get("comp") {
	case "block":
		return e.putBlock(r.URL.Query().Get("blockid"), body)
	case "blocklist":
		return e.putBlockList(body)
	}
	if r.Header.Get("x-ms-blob-type") != "BlockBlob" {
		return errBlobType
	}
	e.blob, e.pending, e.committed = body, nil, nil
	return nil
}

// readBody needs no second copy of a body whose length is told.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 {
		return io.ReadAll(r.Body)
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	return body, err
}

// concat returns a slice that is not nil, which would be no blob at all.
func concat(pieces [][]byte) []byte {
	if whole := slices.Concat(pieces...); whole != nil {
		return whole
	}
	return []byte{}
}

func (e *entry) putBlock(id string, data []byte) *azureError {
	raw, err := base64.StdEncoding.DecodeString(id)
	if err != nil || len(raw) == 0 || len(raw) > 64 {
		return errBlockID
	}
	if len(data) == 0 {
		return errBlock
	}
	for other := range e.pending {
		if len(other) != len(id) {
			return errBlock
		}
	}
	if e.pending == nil {
		e.pending = map[string][]byte{}
	}
	e.pending[id] = data
	return nil
}

// putBlockList makes the blob of blocks in the order of the list. The same list
// can be put again.
func (e *entry) putBlockList(document []byte) *azureError {
	var list struct {
		XMLName xml.Name `xml:"BlockList"`
		Blocks  []struct {
			XMLName xml.Name
			ID      string `xml:",chardata"`
		} `xml:",any"`
	}
	if xml.Unmarshal(document, &list) != nil {
		return errXML
	}
	if len(list.Blocks) > maxBlocks {
		return errBlockList
	}
	var pieces [][]byte
	used := map[string][]byte{}
	for _, b := range list.Blocks {
		data, ok := e.block(b.XMLName.Local, b.ID)
		if !ok {
			return errBlockList
		}
		used[b.ID] = data
		pieces = append(pieces, data)
	}
	e.blob, e.pending, e.committed = concat(pieces), nil, used
	return nil
}

// block finds a block by the kind of its element.
func (e *entry) block(kind, id string) (data []byte, ok bool) {
	if kind == "Uncommitted" || kind == "Latest" {
		data, ok = e.pending[id]
	}
	if !ok && (kind == "Committed" || kind == "Latest") {
		data, ok = e.committed[id]
	}
	return data, ok
}

func (s *Service) download(w http.ResponseWriter, r *http.Request, id int64) {
	s.mu.Lock()
	e := s.byID(id)
	var data []byte
	if e != nil {
		data = e.blob
	}
	s.mu.Unlock()
	if data == nil {
		errNotFound.write(w)
		return
	}
	size := int64(len(data))
	first, last, ranged := s.asked(r, size)
	if ranged && first >= size {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		errRange.write(w)
		return
	}
	h := w.Header()
	h.Set("x-ms-blob-type", "BlockBlob")
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Length", strconv.FormatInt(last-first+1, 10))
	if ranged {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, size))
		w.WriteHeader(http.StatusPartialContent)
	}
	if r.Method != http.MethodHead {
		w.Write(data[first : last+1])
	}
}

// asked returns the bytes that are asked for. Azure takes "bytes=first-" and
// "bytes=first-last", in x-ms-range before Range, and ignores other forms.
func (s *Service) asked(r *http.Request, size int64) (first, last int64, ranged bool) {
	header := r.Header.Get("x-ms-range")
	if header == "" {
		header = r.Header.Get("Range")
	}
	spec, ok := strings.CutPrefix(header, "bytes=")
	from, to, isSpan := strings.Cut(spec, "-")
	first, err := strconv.ParseInt(from, 10, 64)
	if s.options.IgnoreRanges || !ok || !isSpan || err != nil || first < 0 {
		return 0, size - 1, false
	}
	if to == "" {
		return first, size - 1, true
	}
	last, err = strconv.ParseInt(to, 10, 64)
	if err != nil || last < first {
		return 0, size - 1, false
	}
	return first, min(last, size-1), true
}
