package githubactions

import (
	"strings"
	"testing"
)

func TestDelimiter(t *testing.T) {
	a, b := newDelimiter(), newDelimiter()
	if a == b || len(strings.TrimPrefix(a, "ghadelimiter_")) != 32 {
		t.Error(a, b)
	}
	for _, e := range []Entry{{"name", "x\n" + a + "\ny"}, {"name" + a, "x"}, {"name", a}} {
		if got, err := e.append(nil, a); err == nil {
			t.Errorf("%q was written", got)
		}
	}
	got, err := Entry{"name", b}.append([]byte("x\n"), a)
	if want := "x\nname<<" + a + "\n" + b + "\n" + a + "\n"; string(got) != want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
