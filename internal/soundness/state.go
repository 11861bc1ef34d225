package soundness

import (
	"math/rand/v2"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// state is what a gorun command sees: files, flags, package and environment.
type state struct {
	*tree
	sub   *subject
	rnd   *rand.Rand
	dir   string   // working directory, absolute
	flags []string // build flags
	pkg   []string // package argument or files
	env   []string // over the subject's environment
}

// command returns the flags and the package for gorun and for the go command.
func (s *state) command() []string { return slices.Concat(s.flags, s.pkg) }

// environ returns the whole environment; the last of two values counts.
func (s *state) environ() []string { return slices.Concat(s.sub.environ, s.env) }

func (s *state) flag(f ...string) bool {
	s.flags = append(s.flags, f...)
	return true
}

func (s *state) set(kv ...string) bool {
	s.env = append(s.env, kv...)
	return true
}

// pick returns one of the list, "" when there is none.
func (s *state) pick(list ...string) string {
	if len(list) == 0 {
		return ""
	}
	return list[s.rnd.IntN(len(list))]
}

// file picks one of the subject's files with one of the extensions. Mostly it
// is one of the probe's, which nearly every setting builds.
func (s *state) file(extensions ...string) string {
	within := s.sub.root
	if s.rnd.IntN(3) > 0 {
		within = s.sub.probe
	}
	var list []string
	for _, f := range s.sub.files {
		if strings.HasPrefix(f, within+"/") && slices.Contains(extensions, path.Ext(f)) {
			list = append(list, f)
		}
	}
	return s.pick(list...)
}

// packageDir picks a directory with Go files.
func (s *state) packageDir() string {
	if f := s.file(".go"); f != "" {
		return path.Dir(f)
	}
	return s.sub.probe
}

func (s *state) probe(rel string) string { return path.Join(s.sub.probe, rel) }
func (s *state) mod(rel string) string   { return path.Join(s.sub.module, rel) }

// bump changes the first "10" of a file to another number of two digits.
func (s *state) bump(rel string) (string, bool) {
	text, ok := s.read(rel)
	return strings.Replace(text, "10", s.pick("21", "32", "43", "54"), 1), ok && strings.Contains(text, "10")
}

// flip changes one letter or digit somewhere.
func (s *state) flip(rel string) (string, bool) {
	text, ok := s.read(rel)
	if !ok || len(text) == 0 {
		return "", false
	}
	b := []byte(text)
	for range 50 {
		i := s.rnd.IntN(len(b))
		if c := b[i]; c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			b[i] = c ^ 1
			return string(b), true
		}
	}
	return "", false
}

// absolute paths of files beside the module, for flags and variables.
func (s *state) out(rel string) string { return filepath.Join(s.tree.root, "out", rel) }
