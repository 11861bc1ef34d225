package cachekeys

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// goHeader is what the go command's loader reads of a Go file
// (go/build/read.go, cmd/go/internal/modindex/build_read.go), without a look
// at build constraints. When in doubt, it has more than the loader finds.
type goHeader struct {
	// imports are the import paths in the order of the file. They need not be
	// valid ones.
	imports []string
	// embeds are the patterns of //go:embed lines, in a file that imports
	// "embed" only. A line counts wherever it stands, in a string too.
	embeds []string
	// cgoFlags are the #cgo lines, and includes is what scanIncludes finds in
	// the header, both in a file that imports "C" only.
	cgoFlags []string
	includes []string
	// end is the offset of the first token after the import declarations.
	// Files with the same bytes before it are the same to the loader, except
	// for embeds. It is the length of the file when ok is false.
	end int
	cgo bool // imports "C"
	// ok is false when the loader reports a syntax error or a NUL. The imports
	// before it are there.
	ok bool
}

// scanGo reads the header of a Go file. It accepts all that go/parser accepts
// with ImportsOnly, and some that it does not. Nothing refers to src
// afterwards.
func scanGo(src []byte) goHeader {
	s := goScanner{src: src}
	ok := s.file() && bytes.IndexByte(src[:s.pos], 0) < 0
	h := goHeader{imports: s.unquoted(), end: s.pos, ok: ok}
	if !ok {
		h.end = len(src)
	}
	if slices.Contains(h.imports, "embed") {
		h.embeds = scanEmbeds(src)
	}
	if h.cgo = slices.Contains(h.imports, "C"); h.cgo {
		h.cgoFlags, h.includes = scanCgoFlags(src[:h.end]), scanIncludes(src[:h.end])
	}
	return h
}

// goScanner is at pos in src. Its methods return false for a syntax error.
type goScanner struct {
	src   []byte
	pos   int
	paths []span // quoted import paths
}

type span struct{ from, to int }

func (s *goScanner) file() bool {
	if bytes.HasPrefix(s.src, []byte("\xef\xbb\xbf")) {
		s.pos = len("\xef\xbb\xbf")
	}
	if !s.skip() || !s.word("package") || !s.skip() || !s.ident() {
		return false
	}
	for s.skip() {
		switch s.peek() {
		case 0:
			return s.pos == len(s.src)
		case 'i':
			if !s.word("import") || !s.declaration() {
				return false
			}
		default:
			return true
		}
	}
	return false
}

// peek returns 0 at the end, too.
func (s *goScanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

// skip moves over what the loader takes for space.
func (s *goScanner) skip() bool {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\t', '\n', '\r', '\f', ';':
			s.pos++
		case '/':
			if !s.comment() {
				return false
			}
		default:
			return true
		}
	}
	return true
}

func (s *goScanner) comment() bool {
	rest, n := s.src[s.pos:], -1
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		if n = bytes.IndexByte(rest, '\n'); n < 0 {
			n = len(rest)
		}
	case bytes.HasPrefix(rest, []byte("/*")):
		if n = bytes.Index(rest[2:], []byte("*/")); n >= 0 {
			n += len("/**/")
		}
	}
	s.pos += max(n, 0)
	return n >= 0
}

func (s *goScanner) word(w string) bool {
	if !bytes.HasPrefix(s.src[s.pos:], []byte(w)) {
		return false
	}
	s.pos += len(w)
	return !isIdent(s.peek())
}

func (s *goScanner) ident() bool {
	from := s.pos
	for isIdent(s.peek()) {
		s.pos++
	}
	return s.pos > from
}

func isIdent(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c >= utf8.RuneSelf
}

// declaration reads what follows "import".
func (s *goScanner) declaration() bool {
	if !s.skip() {
		return false
	}
	if s.peek() != '(' {
		return s.spec()
	}
	s.pos++
	for s.skip() {
		if s.peek() == ')' {
			s.pos++
			return true
		}
		if !s.spec() {
			return false
		}
	}
	return false
}

func (s *goScanner) spec() bool {
	if s.peek() == '.' {
		s.pos++
	} else {
		s.ident()
	}
	if !s.skip() {
		return false
	}
	from := s.pos
	if !s.literal() {
		return false
	}
	if s.paths == nil {
		s.paths = make([]span, 0, 16) // more than most files import
	}
	s.paths = append(s.paths, span{from, s.pos})
	return true
}

func (s *goScanner) literal() bool {
	switch s.peek() {
	case '`':
		n := bytes.IndexByte(s.src[s.pos+1:], '`')
		s.pos += n + 2
		return n >= 0
	case '"':
		return s.interpreted()
	}
	return false
}

func (s *goScanner) interpreted() bool {
	for i := s.pos + 1; i < len(s.src); i++ {
		switch s.src[i] {
		case '"':
			s.pos = i + 1
			return true
		case '\\':
			i++
		case '\n':
			return false
		}
	}
	return false
}

// unquoted returns the import paths, as parts of one string.
func (s *goScanner) unquoted() []string {
	if len(s.paths) == 0 {
		return nil
	}
	first := s.paths[0].from
	text := string(s.src[first:s.paths[len(s.paths)-1].to])
	list := make([]string, len(s.paths))
	for i, p := range s.paths {
		list[i] = unquoteImport(text[p.from-first : p.to-first])
	}
	return list
}

