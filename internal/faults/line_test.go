package faults

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// garbage is what is too much.
func garbage() string { return strings.Repeat("more ", 200) }

// harmLine does harm on the line: to what is uploaded, else to the answer.
func (s *strike) harmLine() {
	if s.cell.step == upload {
		s.harmUpload()
		return
	}
	rec := s.honest()
	switch s.cell.fault {
	case tooLong:
		s.passAs(rec, append(rec.Body.Bytes(), garbage()...))
	case truncated:
		s.cut(rec).Close()
	case resetting:
		s.resetSoon(s.cut(rec))
	case stall:
		s.hold(s.cut(rec))
	case trickle:
		s.drip(rec)
	}
}

// wire is an answer as it is sent.
func wire(rec *httptest.ResponseRecorder) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", rec.Code, http.StatusText(rec.Code))
	rec.Header().Set("Content-Length", fmt.Sprint(rec.Body.Len()))
	if rec.Code == http.StatusNoContent {
		rec.Header().Del("Content-Length")
	}
	rec.Header().Write(&b)
	b.WriteString("\r\n")
	b.Write(rec.Body.Bytes())
	return b.Bytes()
}

// cut sends the first half of an answer: of its body, or where it has none, of
// its head.
func (s *strike) cut(rec *httptest.ResponseRecorder) net.Conn {
	answer := wire(rec)
	half := len(answer) - (rec.Body.Len()+1)/2
	if rec.Body.Len() == 0 {
		half = len(answer) / 2
	}
	conn := hijack(s.w)
	conn.Write(answer[:half])
	return conn
}

// resetSoon resets a connection. What the other end has not read until then it
// does not get to read, so that some time is left for it.
func (s *strike) resetSoon(conn net.Conn) {
	time.Sleep(50 * time.Millisecond)
	reset(conn)
}

// hold keeps a connection until the other end or the cell is over.
func (s *strike) hold(conn net.Conn) {
	defer conn.Close()
	gone := make(chan struct{})
	go func() { io.Copy(io.Discard, conn); close(gone) }()
	select {
	case <-gone:
	case <-s.over:
	}
}

// drip sends a byte of an answer each second.
func (s *strike) drip(rec *httptest.ResponseRecorder) {
	answer := wire(rec)
	conn := hijack(s.w)
	head := len(answer) - rec.Body.Len()
	if rec.Body.Len() == 0 {
		head = 1
	}
	conn.Write(answer[:head])
	go s.hold(conn)
	for ; head < len(answer) && s.second(); head++ {
		if _, err := conn.Write(answer[head : head+1]); err != nil {
			return
		}
	}
}

// second waits for one; false: the cell is over.
func (s *strike) second() bool {
	select {
	case <-time.After(time.Second):
		return true
	case <-s.over:
		return false
	}
}

// harmUpload does harm to what is uploaded. A server that cuts or adds does not
// say so.
func (s *strike) harmUpload() {
	switch half := max(s.r.ContentLength/2, 32<<10); s.cell.fault {
	case tooLong:
		s.forward(append(peek(s.r), garbage()...))
	case truncated:
		body := peek(s.r)
		s.forward(body[:len(body)/2])
	case resetting:
		io.CopyN(io.Discard, s.r.Body, half)
		reset(hijack(s.w))
	case stall:
		io.CopyN(io.Discard, s.r.Body, half)
		<-s.over
	case trickle:
		for one := make([]byte, 1); s.second(); {
			if _, err := s.r.Body.Read(one); err != nil {
				return
			}
		}
	}
}
