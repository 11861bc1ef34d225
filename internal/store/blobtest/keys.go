package blobtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
)

func (s *suite) miss() {
	s.misses("nothing-here")
	s.misses("nothing-here", "nothing-", "not")
	s.put("something", Content("", 10), "some")
	s.misses("nothing-here", "nothing-")
}

func (s *suite) exactFirst() {
	s.put("go1-linux-aa-1111", Content("1", 100), "go1-linux-aa-", "go1-linux-")
	s.later()
	s.put("go1-linux-aa-2222", Content("2", 200), "go1-linux-aa-", "go1-linux-")
	s.holds(s.find("go1-linux-aa-1111", "go1-linux-aa-1111", "go1-linux-aa-", "go1-linux-"), Content("1", 100))
	s.holds(s.find("go1-linux-aa-2222", "go1-linux-aa-2222"), Content("2", 200))
}

func (s *suite) noPrefixNoHit() {
	s.put("go1-linux-aa-1111", Content("1", 100), "go1-linux-aa-")
	s.misses("go1-linux-aa-1112")
	s.misses("go1-linux-aa-")
	s.misses("go1-linux-aa-11")
	s.misses("go1-linux-aa-11", "go2-")
}

// keyIsPrefix has a key that another one begins with. Servers that take a key
// for a prefix as well find the wrong one.
func (s *suite) keyIsPrefix() {
	s.put("go1-aa", Content("short", 100), "go1-")
	s.later()
	s.put("go1-aa-more", Content("long", 200), "go1-aa-", "go1-aa-m")
	s.holds(s.find("go1-aa", "go1-aa"), Content("short", 100))
	s.holds(s.find("go1-aa-more", "go1-aa-more"), Content("long", 200))
	s.misses("go1-aa-mor")
	s.find("go1-aa-more", "go1-aa-m", "go1-aa-m")
}

func (s *suite) firstPrefixFirst() {
	s.put("go1-linux-aa-1111", Content("1", 100), "go1-linux-aa-", "go1-linux-")
	s.later()
	s.put("go1-linux-bb-2222", Content("2", 200), "go1-linux-bb-", "go1-linux-")
	s.find("go1-linux-aa-1111", "go1-linux-aa-3333", "go1-linux-aa-", "go1-linux-")
	s.find("go1-linux-bb-2222", "go1-linux-bb-3333", "go1-linux-bb-", "go1-linux-")
	s.find("go1-linux-aa-1111", "go1-linux-cc-3333", "go1-linux-cc-", "go1-linux-aa-", "go1-linux-bb-")
	s.find("go1-linux-bb-2222", "go1-linux-cc-3333", "go1-linux-cc-", "go1-linux-")
}

func (s *suite) newest() {
	// The order of the names is not that of the times.
	for i, name := range []string{"b", "c", "a", "e", "d"} {
		s.put("go1-"+name, Content(name, 100+i), "go1-")
		found := s.find("go1-"+name, "go1-f", "go1-")
		s.holds(found, Content(name, 100+i))
		s.later()
	}
}

// longKeys differ late, where a store that shortens keys no longer sees it.
func (s *suite) longKeys() {
	head := strings.Repeat("0123456789abcdef", 31) // 496
	for i, tail := range []string{"", ".", "-1", ".1", "-0123456789abcde"} {
		s.put(head+tail, Content(tail, 100+i), head[:100], head[:300])
		s.find(head+tail, head+"-none", head[:300])
		s.find(head+tail, head+"-none", head[:100])
		s.later()
	}
	for i, tail := range []string{"", ".", "-1", ".1", "-0123456789abcde"} {
		s.holds(s.find(head+tail, head+tail), Content(tail, 100+i))
	}
	for _, n := range []int{128, 129, 199, 200, 201, 399, 400} {
		s.put(head[:n], Content("", n))
		s.holds(s.find(head[:n], head[:n]), Content("", n))
	}
	s.misses(head[:398])
}

func (s *suite) manyKeys() {
	const n = 100
	for i := range n {
		s.put(fmt.Sprintf("many-%d", i), Content("", i+1), "many-")
	}
	for i := range n {
		key := fmt.Sprintf("many-%d", i)
		s.holds(s.find(key, key), Content("", i+1))
	}
	s.misses("many-100")
}

func (s *suite) badKeys() {
	bad := []string{"", "A", "a/b", "a..b", ".a", "..", ".", "a,b", "a_b", "a+b", "a b", "a\n", "ä", "a\x00", strings.Repeat("a", blob.MaxKey+1)}
	for _, key := range bad {
		if found, err := s.store.Find(s.Context(), key); err == nil || errors.Is(err, fs.ErrNotExist) {
			s.Errorf("Find(%.20q) is %q, %v, want a refusal", key, found.Key, err)
		}
		if err := s.store.Put(s.Context(), key, nil, bytes.NewReader([]byte("x"))); err == nil || errors.Is(err, fs.ErrExist) {
			s.Errorf("Put(%.20q): %v, want a refusal", key, err)
		}
	}
}

// keeper returns what the store can do for those who look after it.
func (s *suite) keeper() blob.Admin {
	k, ok := s.store.(blob.Admin)
	if !ok {
		s.Skipf("%T is no blob.Admin", s.store)
	}
	return k
}

func (s *suite) list() {
	k := s.keeper()
	for i, name := range []string{"b", "c", "a"} {
		s.put("go1-"+name, Content(name, 100+i), "go1-")
		s.later()
	}
	s.put("go2-a", Content("", 7), "go2-")
	s.lists(k, "go1-", "go1-a", "go1-c", "go1-b")
	s.lists(k, "go2-a", "go2-a")
	s.lists(k, "go3")
	s.lists(k, "", "go2-a", "go1-a", "go1-c", "go1-b")
}

func (s *suite) lists(k blob.Admin, prefix string, want ...string) {
	s.Helper()
	all, err := k.List(s.Context(), prefix)
	if err != nil {
		s.Fatalf("List(%q): %v", prefix, err)
	}
	var got []string
	for _, i := range all {
		got = append(got, i.Key)
		s.checkInfo(i)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		s.Errorf("List(%q) is %q, want %q", prefix, got, want)
	}
}

func (s *suite) checkInfo(i blob.Info) {
	s.Helper()
	found := s.find(i.Key, i.Key)
	content, err := s.read(found, 0, -1)
	if err != nil {
		s.Fatalf("reading %q: %v", i.Key, err)
	}
	if i.Size >= 0 && i.Size != int64(len(content)) {
		s.Errorf("%q is listed with %d bytes, and has %d", i.Key, i.Size, len(content))
	}
	if age := time.Since(i.Created); !i.Created.IsZero() && (age < -time.Minute || age > time.Hour) {
		s.Errorf("%q is listed as created %s ago", i.Key, age)
	}
}

func (s *suite) remove() {
	k := s.keeper()
	s.put("go1-a", Content("a", 100), "go1-")
	s.later()
	s.put("go1-b", Content("b", 100), "go1-")
	if err := k.Remove(s.Context(), "go1-a"); err != nil {
		s.Fatal(err)
	}
	s.misses("go1-a")
	s.find("go1-b", "go1-a", "go1-")
	s.lists(k, "go1-", "go1-b")
	if err := k.Remove(s.Context(), "go1-a"); !errors.Is(err, fs.ErrNotExist) {
		s.Errorf("removing what is gone: %v, want fs.ErrNotExist", err)
	}
	s.put("go1-a", Content("new", 50), "go1-")
	s.holds(s.find("go1-a", "go1-a"), Content("new", 50))
}
