package githubactions

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/runner"
)

// maxCommand bounds a command line that is shown; a system allows 2 MiB.
const maxCommand = 32 << 10

// facts are what ran and where it came from, one line each.
func (s Summary) facts() string {
	var b strings.Builder
	for _, f := range []struct{ name, text string }{
		{"Cache", s.cache()},
		{"Shared cache", s.shared()},
		{"Toolchain", toolchainFact(s.Result)},
		{"Executable", executableFact(s.Result)},
		{"Command", code(cut(commandLine(s.Result.Command), maxCommand))},
	} {
		if f.text != "" {
			fmt.Fprintf(&b, "- **%s:** %s\n", f.name, f.text)
		}
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// cache says whether the cache had the executable, and why not.
func (s Summary) cache() string {
	text := map[string]string{
		runner.Off: "off", runner.Hit: "hit", runner.Miss: "miss", runner.NoKey: "no key",
		runner.Verified: "hit, and a build made the same",
	}[s.Result.Cache]
	if s.Restored != nil {
		text += because(": ", s.Restored.Reasons)
		text += because("; since the nearest build: ", s.Restored.Differences)
	}
	if s.Saved != nil && !s.Saved.Kept {
		text += because("; not kept: ", s.Saved.Reasons)
	}
	return text
}

// maxBecause is how many reasons a line has: the most telling come first.
const maxBecause = 5

func because(word string, reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	var shown []string
	for _, r := range reasons[:min(len(reasons), maxBecause)] {
		shown = append(shown, code(cut(r, maxTitle)))
	}
	if more := len(reasons) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}
	return word + strings.Join(shown, ", ")
}

func toolchainFact(r runner.Result) string {
	t := r.Toolchain
	if t == nil {
		return ""
	}
	var parts []string
	if t.Version != "" {
		parts = append(parts, code(cut("go"+t.Version, maxTitle)))
	}
	switch image := imageReference(*t); {
	case image != "":
		parts = append(parts, "in "+code(cut(image, maxText)))
	case t.Path != "":
		parts = append(parts, "at "+code(cut(t.Path, maxText)))
	}
	return strings.Join(parts, " ")
}

// imageReference is the image by its digest, as far as both are known.
func imageReference(t runner.Toolchain) string {
	if t.Image == "" || t.Digest == "" || strings.HasSuffix(t.Image, t.Digest) {
		return cmp.Or(t.Image, t.Digest)
	}
	return t.Image + "@" + t.Digest
}

func executableFact(r runner.Result) string {
	if r.Executable == nil {
		return ""
	}
	return fmt.Sprintf("%s, %s", code(executableDigest(r)), size(r.Executable.Size))
}

func size(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// commandLine is a command as a shell takes it.
func commandLine(words []string) string {
	line, err := buildflags.Quote(words)
	if err != nil { // a NUL, which no shell takes
		return strings.Join(words, " ")
	}
	return line
}
