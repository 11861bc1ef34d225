package githubcache

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

const (
	userAgent = "gorun"
	maxAnswer = 1 << 20 // bytes of a JSON answer; a signed URL has 1 KiB
	maxWords  = 200     // bytes of a server's words in an error
)

// client sends requests: to the service with the token, to signed URLs without.
type client struct {
	http  *http.Client
	token string
}

func newClient(transport http.RoundTripper, token string) *client {
	return &client{http: &http.Client{Transport: transport, CheckRedirect: checkRedirect}, token: token}
}

// checkRedirect is net/http's own rule, and that nothing goes on in clear text:
// net/http sends the token on where the host stays the same.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 || via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("the server redirects too often, or from https to http")
	}
	return nil
}

// send carries out a request. Its errors name the host alone: signed URLs have
// their secret in the query, act's in the path.
func (c *client) send(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", userAgent)
	resp, err := c.http.Do(req)
	if u, ok := errors.AsType[*url.Error](err); ok {
		return nil, fmt.Errorf("asking %s: %w", req.URL.Host, u.Err)
	}
	return resp, err
}

// call is a request of the service itself. in is sent as JSON unless it is
// nil. An answer other than 2xx is a *refusal.
func (c *client) call(ctx context.Context, method, link string, in any, header http.Header) (status int, answer []byte, err error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return 0, nil, err
		}
		body = bytes.NewReader(data) // net/http gives it a length and GetBody
	}
	req, err := http.NewRequestWithContext(ctx, method, link, body)
	if err != nil {
		return 0, nil, err
	}
	if header != nil {
		req.Header = header
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return c.answer(req)
}

// answer sends a request whose answer is small.
func (c *client) answer(req *http.Request) (status int, answer []byte, err error) {
	resp, err := c.send(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return 0, nil, readRefusal(resp)
	}
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("reading the answer of %s: %w", req.URL.Host, err)
	case len(answer) > maxAnswer:
		return 0, nil, fmt.Errorf("the answer of %s is longer than %d bytes", req.URL.Host, maxAnswer)
	}
	return resp.StatusCode, answer, nil
}

// refusal is an answer that is none of success.
type refusal struct {
	status int
	code   string // Twirp's or Azure's, "" if the server told none
	words  string // the server's own, for people; "" if there are none
}

func (r *refusal) Error() string {
	said := fmt.Sprintf("the server answered %d %s", r.status, http.StatusText(r.status))
	for _, s := range []string{r.code, r.words} {
		if s != "" {
			said += ": " + s
		}
	}
	return said
}

func readRefusal(resp *http.Response) *refusal {
	// What cannot be read is not said.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	r := parseRefusal(resp.StatusCode, resp.Header.Get("Content-Type"), body)
	if code := resp.Header.Get("x-ms-error-code"); code != "" {
		// Azure's XML can quote what was signed.
		r.code, r.words = oneLine(code), ""
	}
	return r
}

// parseRefusal finds the words in Twirp's errors ({"code","msg"}), in those of
// GitHub's v1 ({"message"}), act's ({"error"}), and in plain text.
func parseRefusal(status int, contentType string, body []byte) *refusal {
	var told struct{ Code, Msg, Message, Error any }
	if json.Unmarshal(body, &told) == nil {
		code, _ := told.Code.(string)
		return &refusal{status: status, code: oneLine(code), words: oneLine(firstString(told.Msg, told.Message, told.Error))}
	}
	start := strings.ToLower(string(bytes.TrimSpace(body[:min(len(body), 1024)])))
	if strings.HasPrefix(contentType, "text/html") || strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html") {
		return &refusal{status: status, words: "with a web page"}
	}
	return &refusal{status: status, words: oneLine(string(body))}
}

func firstString(values ...any) string {
	var found string
	for _, v := range values {
		s, _ := v.(string)
		found = cmp.Or(found, s)
	}
	return found
}

// oneLine makes foreign words fit for a log: short, printable, on one line. What
// is no text is "".
func oneLine(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), maxWords)], "")
	if strings.ContainsRune(s, 0) {
		return ""
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) }), " ")
}

// refusedWith reports whether err is a refusal with one of these statuses.
func refusedWith(err error, statuses ...int) bool {
	r, ok := errors.AsType[*refusal](err)
	for _, s := range statuses {
		if ok && r.status == s {
			return true
		}
	}
	return false
}

// checkLink accepts a URL that a service over scheme may send us to: never from
// https to http, and nothing but these.
func checkLink(link, scheme string) error {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || scheme != "http") {
		return errors.New("the service answered with a URL that gorun does not accept")
	}
	return nil
}
