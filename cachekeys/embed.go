package cachekeys

import (
	"os"
	"path"
	"path/filepath"
	"strings"
)

// embed adds what a //go:embed pattern of a package finds, by the rules of
// cmd/go/internal/load/pkg.go resolveEmbed. What the go command refuses is
// added as what it is: a build that failed keeps nothing.
func (w *walk) embed(dir, pattern string) {
	glob, all := strings.CutPrefix(pattern, "all:")
	for _, match := range w.glob(dir, strings.Split(path.Clean(glob), "/")) {
		w.boundaries(dir, match)
		w.embedded(match, all, true)
	}
}

// glob returns the paths below dir that the elements of a pattern match.
func (w *walk) glob(dir string, elements []string) []string {
	if elements[0] == "." {
		return []string{dir}
	}
	d := w.ix.dir(dir)
	w.ix.list(d)
	w.ix.counts(d)
	var out []string
	for _, e := range d.entries {
		if ok, _ := path.Match(elements[0], e.name); !ok {
			continue
		}
		at := filepath.Join(dir, e.name)
		if len(elements) == 1 {
			out = append(out, at)
			continue
		}
		if e.kind != 'd' && e.kind != 'l' {
			continue
		}
		found := w.glob(at, elements[1:])
		if e.kind == 'l' && len(found) > 0 { // what lies behind it cannot be embedded
			w.input(KindEmbed, w.r.rel(at), "link")
		}
		out = append(out, found...)
	}
	return out
}

// boundaries adds the go.mod files between a match and its package: another
// module cannot be embedded.
func (w *walk) boundaries(dir, match string) {
	for at := match; len(at) > len(dir); at = filepath.Dir(at) {
		d := w.ix.dir(at)
		w.ix.list(d)
		if d.entry("go.mod") != 0 {
			w.input(KindEmbed, w.r.rel(filepath.Join(at, "go.mod")), "present")
		}
	}
}

// embedded adds a file, or all files of a directory but the hidden ones and
// those of other modules.
func (w *walk) embedded(at string, all, match bool) {
	switch w.kind(at) {
	case 'd':
		w.embeddedDir(at, all, match)
	case 'l':
		target, _ := os.Readlink(at)
		w.input(KindEmbed, w.r.rel(at), "link to "+target+" "+w.ix.Sum(at))
		w.c.files[at] = true
	case 'f':
		w.file(KindEmbed, at)
	default:
		w.input(KindEmbed, w.r.rel(at), "irregular")
	}
}

func (w *walk) embeddedDir(at string, all, match bool) {
	d := w.ix.dir(at)
	w.ix.list(d)
	w.ix.counts(d)
	if !match && d.entry("go.mod") != 0 {
		return
	}
	w.input(KindEmbed, w.r.rel(at), "directory")
	for _, e := range d.entries {
		hidden := e.name[0] == '.' || e.name[0] == '_'
		if hidden && !all || badEmbedName(e.name) && e.kind == 'd' {
			continue
		}
		w.embedded(filepath.Join(at, e.name), all, false)
	}
}

// badEmbedName is cmd/go/internal/load isBadEmbedName, but for the empty name.
func badEmbedName(name string) bool {
	switch name {
	case ".bzr", ".hg", ".git", ".svn":
		return true
	}
	return false
}

// kind is that of a name in its directory, links not followed.
func (w *walk) kind(at string) byte {
	d := w.ix.dir(filepath.Dir(at))
	w.ix.list(d)
	return d.entry(filepath.Base(at))
}
