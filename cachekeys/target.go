package cachekeys

import (
	"bytes"
	"go/build"
	"go/build/constraint"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// headSize is how far a file is read for its build constraint: that comes
// before the package clause, in the first lines.
const headSize = 8 << 10

// maxUnsure bounds the tags of one constraint that are tried both ways.
const maxUnsure = 6

// unsureTags depend on more than the target and -tags: on cgo, the compiler
// and flags such as -race. So do all with a dot in them: releases,
// experiments, levels of an architecture.
var unsureTags = []string{"cgo", "gc", "gccgo", "race", "msan", "asan", "boringcrypto", "compiler_bootstrap", "faketime"}

// target tells which files a build leaves out for sure.
type target struct {
	context build.Context
	overlay bool // what is on the disk says nothing
}

func newTarget(r *Request) target {
	goos, goarch, _ := strings.Cut(r.Target, "/")
	tags, _ := r.value("tags")
	_, overlay := r.value("overlay")
	return target{overlay: overlay, context: build.Context{
		GOOS: goos, GOARCH: goarch, Compiler: "gc", CgoEnabled: true,
		BuildTags: strings.FieldsFunc(tags, func(c rune) bool { return c == ',' || c == ' ' }),
	}}
}

// leavesOut reports whether the name or the build constraint of a Go file
// keeps it out, whatever is not known here.
func (t target) leavesOut(path string) bool {
	if t.overlay || t.context.GOOS == "" || t.context.GOARCH == "" {
		return false
	}
	if !t.matches(filepath.Base(path), "package p\n") {
		return true
	}
	head, err := readHead(path)
	if err != nil {
		return false
	}
	expr := goBuild(head)
	return expr != nil && !t.satisfiable(expr)
}

// matches asks go/build about a file of that name and text.
func (t target) matches(name, text string) bool {
	c := t.context
	c.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	match, err := c.MatchFile("", name)
	return match || err != nil
}

func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, headSize))
}

// goBuild returns the constraint of a file that begins with blank lines and
// line comments alone; nil is none, or none that is sure.
func goBuild(head []byte) constraint.Expr {
	for line := range bytes.Lines(head) {
		text := strings.TrimSpace(string(line))
		switch {
		case constraint.IsGoBuild(text):
			if expr, err := constraint.Parse(text); err == nil {
				return expr
			}
			return nil
		case text != "" && !strings.HasPrefix(text, "//"):
			return nil
		}
	}
	return nil
}

// satisfiable reports whether a constraint holds for some choice of what is not
// known.
func (t target) satisfiable(expr constraint.Expr) bool {
	var unsure []string
	for _, tag := range tagsOf(expr) {
		if strings.Contains(tag, ".") || slices.Contains(unsureTags, tag) {
			unsure = append(unsure, tag)
		}
	}
	if len(unsure) > maxUnsure {
		return true
	}
	for choice := range 1 << len(unsure) {
		if expr.Eval(func(tag string) bool {
			if i := slices.Index(unsure, tag); i >= 0 {
				return choice>>i&1 == 1
			}
			return t.matches("p.go", "//go:build "+tag+"\n\npackage p\n")
		}) {
			return true
		}
	}
	return false
}

// tagsOf lists the tags of a constraint, each once.
func tagsOf(expr constraint.Expr) (tags []string) {
	switch x := expr.(type) {
	case *constraint.TagExpr:
		tags = []string{x.Tag}
	case *constraint.NotExpr:
		tags = tagsOf(x.X)
	case *constraint.AndExpr:
		tags = append(tagsOf(x.X), tagsOf(x.Y)...)
	case *constraint.OrExpr:
		tags = append(tagsOf(x.X), tagsOf(x.Y)...)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}
