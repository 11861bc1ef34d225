package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/org/gorun-action/container"
)

// proxy is an entry of GOPROXY.
type proxy struct {
	url  *url.URL // nil for the words
	word string   // "direct" or "off"
	// fallThrough reports that the next entry is tried on any error.
	fallThrough bool
}

func (p proxy) String() string {
	if p.url == nil {
		return p.word
	}
	return p.url.Redacted()
}

// parseGOPROXY reads GOPROXY as the go command does (cmd/go/internal/modfetch,
// proxy.go, proxyList).
func parseGOPROXY(list string) ([]proxy, error) {
	const hint = "set GOPROXY to a module proxy, or install Go"
	if list == "" {
		return nil, container.WithHint(errors.New("no module proxy is configured"), hint)
	}
	var proxies []proxy
	for rest := list; rest != ""; {
		entry, after, sep := rest, "", byte(0)
		if i := strings.IndexAny(rest, ",|"); i >= 0 {
			entry, after, sep = rest[:i], rest[i+1:], rest[i]
		}
		rest = after
		entry = strings.TrimSpace(entry)
		switch entry {
		case "":
			continue
		case "direct", "off":
			return append(proxies, proxy{word: entry}), nil // nothing after it counts
		}
		u, err := proxyURL(entry)
		if err != nil {
			return nil, container.WithHint(err, hint)
		}
		proxies = append(proxies, proxy{url: u, fallThrough: sep == '|'})
	}
	if len(proxies) == 0 {
		return nil, container.WithHint(fmt.Errorf("GOPROXY=%q has no entries", list), hint)
	}
	return proxies, nil
}

func proxyURL(entry string) (*url.URL, error) {
	if strings.ContainsAny(entry, ".:/") && !strings.Contains(entry, ":/") && !path.IsAbs(entry) {
		entry = "https://" + entry
	}
	u, err := url.Parse(entry)
	if err != nil {
		var e *url.Error // its text would show a password
		if errors.As(err, &e) {
			err = e.Err
		}
		return nil, fmt.Errorf("an entry of GOPROXY is not a URL: %w", err)
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" {
			return nil, fmt.Errorf("the entry %s of GOPROXY has no host", u.Redacted())
		}
	case "file":
		if u.Host != "" && u.Host != "localhost" || !path.IsAbs(u.Path) {
			return nil, fmt.Errorf("the entry %s of GOPROXY is not of the form file:///dir", u.Redacted())
		}
	default:
		return nil, fmt.Errorf("the entry %s of GOPROXY is neither an https, http or file URL, nor direct or off", u.Redacted())
	}
	return u, nil
}

// refuses returns what is wrong with asking a word for a toolchain.
func (p proxy) refuses() error {
	switch p.word {
	case "off":
		return container.WithHint(errors.New("GOPROXY=off forbids downloads"), "set GOPROXY to a module proxy, or put the module into the module cache")
	case "direct":
		return container.WithHint(errors.New("a toolchain cannot be fetched directly from a repository"), `put a module proxy before "direct" in GOPROXY`)
	}
	return nil
}

// file returns the URL of a toolchain's zip.
func (p proxy) file(mod string) *url.URL {
	return p.url.JoinPath(modulePath, "@v", mod+".zip")
}

// open returns the content of a toolchain's zip and its size, 0 when that is
// not known. A proxy without it is an fs.ErrNotExist.
func (p proxy) open(ctx context.Context, client *http.Client, mod string) (io.ReadCloser, int64, error) {
	if p.url.Scheme == "file" {
		return openFile(filepath.FromSlash(p.file(mod).Path))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.file(mod).String(), nil)
	if err != nil {
		return nil, 0, err
	}
	// Else net/http asks for gzip and hides the length.
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := client.Do(req)
	if err != nil {
		var e *url.Error // its text repeats the URL
		if errors.As(err, &e) {
			err = e.Err
		}
		return nil, 0, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, 0, statusError(resp)
	}
	return resp.Body, max(resp.ContentLength, 0), nil
}

func openFile(name string) (io.ReadCloser, int64, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // waits for nobody at the other end of a pipe
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// statusError says what a proxy answered, with its own words where it has some.
func statusError(resp *http.Response) error {
	err := errors.New(resp.Status)
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone {
		err = fmt.Errorf("%s: %w", resp.Status, fs.ErrNotExist)
	}
	if words := serverWords(resp); words != "" {
		err = fmt.Errorf("%w (the server says: %s)", err, words)
	}
	return err
}

// serverWords returns the start of a text answer, as long as it is fit to be
// shown: a proxy's answer goes into logs.
func serverWords(resp *http.Response) string {
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		return ""
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 400))
	words := strings.Join(strings.Fields(string(data)), " ")
	if err != nil || !utf8.ValidString(words) || strings.ContainsFunc(words, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return words
}
