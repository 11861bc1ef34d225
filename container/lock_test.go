package container

import (
	"bytes"
	"strings"
	"testing"
)

const amd64, arm64 = "linux/amd64", "linux/arm64"

// testLock has a gap (no 1.26 line), and on arm64 no 1.27.4.
func testLock() Lock {
	l := Lock{Default: "1.27.4"}
	for _, v := range []string{"1.24.9", "1.25.3", "1.25.14", "1.27.1", "1.27.4"} {
		for _, p := range []string{amd64, arm64} {
			if v == "1.27.4" && p == arm64 {
				continue
			}
			l.Toolchains = append(l.Toolchains, Toolchain{Version: v, Platform: p, Sum: "h1:" + v + p, Digest: "sha256:d", Config: "sha256:c"})
		}
	}
	return l
}

func TestChoose(t *testing.T) {
	const pinned, fetch = "pinned ", "fetch "
	tests := []struct {
		want, platform string
		minimum, exact string // "" in exact: as minimum
	}{
		{"", amd64, pinned + "1.27.4", ""},
		{"", arm64, pinned + "1.27.1", ""},
		{"", "linux/riscv64", fetch + "1.27.4", ""},

		// A line.
		{"1.25", amd64, pinned + "1.25.14", ""},
		{"go1.25", amd64, pinned + "1.25.14", ""},
		{"1.27", arm64, pinned + "1.27.1", ""},
		// A patch of a locked line: never older, and exactly that one when
		// asked for.
		{"1.25.3", amd64, pinned + "1.25.14", pinned + "1.25.3"},
		{"1.25.9", amd64, pinned + "1.25.14", fetch + "1.25.9"},
		{"1.25.0", amd64, pinned + "1.25.14", fetch + "1.25.0"},
		{"1.25.14", amd64, pinned + "1.25.14", ""},
		{"go1.25.14", arm64, pinned + "1.25.14", ""},
		{"1.25.15", amd64, fetch + "1.25.15", ""},
		{"1.27.4", arm64, fetch + "1.27.4", ""},
		// A release candidate is older than the .0 of its line.
		{"1.27rc1", amd64, pinned + "1.27.4", fetch + "1.27rc1"},
		{"1.28rc1", amd64, fetch + "1.28rc1", ""},
		{"go1.26rc2", amd64, pinned + "1.27.4", fetch + "1.26rc2"},

		// Lines that are not locked: newer than all, in a gap, older than all.
		{"1.28", amd64, fetch + "1.28.0", ""},
		{"1.28.0", amd64, fetch + "1.28.0", ""},
		{"1.28.3", amd64, fetch + "1.28.3", ""},
		{"1.26", amd64, pinned + "1.27.4", fetch + "1.26.0"},
		{"1.26.8", arm64, pinned + "1.27.1", fetch + "1.26.8"},
		{"1.23", amd64, pinned + "1.24.9", fetch + "1.23.0"},
		{"1.21", amd64, pinned + "1.24.9", fetch + "1.21.0"},
		{"1.20", amd64, pinned + "1.24.9", fetch + "1.20"},
		{"1.18", amd64, pinned + "1.24.9", fetch + "1.18"},
		{"1.18.10", amd64, pinned + "1.24.9", fetch + "1.18.10"},
		{"1.9", amd64, pinned + "1.24.9", fetch + "1.9"},
		{"1", amd64, pinned + "1.24.9", fetch + "1"},

		// A platform without any pin gets the release that the others have.
		{"1.18", "linux/riscv64", fetch + "1.24.9", fetch + "1.18"},
		{"1.25.3", "linux/riscv64", fetch + "1.25.14", fetch + "1.25.3"},
		{"1.25", "linux/riscv64", fetch + "1.25.14", ""},
	}
	l := testLock()
	answer := func(tc Toolchain, f string, err error) string {
		switch {
		case err != nil:
			return "error " + err.Error()
		case f != "":
			if tc != (Toolchain{}) {
				return "both a toolchain and a release to fetch"
			}
			return fetch + f
		}
		return pinned + tc.Version
	}
	for _, tt := range tests {
		if tt.exact == "" {
			tt.exact = tt.minimum
		}
		if got := answer(l.Choose(tt.want, tt.platform)); got != tt.minimum {
			t.Errorf("Choose(%q, %s) = %s, want %s", tt.want, tt.platform, got, tt.minimum)
		}
		if got := answer(l.ChooseExact(tt.want, tt.platform)); got != tt.exact {
			t.Errorf("ChooseExact(%q, %s) = %s, want %s", tt.want, tt.platform, got, tt.exact)
		}
	}
	if got := answer(l.Choose("default", amd64)); got != pinned+"1.27.4" {
		t.Errorf(`Choose("default") = %s`, got)
	}
}

