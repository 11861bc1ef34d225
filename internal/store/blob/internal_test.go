package blob

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTrust(t *testing.T) {
	for _, test := range []struct {
		me, owner, mode uint32
		want            string
	}{
		{1000, 1000, 0o700, ""},
		{1000, 0, 0o755, ""},
		{0, 1000, 0o700, ""},
		{1000, 1001, 0o700, "belongs to user 1001"},
		{1000, 1000, 0o702, "may be written by everybody"},
		{0, 0, 0o777, "may be written by everybody"},
	} {
		err := trust("/store", unix.Stat_t{Uid: test.owner, Mode: unix.S_IFDIR | test.mode}, test.me)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%d in a store of %d with mode %o: %v, want %q", test.me, test.owner, test.mode, err, test.want)
		}
	}
}

func TestKeyOf(t *testing.T) {
	for _, path := range []string{"", "A", "a/b", "+a", "a+", "a+/+b", strings.Repeat("a", 201), strings.Repeat("a", 200) + "+/b", strings.Repeat("a", 200) + "+/+" + strings.Repeat("b", 400)} {
		if key, ok := keyOf(path); ok {
			t.Errorf("%q is taken for the blob of %q", path, key)
		}
	}
	for _, n := range []int{1, 200, 201, 399, 400, 512} {
		key := strings.Repeat("k", n)
		if got, ok := keyOf(rel(key)); got != key || !ok {
			t.Errorf("the key of %d is %q, %t", n, got, ok)
		}
	}
}

func TestBackoff(t *testing.T) {
	for n, most := range map[int]time.Duration{1: 150 * time.Millisecond, 4: 1200 * time.Millisecond} {
		for range 1000 {
			if d := backoff(n); d < most/3 || d > most {
				t.Fatalf("after attempt %d it waits for %s", n, d)
			}
		}
	}
}

// A server says anything. It is no time to wait, or one from 0 on.
func FuzzRetryAfter(f *testing.F) {
	for _, v := range []string{"", "0", "120", "-1", "1e9", "18446744073709551615", "99999999999999999999999", "Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		f.Add(v)
	}
	now := time.Now()
	f.Fuzz(func(t *testing.T, v string) {
		resp := &http.Response{Header: http.Header{"Retry-After": {v}}}
		if d := retryAfter(resp, now); d < 0 {
			t.Errorf("%q is %s", v, d)
		}
	})
}
