package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxHeader is room for the longest key, the longest name with each of its
// 255 bytes quoted as \x00, and the rest.
const maxHeader = 4096

// sumLine is the length of a header's last line.
const sumLine = len("sum ") + 2*sha256.Size + len("\n")

// header is the file "entry", see the package comment.
type header struct {
	key, name, sha256 string
	size              int64
	created           time.Time
	aboutSize         int64
	aboutSHA256       string
}

func (h header) encode() []byte {
	b := fmt.Appendf(nil, "gorun-executable 1\nkey %s\nname %q\nsha256 %s\nsize %d\ncreated %s\nabout %d %s\n",
		h.key, h.name, h.sha256, h.size, h.created.UTC().Format(time.RFC3339Nano), h.aboutSize, h.aboutSHA256)
	return fmt.Appendf(b, "sum %s\n", digest(b))
}

// digest is the SHA-256 of data in lower-case hex.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// parseHeader parses what encode wrote. The sum comes first: what it covers
// was written by encode.
func parseHeader(data []byte) (header, error) {
	body := max(0, len(data)-sumLine)
	if len(data) > maxHeader || string(data[body:]) != "sum "+digest(data[:body])+"\n" {
		return header{}, errors.New("its header does not have the sum that it says")
	}
	l := &lines{rest: string(data[:body])}
	l.fail(expect(l.value("gorun-executable"), "1"))
	h := header{key: l.value("key"), name: l.quoted("name"), sha256: l.value("sha256"), size: l.number("size"), created: l.time("created")}
	size, sum, _ := strings.Cut(l.value("about"), " ")
	h.aboutSize, h.aboutSHA256 = l.parse(size), sum
	l.fail(h.check())
	return h, l.err
}

// check refuses values that no Put writes.
func (h header) check() error {
	switch {
	case checkKey(h.key) != nil:
		return checkKey(h.key)
	case checkName(h.name) != nil:
		return checkName(h.name)
	case !isSHA256(h.sha256) || !isSHA256(h.aboutSHA256) || h.size <= 0 || h.aboutSize < 0:
		return errors.New("its header has an impossible size or digest")
	}
	return nil
}

// checkName refuses what is no plain name of a file. Quoting keeps what is
// UTF-8, and only that.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || len(name) > 255 || strings.ContainsAny(name, "/\x00") || !utf8.ValidString(name) {
		return fmt.Errorf("%q is not a valid name for a program", name)
	}
	return nil
}

// lines reads one value after the other. After an error all values are zero.
type lines struct {
	rest string
	err  error
}

func (l *lines) value(name string) string {
	line, rest, whole := strings.Cut(l.rest, "\n")
	value, named := strings.CutPrefix(line, name+" ")
	if l.err != nil || !whole || !named {
		l.fail(fmt.Errorf("its header has no %s", name))
		return ""
	}
	l.rest = rest
	return value
}

// expect is the error about a value that is not the only one there is.
func expect(value, only string) error {
	if value != only {
		return fmt.Errorf("its header has the format %q, not %s", value, only)
	}
	return nil
}

func (l *lines) fail(err error) {
	if l.err == nil && err != nil {
		l.err = err
	}
}

func (l *lines) quoted(name string) string {
	s, err := strconv.Unquote(l.value(name))
	l.fail(err)
	return s
}

func (l *lines) number(name string) int64 { return l.parse(l.value(name)) }

func (l *lines) parse(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	l.fail(err)
	return n
}

func (l *lines) time(name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, l.value(name))
	l.fail(err)
	return t.UTC()
}
