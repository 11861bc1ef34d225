package cachekeys

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"slices"
	"strings"
)

// keyFormat changes when the same inputs must have other keys: when a new
// version of gorun knows of an input that an older one left out.
const keyFormat = "2"

// The lengths of the parts of keys, in hexadecimal digits. A part that only
// leads to candidates is short; the last one is what equality rests on.
const (
	shortPart = 12
	wholePart = 64
)

// ExecutableKey returns the key of the executable, or "" when there are
// reasons against it.
func (c *Closure) ExecutableKey() string {
	if len(c.Reasons) > 0 {
		return ""
	}
	return c.ProgramPrefix() + c.part(shortPart, configurationKinds...) + "-" + c.part(wholePart)
}

// ProgramPrefix begins the executable keys of this program for this target,
// whatever it is built of and with: where to look for the nearest entry.
func (c *Closure) ProgramPrefix() string {
	return "x" + keyFormat + "-" + keyWord(c.request.Target) + "-" + c.Program() + "-"
}

// Program names the program within its workspace: where it is and which
// package.
func (c *Closure) Program() string {
	h := newSum()
	h.input(Input{KindDir, "base", c.request.base()})
	h.input(Input{KindDir, "working directory", c.request.Workspace.Dir})
	h.input(Input{KindPackage, "", strings.Join(c.request.Package, "\n")})
	return h.hex(shortPart)
}

// configurationKinds are the inputs that are no local source.
var configurationKinds = []string{KindToolchain, KindTarget, KindDir, KindFlag, KindEnv, KindCompiler}

// BuildKey returns the key of what a build leaves in the go command's caches:
// it may be used for any build that it is near to.
func (c *Closure) BuildKey() string {
	return c.BuildPrefixes()[0] + c.part(wholePart)
}

// BuildPrefixes returns the beginnings of build keys to look for after the
// whole key, the nearest first: the same go.sum and flags; the same flags; the
// same toolchain and target.
func (c *Closure) BuildPrefixes() []string {
	toolchain := "b" + keyFormat + "-" + keyWord(c.request.Target) + "-" + c.part(shortPart, KindToolchain) + "-"
	flags := toolchain + c.part(shortPart, KindFlag, KindEnv, KindCompiler) + "-"
	return []string{flags + c.part(shortPart, KindModule) + "-", flags, toolchain}
}

// part is the hash of the inputs of some kinds, of all when none are named.
func (c *Closure) part(digits int, kinds ...string) string {
	h := newSum()
	for _, in := range c.Inputs {
		if len(kinds) == 0 || slices.Contains(kinds, in.Kind) {
			h.input(in)
		}
	}
	return h.hex(digits)
}

// keyWord puts a target into the letters of a key.
func keyWord(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '.'
	}, strings.ToLower(s))
}

// inputSum hashes inputs so that no two lists of them are the same text: no
// part holds a NUL, and each input ends with two.
type inputSum struct {
	h   hash.Hash
	buf []byte
}

func newSum() *inputSum { return &inputSum{h: sha256.New()} }

func (s *inputSum) input(in Input) {
	b := s.buf[:0]
	for _, part := range []string{in.Kind, in.Name, in.Value} {
		b = append(b, strings.ReplaceAll(part, "\x00", "\x00\x01")...)
		b = append(b, 0, 0)
	}
	s.buf = b
	s.h.Write(b)
}

func (s *inputSum) hex(digits int) string {
	return hex.EncodeToString(s.h.Sum(nil))[:digits]
}

// WriteTo prints the inputs in a stable, readable form, one on each line.
func (c *Closure) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, Text(c.Inputs))
	return int64(n), err
}

// Text prints inputs in a stable, readable form, one on each line.
func Text(inputs []Input) string {
	var b strings.Builder
	for _, in := range inputs {
		b.WriteString(in.Kind)
		if in.Name != "" {
			b.WriteString(" " + in.Name)
		}
		b.WriteString(": " + strings.ReplaceAll(in.Value, "\n", " ") + "\n")
	}
	return b.String()
}
