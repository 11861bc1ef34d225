package container

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"slices"
	"strings"
)

// Toolchain is one Go release for one platform, and the image that holds it.
type Toolchain struct {
	// Version is the release without its "go": "1.26.11".
	Version string `json:"version"`
	// Platform is "os/arch": "linux/amd64".
	Platform string `json:"platform"`
	// Sum is the h1: hash of the golang.org/toolchain module's zip, as go.sum
	// writes it.
	Sum string `json:"sum"`
	// Digest is the digest of the image's manifest: what a registry pulls by,
	// and the image's id in an engine with the containerd store.
	Digest string `json:"digest"`
	// Config is the digest of the image's configuration: the image's id in an
	// engine with the classic store.
	Config string `json:"config"`
}

// Lock pins toolchains. The one that gorun carries is toolchains.json, which
// `gorunctl lock` writes.
type Lock struct {
	// Default is the version whose line is taken when nothing asks for another.
	Default string `json:"default"`
	// Toolchains are ordered by version, then platform.
	Toolchains []Toolchain `json:"toolchains"`
}

//go:embed toolchains.json
var embeddedLock []byte

// PinnedToolchains returns the lock that gorun was built with.
func PinnedToolchains() (Lock, error) { return ParseLock(embeddedLock) }

// ParseLock reads a lock and refuses one that pins nothing or holds unknown
// fields, incomplete or repeated entries, or versions that are no Go release.
func ParseLock(data []byte) (Lock, error) {
	var l Lock
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return Lock{}, fmt.Errorf("reading the toolchain lock: %w", err)
	}
	if err := l.check(); err != nil {
		return Lock{}, fmt.Errorf("reading the toolchain lock: %w", err)
	}
	return l, nil
}

func (l Lock) check() error {
	if len(l.Toolchains) == 0 {
		return errors.New("it pins no toolchain")
	}
	if !version.IsValid("go" + l.Default) {
		return fmt.Errorf("the default %q is not a Go release", l.Default)
	}
	seen := map[[2]string]bool{}
	for _, t := range l.Toolchains {
		if !version.IsValid("go"+t.Version) || t.Platform == "" || t.Sum == "" || t.Digest == "" || t.Config == "" {
			return fmt.Errorf("the entry for go%s %s is not complete", t.Version, t.Platform)
		}
		id := [2]string{t.Version, t.Platform}
		if seen[id] {
			return fmt.Errorf("go%s %s is pinned twice", t.Version, t.Platform)
		}
		seen[id] = true
	}
	return nil
}