func TestChooseRefuses(t *testing.T) {
	tests := []struct{ want, err, hint string }{
		{"go1.26.8-custom", `suffix "custom"`, "ask for 1.26.8"},
		{"1.27-devel_abc", `suffix "devel_abc"`, "ask for 1.27"},
		{"1.26.x", "not a Go release", "1.26.8"},
		{"v1.26", "not a Go release", "1.26.8"},
		{"^1.26", "not a Go release", "1.26.8"},
		{"latest", "not a Go release", "1.26.8"},
		{"local", "not a Go release", "1.26.8"},
		{"1.26.08", "not a Go release", "1.26.8"},
		{" 1.26", "not a Go release", "1.26.8"},
		{"1.26 -x", "not a Go release", "1.26.8"},
		{"go", "not a Go release", "1.26.8"},
		{"-custom", "not a Go release", "1.26.8"},
	}
	for _, tt := range tests {
		for name, choose := range map[string]func(string, string) (Toolchain, string, error){
			"Choose": testLock().Choose, "ChooseExact": testLock().ChooseExact,
		} {
			tc, fetch, err := choose(tt.want, amd64)
			if err == nil {
				t.Errorf("%s(%q) = %s %q, want an error", name, tt.want, tc.Version, fetch)
				continue
			}
			if !strings.Contains(err.Error(), tt.err) || !strings.Contains(Hint(err), tt.hint) {
				t.Errorf("%s(%q): error %q, hint %q; want %q, %q", name, tt.want, err, Hint(err), tt.err, tt.hint)
			}
		}
	}
	if _, _, err := testLock().ChooseExact("default", amd64); err == nil {
		t.Error(`ChooseExact("default"): no error`)
	}
}

func TestParseLock(t *testing.T) {
	const entry = `{"version":"1.26.8","platform":"linux/amd64","sum":"h1:x","digest":"sha256:d","config":"sha256:c"}`
	tests := []struct{ name, data, err string }{
		{"good", `{"default":"1.26.8","toolchains":[` + entry + `]}`, ""},
		{"empty", `{"default":"1.26.8","toolchains":[]}`, "pins no toolchain"},
		{"default", `{"default":"stable","toolchains":[` + entry + `]}`, `default "stable"`},
		{"twice", `{"default":"1.26.8","toolchains":[` + entry + `,` + entry + `]}`, "pinned twice"},
		{"field", `{"default":"1.26.8","toolchains":[],"x":1}`, "unknown field"},
		{"version", `{"default":"1.26.8","toolchains":[` + strings.Replace(entry, "1.26.8", "1.26.x", 1) + `]}`, "not complete"},
		{"sum", `{"default":"1.26.8","toolchains":[` + strings.Replace(entry, "h1:x", "", 1) + `]}`, "not complete"},
		{"json", `{`, "unexpected EOF"},
	}
	for _, tt := range tests {
		_, err := ParseLock([]byte(tt.data))
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
		}
	}
}

func TestEncodeOrdersAndParsesBack(t *testing.T) {
	l := testLock()
	l.Toolchains[0], l.Toolchains[8] = l.Toolchains[8], l.Toolchains[0]
	data, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseLock(data)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := back.Encode()
	if !bytes.Equal(data, again) {
		t.Errorf("encoding twice differs:\n%s\n%s", data, again)
	}
	if got := back.Toolchains[0].Version + " " + back.Toolchains[8].Version; got != "1.24.9 1.27.4" {
		t.Errorf("first and last are %s", got)
	}
}

func TestPinnedToolchains(t *testing.T) {
	l, err := PinnedToolchains()
	if err != nil {
		t.Fatal(err)
	}
	if data, _ := l.Encode(); !bytes.Equal(data, embeddedLock) {
		t.Error("toolchains.json is not as `gorunctl lock` writes it")
	}
	if _, ok := l.Find(l.Default, amd64); !ok {
		t.Errorf("the default %s is not pinned for %s", l.Default, amd64)
	}
}
