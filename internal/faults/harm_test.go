package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// expiredPath is where signatures have always expired.
const expiredPath = "/expired"

// strike is a request that is to be harmed.
type strike struct {
	*proxy
	w http.ResponseWriter
	r *http.Request

	cell  cell
	times int // how many were harmed, with this one
	looks int // look-ups since the first one
	gone  bool
}

// harm answers a request as the fault has it.
func (s *strike) harm() {
	if s.gone {
		reset(hijack(s.w))
		return
	}
	switch s.cell.fault {
	case refused:
		s.leave()
		reset(hijack(s.w))
	case resetting, stall, trickle, truncated, tooLong:
		s.harmLine()
	case flipped:
		s.flip()
	case wrongBlob:
		s.mistake()
	case expired:
		s.expire()
	case eviction:
		s.evicted()
	case webPage:
		s.w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(s.w, "<!DOCTYPE html><html><body>Please log in to the wireless network.</body></html>")
	default:
		s.harmStatus()
	}
}

// harmStatus answers with a status. One 429 of a server that is busy for a
// second is followed by honest answers.
func (s *strike) harmStatus() {
	status := http.StatusTooManyRequests
	switch s.cell.fault {
	case soon:
		if s.times > 1 {
			s.pass(s.honest())
			return
		}
		s.w.Header().Set("Retry-After", "1")
	case late:
		s.w.Header().Set("Retry-After", "3600")
	case busy:
	default:
		status, _ = strconv.Atoi(s.cell.fault)
	}
	s.status(status)
}

// status answers as servers of all protocols do.
func (s *strike) status(status int) {
	s.w.Header().Set("Content-Type", "application/json")
	s.w.WriteHeader(status)
	io.WriteString(s.w, `{"code":"unknown","msg":"harm","message":"harm","errors":[{"code":"UNKNOWN","message":"harm"}]}`)
}

// refuseSignature is Azure's answer to a signature that is no longer good.
func (s *strike) refuseSignature() {
	s.w.Header().Set("Content-Type", "application/xml")
	s.w.Header().Set("x-ms-error-code", "AuthenticationFailed")
	s.w.WriteHeader(http.StatusForbidden)
	io.WriteString(s.w, "<Error><Code>AuthenticationFailed</Code></Error>")
}

// honest is what the server answers.
func (s *strike) honest() *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	s.backend.ServeHTTP(rec, s.r)
	return rec
}

// pass passes an answer on.
func (s *strike) pass(rec *httptest.ResponseRecorder) {
	for name, values := range rec.Header() {
		s.w.Header()[name] = values
	}
	s.w.WriteHeader(rec.Code)
	s.w.Write(rec.Body.Bytes())
}

// passAs passes an answer on with another body.
func (s *strike) passAs(rec *httptest.ResponseRecorder, body []byte) {
	rec.Body = bytes.NewBuffer(body)
	rec.Header().Set("Content-Length", strconv.Itoa(len(body)))
	s.pass(rec)
}

// forward has the server take another body than the one that was sent.
func (s *strike) forward(body []byte) {
	s.r.Body, s.r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	s.r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	s.pass(s.honest())
}

// flip flips a bit in the middle of what is uploaded, else of the answer.
func (s *strike) flip() {
	if s.cell.step == upload {
		s.forward(flip(peek(s.r)))
		return
	}
	rec := s.honest()
	s.passAs(rec, flip(rec.Body.Bytes()))
}

func flip(data []byte) []byte {
	if len(data) > 0 {
		data[len(data)/2] ^= 1
	}
	return data
}

// mistake takes another whole entry for the one that was asked for or sent.
func (s *strike) mistake() {
	other := s.world.entry(s.cell.kind, otherProgram)
	switch s.cell.step {
	case upload:
		s.forward(other.data)
	case download:
		http.ServeContent(s.w, s.r, "", other.created, bytes.NewReader(other.data))
	default:
		s.misguide(other)
	}
}

// misguide leads a look-up to another entry, which it says is the right one.
func (s *strike) misguide(other *entryData) {
	right := s.world.entry(s.cell.kind, seedProgram)
	var in map[string]any
	if json.Unmarshal(peek(s.r), &in) == nil { // v2
		in["key"] = other.key
		delete(in, "restore_keys")
		body, _ := json.Marshal(in)
		s.r.Body, s.r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	query := s.r.URL.Query()
	if query.Has("keys") {
		query.Set("keys", other.key)
		s.r.URL.RawQuery = query.Encode()
	}
	if at, _, ok := strings.Cut(s.r.URL.Path, "/manifests/"); ok {
		s.r.URL.Path = at + "/manifests/" + other.key
	}
	rec := s.honest()
	s.passAs(rec, bytes.ReplaceAll(rec.Body.Bytes(), []byte(other.key), []byte(right.key)))
}

var expiry = regexp.MustCompile(`([?&]|\\u0026)se=[^&"\\]*`)

// expire has the signature of a link expire: before it is used where it is
// made, else when it is used, until another one is asked for.
func (s *strike) expire() {
	switch {
	case s.cell.step == lookUp, s.cell.step == reserve:
		rec := s.honest()
		s.passAs(rec, expiry.ReplaceAll(rec.Body.Bytes(), []byte("${1}se="+url.QueryEscape("2020-01-02T03:04:05Z"))))
	case s.cell.store == oci:
		http.Redirect(s.w, s.r, expiredPath, http.StatusTemporaryRedirect)
	case s.looks == 0:
		s.refuseSignature()
	default:
		s.pass(s.honest())
	}
}

// evicted has an entry go while it is read.
func (s *strike) evicted() {
	if s.times > 1 {
		s.status(http.StatusNotFound)
		return
	}
	conn := s.cut(s.honest())
	if s.evict != nil {
		s.evict(s.world.entry(s.cell.kind, seedProgram).key)
	}
	s.resetSoon(conn)
}