// Encode returns the lock as toolchains.json holds it: ordered, one entry a
// line, so that a new pin is one new line of a diff.
func (l Lock) Encode() ([]byte, error) {
	entries := slices.SortedFunc(slices.Values(l.Toolchains), func(a, b Toolchain) int {
		return cmp.Or(version.Compare("go"+a.Version, "go"+b.Version), cmp.Compare(a.Platform, b.Platform))
	})
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"default\": %q,\n  \"toolchains\": [", l.Default)
	for i, t := range entries {
		line, err := json.Marshal(t)
		if err != nil {
			return nil, fmt.Errorf("encoding the toolchain lock: %w", err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n    %s", line)
	}
	b.WriteString("\n  ]\n}\n")
	return b.Bytes(), nil
}

// Find returns the entry of exactly that version and platform.
func (l Lock) Find(ver, platform string) (Toolchain, bool) {
	i := slices.IndexFunc(l.Toolchains, func(t Toolchain) bool { return t.Version == ver && t.Platform == platform })
	if i < 0 {
		return Toolchain{}, false
	}
	return l.Toolchains[i], true
}

// Choose returns the toolchain for want as a go or toolchain line of a go.mod
// means it, a minimum: "1.26", "1.26.3", "go1.26.3", "1.27rc1", or "" and
// "default" for the lock's default.
//
//   - Of a locked line (1.26) the newest locked patch is taken, if it is not
//     older than want.
//   - For a line that is not locked the next newer locked line is taken, since
//     any newer Go builds it. That makes "go 1.18" the oldest locked line.
//   - When nothing locked is new enough, want itself has to be fetched.
//
// What has to be fetched comes back as fetch, the release without its "go",
// and the Toolchain is empty; otherwise fetch is "".
func (l Lock) Choose(want, platform string) (t Toolchain, fetch string, err error) {
	if want == "" || want == "default" {
		return l.byDefault(platform)
	}
	v, err := parseVersion(want)
	if err != nil {
		return Toolchain{}, "", err
	}
	releases := l.releases(platform)
	enough := func(r string) bool { return version.Compare("go"+r, v) >= 0 }
	if newest, ok := newestOfLine(releases, version.Lang(v)); ok {
		if enough(newest) {
			return l.pinned(newest, platform)
		}
		return l.pinned(firstRelease(v), platform)
	}
	if i := slices.IndexFunc(releases, enough); i >= 0 { // oldest first: the next line
		newest, _ := newestOfLine(releases, version.Lang("go"+releases[i]))
		return l.pinned(newest, platform)
	}
	return l.pinned(firstRelease(v), platform)
}

// ChooseExact is Choose for want as --go-version means it, a demand: "1.26" is
// the newest locked patch of that line, "1.26.8" that one and no other.
func (l Lock) ChooseExact(want, platform string) (t Toolchain, fetch string, err error) {
	if want == "" {
		return l.byDefault(platform)
	}
	v, err := parseVersion(want)
	if err != nil {
		return Toolchain{}, "", err
	}
	if version.Lang(v) == v { // a line
		if newest, ok := newestOfLine(l.releases(platform), v); ok {
			return l.pinned(newest, platform)
		}
	}
	return l.pinned(firstRelease(v), platform)
}

// byDefault returns the newest locked patch of the default's line: not every
// release is to be had for every platform.
func (l Lock) byDefault(platform string) (Toolchain, string, error) {
	if newest, ok := newestOfLine(l.releases(platform), version.Lang("go"+l.Default)); ok {
		return l.pinned(newest, platform)
	}
	return l.pinned(l.Default, platform)
}

// pinned returns the entry of that release, or the release to fetch.
func (l Lock) pinned(release, platform string) (Toolchain, string, error) {
	if t, ok := l.Find(release, platform); ok {
		return t, "", nil
	}
	return Toolchain{}, release, nil
}

// releases returns the locked releases for a platform, oldest first; for a
// platform without any, those of all platforms, so that it gets the same Go
// as everybody else, fetched.
func (l Lock) releases(platform string) []string {
	var own, all []string
	for _, t := range l.Toolchains {
		all = append(all, t.Version)
		if t.Platform == platform {
			own = append(own, t.Version)
		}
	}
	if len(own) == 0 {
		own = all
	}
	slices.SortFunc(own, func(a, b string) int { return version.Compare("go"+a, "go"+b) })
	return slices.Compact(own)
}

// newestOfLine returns the newest of the releases, which are oldest first,
// whose language version is line.
func newestOfLine(releases []string, line string) (string, bool) {
	for _, r := range slices.Backward(releases) {
		if version.Lang("go"+r) == line {
			return r, true
		}
	}
	return "", false
}

// firstRelease returns the release that v asks for, without its "go": since
// Go 1.21 the first release of a line ends in ".0" (go.dev/doc/toolchain).
func firstRelease(v string) string {
	if version.Lang(v) == v && version.Compare(v, "go1.21") >= 0 {
		v += ".0"
	}
	return strings.TrimPrefix(v, "go")
}

// parseVersion returns a Go version in the form of go/version, "go1.26".
func parseVersion(want string) (string, error) {
	v := "go" + strings.TrimPrefix(want, "go")
	if base, suffix, ok := strings.Cut(v, "-"); ok && version.IsValid(base) {
		return "", WithHint(
			fmt.Errorf("go version %q: a toolchain with the suffix %q is not published", want, suffix),
			"ask for "+strings.TrimPrefix(base, "go")+", or name an image that holds that toolchain with --toolchain-image")
	}
	// go/version takes what follows a "-" for a suffix, also in "1.x-y".
	if !version.IsValid(v) || strings.Contains(v, "-") {
		return "", WithHint(fmt.Errorf("go version %q is not a Go release", want),
			`give a line such as "1.26" or a release such as "1.26.8"`)
	}
	return v, nil
}
