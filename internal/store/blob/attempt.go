package blob

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// attempt is one sending of a request.
type attempt struct {
	t      *Transport
	caller context.Context
	ctx    context.Context
	cancel context.CancelCauseFunc
	w      *watch
	began  time.Time
	told   sync.Once
	about  Attempt
}

// attempt sends a request once. fault is what may pass, and then there is an
// answer only if its status is the fault; err is what is up to the caller.
func (t *Transport) attempt(req *http.Request, body io.ReadCloser, n int) (resp *http.Response, fault, err error) {
	a := &attempt{t: t, caller: req.Context(), began: time.Now()}
	a.about = Attempt{Method: req.Method, Host: req.URL.Host, Path: req.URL.Path, Number: n}
	a.ctx, a.cancel = context.WithCancelCause(req.Context())
	a.w = newWatch(&t.pace, t.budget.Left(), a.cancel)
	resp, err = t.base.RoundTrip(a.request(req, body))
	a.w.do(a.w.answer)
	if err == nil {
		a.about.Status = resp.StatusCode
		err = a.settle(resp)
	}
	if err != nil {
		lasting := isLasting(err)
		err = a.end(err)
		if lasting || a.isCallers() {
			return nil, nil, err
		}
		return nil, err, nil
	}
	if isTransient(resp.StatusCode) {
		return resp, fmt.Errorf("the server answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode)), nil
	}
	return resp, nil, nil
}

// isLasting reports whether another attempt would end in the same way: who
// answers speaks no TLS, as a registry of this machine that is tried with it
// first, or is not who it should be.
func isLasting(err error) bool {
	var noTLS tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &noTLS) || errors.As(err, &certificate)
}

// request is the request to send: a RoundTripper may not change the one that
// it got.
func (a *attempt) request(req *http.Request, body io.ReadCloser) *http.Request {
	r := req.Clone(a.ctx)
	r.Header.Del("Referer")
	if body == nil || body == http.NoBody {
		return r
	}
	r.Body = source{body, a.w}
	if req.GetBody != nil {
		r.GetBody = func() (io.ReadCloser, error) {
			again, err := req.GetBody()
			return source{again, a.w}, err
		}
	}
	return r
}

// settle reads a small answer, and leaves a large one to the caller.
func (a *attempt) settle(resp *http.Response) error {
	body := &answer{attempt: a, body: resp.Body}
	resp.Body = body
	if err := checkRedirect(resp); err != nil {
		body.body.Close()
		return err
	}
	small := resp.ContentLength >= 0 && resp.ContentLength <= maxAnswer && a.about.Method != http.MethodHead
	if resp.StatusCode < http.StatusBadRequest && !small {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	body.Close()
	if err == nil {
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	}
	return err
}

// checkRedirect refuses to go where no store is. The client's own error about
// a Location would hold it, query and all.
func checkRedirect(resp *http.Response) error {
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return nil
	}
	to, err := resp.Location()
	if errors.Is(err, http.ErrNoLocation) {
		return nil
	}
	if err != nil || !isHTTP(to) {
		return errors.New("it redirects to what is neither http nor https")
	}
	return nil
}

func isHTTP(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }

// isCallers reports whether an attempt ended for a reason of the caller's.
func (a *attempt) isCallers() bool { return a.caller.Err() != nil || a.unreadable() != nil }

func (a *attempt) unreadable() (err error) {
	a.w.do(func() { err = a.w.unreadable })
	return err
}

// reason says why an attempt failed, which its error may not.
func (a *attempt) reason(err error) error {
	if a.caller.Err() != nil {
		return context.Cause(a.caller)
	}
	if err := a.unreadable(); err != nil {
		return err
	}
	if cause := context.Cause(a.ctx); errors.Is(cause, errStalled) || errors.Is(cause, errSlow) {
		return cause
	}
	return StripQuery(err)
}

// end ends an attempt, and tells of it. It returns why it failed.
func (a *attempt) end(err error) error {
	if err != nil {
		err = a.reason(err)
	}
	a.told.Do(func() {
		a.w.do(a.w.finish)
		a.about.Bytes, a.about.Took, a.about.Err = a.w.total(), time.Since(a.began), err
		a.cancel(nil)
		a.t.observe(a.about)
	})
	return err
}

// answer is the body of an answer as the caller reads it: the network is
// waited for in its reads.
type answer struct {
	*attempt
	body  io.ReadCloser
	fault error
}

func (b *answer) Read(p []byte) (int, error) {
	if b.fault != nil {
		return 0, b.fault
	}
	b.w.do(func() { b.w.begin(); b.w.run() })
	n, err := b.body.Read(p)
	b.w.do(func() { b.w.pause(); b.w.moved(n) })
	switch {
	case err == io.EOF:
		b.end(nil)
	case err != nil:
		err = b.fail(err)
	}
	return n, err
}

// fail takes what a fault wasted off the budget.
func (b *answer) fail(err error) error {
	b.fault = b.end(err)
	if !b.isCallers() {
		now := time.Now()
		b.t.budget.Waste(now.Add(-b.w.wasted(b.fault)), now)
		if b.t.budget.Left() == 0 {
			b.t.budget.GiveUp(fmt.Errorf("%s %s%s: %w", b.about.Method, b.about.Host, b.about.Path, b.fault))
		}
	}
	return b.fault
}

func (b *answer) Close() error {
	err := b.body.Close()
	b.end(nil)
	return err
}

// StripQuery takes the queries out of the URLs that net/http puts into errors:
// a query may be a signature, and errors are logged.
func StripQuery(err error) error {
	var u *url.Error
	if !errors.As(err, &u) {
		return err
	}
	at := "a URL"
	if parsed, err := url.Parse(u.URL); err == nil {
		at = where(parsed)
	}
	return fmt.Errorf("%s %s: %w", u.Op, at, StripQuery(u.Err))
}

// where names what is at a URL, for errors.
func where(u *url.URL) string { return fmt.Sprintf("%.200s", u.Host+u.EscapedPath()) }
