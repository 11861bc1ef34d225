package main

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// piece is how much goes over the line in one turn, so that connections take
// turns.
const piece = 64 << 10

// slack is what may be made up for after a sleep that was too long.
const slack = 5 * time.Millisecond

// line is a network of one speed for all connections together, in both
// directions.
type line struct {
	rate    float64 // bytes a second
	latency time.Duration

	mu       sync.Mutex
	free     time.Time // when all that was sent until now is over
	up, down int64     // bytes, seen from the machines
}

// pass returns when n bytes have gone over the line.
func (l *line) pass(n int, bytes *int64) {
	now := time.Now()
	l.mu.Lock()
	*bytes += int64(n)
	if earliest := now.Add(-slack); l.free.Before(earliest) {
		l.free = earliest
	}
	l.free = l.free.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
	wait := l.free.Sub(now)
	l.mu.Unlock()
	time.Sleep(wait)
}

// moved is what has gone over the line.
type moved struct{ up, down int64 }

func (m moved) all() int64 { return m.up + m.down }

func (m moved) since(before moved) moved { return moved{m.up - before.up, m.down - before.down} }

func (l *line) moved() moved {
	l.mu.Lock()
	defer l.mu.Unlock()
	return moved{l.up, l.down}
}

// handler makes each request wait for the latency.
func (l *line) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(l.latency)
		h.ServeHTTP(w, r)
	})
}

// listener is the server's end of the line.
type listener struct {
	net.Listener
	line *line
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, line: l.line, ready: time.Now().Add(l.line.latency)}, nil
}

type conn struct {
	net.Conn
	line  *line
	ready time.Time // before, the connection is not made
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:min(len(p), piece)])
	time.Sleep(time.Until(c.ready))
	c.line.pass(n, &c.line.up)
	return n, err
}

func (c *conn) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		part := p[n:min(n+piece, len(p))]
		c.line.pass(len(part), &c.line.down)
		var k int
		k, err = c.Conn.Write(part)
		n += k
	}
	return n, err
}