// scanIncludes returns what the directives of a C, assembly, Fortran or SWIG
// source pull in, whether they are active or stand in a comment:
//
//	file.h    for "file.h", <file.h> and 'file.h'
//	?HEADER   for anything else, as a macro: which file that is, is not known
//
// The directives are #include, #include_next, #import, #embed and
// __has_include of the preprocessor, %include and %import of SWIG, .include and
// .incbin of the GNU assembler, and Fortran's INCLUDE. Each name is there once.
func scanIncludes(src []byte) []string {
	s := includeScanner{src: withoutSplices(src)}
	for _, mark := range []string{"#", "%", "%:", "??="} { // %: and ??= are other ways to write #
		s.each(mark, s.directive)
	}
	for _, word := range []string{"__has_include", "__has_embed"} {
		s.each(word, s.condition)
	}
	s.each(".incbin", s.incbin)
	s.each(".include", s.gasInclude)
	for _, word := range []string{"include", "INCLUDE", "Include"} {
		s.each(word, s.fortran)
	}
	return s.names
}

// withoutSplices joins lines that end in a backslash.
func withoutSplices(src []byte) []byte {
	for _, splice := range []string{"\\\n", "\\\r\n"} {
		if bytes.Contains(src, []byte(splice)) {
			src = bytes.ReplaceAll(src, []byte(splice), nil)
		}
	}
	return src
}

type includeScanner struct {
	src   []byte
	names []string
}

// each adds the names that find returns for the occurrences of mark, given
// what stands before and behind it on its line.
func (s *includeScanner) each(mark string, find func(before, rest []byte) string) {
	from, start, end := 0, 0, 0
	for at := 0; ; at = from + len(mark) {
		n := bytes.Index(s.src[at:], []byte(mark))
		if n < 0 {
			return
		}
		if from = at + n; from >= end {
			start, end = s.line(from)
		}
		name := find(s.src[start:from], s.src[from+len(mark):end])
		if name != "" && !slices.Contains(s.names, name) {
			s.names = append(s.names, name)
		}
	}
}

func (s *includeScanner) line(at int) (start, end int) {
	end = len(s.src)
	if n := bytes.IndexByte(s.src[at:], '\n'); n >= 0 {
		end = at + n
	}
	return bytes.LastIndexByte(s.src[:at], '\n') + 1, end
}

// directive finds the operand of a directive. One that is no name counts only
// where a directive can stand: prose has words behind # as well.
func (s *includeScanner) directive(before, rest []byte) string {
	rest = skipBlanks(rest)
	word, operand := cutWord(rest)
	switch string(word) {
	case "include", "include_next", "import", "embed":
		operand = skipBlanks(operand)
	case "":
		if !bytes.HasPrefix(rest, []byte("/*")) { // a comment of several lines: who knows
			return ""
		}
		operand = rest
	default:
		return ""
	}
	name := operandName(operand)
	if !isUnknown(name) || canStartDirective(before) {
		return name
	}
	return ""
}

func canStartDirective(before []byte) bool {
	before = bytes.TrimSpace(before)
	return len(before) == 0 || bytes.HasSuffix(before, []byte("/")) || bytes.HasSuffix(before, []byte("*"))
}

// condition finds the operand of __has_include. Where there is none, it is a
// test for the operator itself.
func (s *includeScanner) condition(_, rest []byte) string {
	rest = skipBlanks(bytes.TrimPrefix(rest, []byte("_next")))
	if operand, found := bytes.CutPrefix(rest, []byte("(")); found {
		return operandName(skipBlanks(operand))
	}
	return ""
}

// incbin finds the operand of .incbin. In a string of inline assembly both
// quotation marks have a backslash.
func (s *includeScanner) incbin(_, rest []byte) string {
	operand := skipBlanks(rest)
	if len(operand) == len(rest) && !bytes.HasPrefix(operand, []byte(`"`)) {
		return "" // another word
	}
	inner, escaped := bytes.CutPrefix(operand, []byte(`\"`))
	if !escaped {
		return operandName(operand)
	}
	if name, _, found := bytes.Cut(inner, []byte(`\"`)); found && bytes.IndexByte(name, '"') < 0 {
		return string(name)
	}
	return unknownName(operand)
}

// gasInclude is like incbin for a word that a C program can have as a field.
func (s *includeScanner) gasInclude(before, rest []byte) string {
	if name := s.incbin(before, rest); !isUnknown(name) {
		return name
	}
	return ""
}

// fortran finds the operand of a statement on a line of its own.
func (s *includeScanner) fortran(before, rest []byte) string {
	if name := operandName(skipBlanks(rest)); len(bytes.TrimSpace(before)) == 0 && !isUnknown(name) {
		return name
	}
	return ""
}

func cutWord(b []byte) (word, rest []byte) {
	n := 0
	for n < len(b) && isIdent(b[n]) {
		n++
	}
	return b[:n], b[n:]
}

// skipBlanks moves over blanks and comments within a line.
func skipBlanks(b []byte) []byte {
	for {
		b = bytes.TrimLeft(b, " \t\f\v\r")
		if !bytes.HasPrefix(b, []byte("/*")) {
			return b
		}
		n := bytes.Index(b[2:], []byte("*/"))
		if n < 0 {
			return b
		}
		b = b[2+n+2:]
	}
}
