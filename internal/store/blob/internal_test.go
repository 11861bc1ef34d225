package blob

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

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
