package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// What a Transport does when nothing else is asked for.
const (
	DefaultStall = 2 * time.Second // a working server answers in a tenth of it
	DefaultFloor = 256 << 10       // bytes a second: 4 MB, a small program, would take a build's time
)

// maxAnswer bounds the body of an answer that says that something is wrong, and
// is up to where an answer is read as part of its attempt.
const maxAnswer = 64 << 10

// attempts is how often a request is sent, if the budget lasts: with waits of
// 0.1, 0.2, 0.4 and 0.8 s in between, which a restart of a server takes.
const attempts = 5

// Transport sends the requests of one store, and gives up on a server that is
// slow, stuck or broken before it costs more than it could save:
//
//   - An attempt in which nothing moves for Stall, in either direction, is
//     ended; so is one with a body that moves slower than Floor. Time in which
//     a body is not read, or its source is, does not count.
//   - Network errors, 408, 429, 500, 502, 503 and 504 are tried again, if the
//     body of the request can be had again (GetBody). Retry-After is obeyed.
//     An answer of at most 64 KiB is read as part of the attempt.
//   - What failed attempts and waits take comes off Budget. When it does not
//     last, or five attempts failed, the store is given up: that request gets
//     its error, or the last answer, and all later ones an error that wraps
//     ErrUnavailable, without being sent.
//   - Any other answer is an answer. So are errors of the caller: a done
//     context, a body that cannot be read; and of TLS: who answers does not
//     speak it, or has no certificate to be believed.
//   - The body of an answer from 400 on ends after 64 KiB.
//   - A redirect to what is not http or https is a fault.
//   - No error holds the query of a URL, which may have a signature; but
//     http.Client puts one around it that does, see [StripQuery]. The Referer
//     header that it sends after a redirect, query and all, is taken out.
//
// A fault in a body that the caller reads comes off Budget, too, and is
// wrapped in the error of Read; who reads knows whether to try again.
type Transport struct {
	base    http.RoundTripper
	budget  *Budget
	pace    pace
	observe func(Attempt)
}

// TransportOptions say how patient a Transport is. Zero fields stand for the
// defaults.
type TransportOptions struct {
	Stall time.Duration
	// Floor is in bytes a second. Transfers at the same time share one.
	Floor int64
	// FloorAfter is how long a body may take at any speed, and the time that its
	// speed is measured in; 0 is DefaultStall.
	FloorAfter time.Duration
	// Budget is that of the store; nil is a new one.
	Budget *Budget
	// Observe is told of each attempt when it is over, which is when its body was
	// read or closed. It is called from many goroutines.
	Observe func(Attempt)
}

// Attempt is a request that was sent. It has no query and no header, as those
// hold signatures and tokens.
type Attempt struct {
	Method, Host, Path string
	Number             int // from 1 on, of the same request
	Status             int // 0: there was no answer
	Bytes              int64
	Took               time.Duration
	Err                error
}

// NewTransport returns a Transport that sends with base, of which nobody else
// need know.
func NewTransport(base http.RoundTripper, o TransportOptions) *Transport {
	t := &Transport{base: base, budget: o.Budget, observe: o.Observe}
	t.pace.stall = cmp.Or(o.Stall, DefaultStall)
	t.pace.after = cmp.Or(o.FloorAfter, DefaultStall)
	t.pace.floor = cmp.Or(o.Floor, DefaultFloor)
	if t.budget == nil {
		t.budget = NewBudget(0)
	}
	if t.observe == nil {
		t.observe = func(Attempt) {}
	}
	return t
}

// Budget returns what is left for the store.
func (t *Transport) Budget() *Budget { return t.budget }

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	if err := t.refuse(req); err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		began := time.Now()
		resp, fault, err := t.attempt(req, body, n)
		if fault == nil {
			return resp, err
		}
		t.budget.Waste(began, time.Now())
		if body, err = t.again(req, n, resp); err == nil {
			continue
		}
		if req.Context().Err() != nil {
			return nil, context.Cause(req.Context())
		}
		if errors.Is(err, ErrUnavailable) {
			return nil, err
		}
		err = fmt.Errorf("%s %s: %w, %w", req.Method, where(req.URL), fault, err)
		t.budget.GiveUp(err)
		if resp != nil && !errors.Is(err, errTooLate) {
			return resp, nil
		}
		return nil, err
	}
}

// refuse says why a request is not sent at all.
func (t *Transport) refuse(req *http.Request) error {
	err := t.budget.Err()
	if err == nil && !isHTTP(req.URL) {
		err = fmt.Errorf("%.20q is neither http nor https", req.URL.Scheme)
	}
	if err != nil && req.Body != nil {
		req.Body.Close()
	}
	return err
}

var (
	errEnough  = errors.New("after all attempts")
	errOnce    = errors.New("and its body cannot be sent again")
	errSpent   = errors.New("and faults wasted all the time that they may")
	errTooLate = errors.New("and that is too late")
)

// again waits until a request may be sent again, the n+1st time, and returns
// its body; or says why it may not.
func (t *Transport) again(req *http.Request, n int, resp *http.Response) (io.ReadCloser, error) {
	hasBody := req.Body != nil && req.Body != http.NoBody
	switch {
	case hasBody && req.GetBody == nil:
		return nil, errOnce
	case n == attempts:
		return nil, errEnough
	}
	wait := backoff(n)
	left := t.budget.Left()
	if later := retryAfter(resp, time.Now()); later > left {
		return nil, fmt.Errorf("asks to wait for %s, %w: %s are left for faults", later, errTooLate, left.Round(time.Millisecond))
	} else if wait = max(wait, later); wait > left {
		return nil, errSpent
	}
	if err := t.wait(req.Context(), wait); err != nil {
		return nil, err
	}
	if !hasBody {
		return req.Body, nil
	}
	return req.GetBody()
}

// wait waits, unless the store is given up meanwhile.
func (t *Transport) wait(ctx context.Context, d time.Duration) error {
	began := time.Now()
	defer func() { t.budget.Waste(began, time.Now()) }()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return t.budget.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// backoff is how long to wait after the nth attempt: 0.1 s, doubled each time,
// give or take a half of it, so that many machines do not come back at once.
func backoff(n int) time.Duration {
	d := 100 * time.Millisecond << (n - 1)
	return d/2 + rand.N(d)
}

// retryAfter is how long a server asks to wait: seconds or a date (RFC 9110,
// 10.2.3).
func retryAfter(resp *http.Response, now time.Time) time.Duration {
	if resp == nil {
		return 0
	}
	v := resp.Header.Get("Retry-After")
	if s, err := strconv.ParseUint(v, 10, 32); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(s, math.MaxUint32)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// isTransient reports whether a status is one that may pass.
func isTransient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
