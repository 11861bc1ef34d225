package cachekeys

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// readIndex adds the entries of the index.
func (s *vcsScan) readIndex() {
	s.tracked = map[string]bool{}
	file := filepath.Join(s.gitDir, "index")
	st, err := vcsStat(unix.Stat, file)
	if err == unix.ENOENT {
		return
	}
	data, readErr := os.ReadFile(file)
	if err != nil || readErr != nil {
		s.fail(".git/index cannot be read")
		return
	}
	r := vcsIndex{data: data, hash: 20}
	if slices.Contains(s.settings["extensions.objectformat"], "sha256") {
		r.hash = 32
	}
	if err := r.read(func(e vcsEntry) { s.entry(e, st.Mtim.Nano()) }); err != nil {
		s.fail("%v", err)
	}
}

// entry adds a tracked file. The times of the index count only as far as they
// tell whether git looks at the content.
func (s *vcsScan) entry(e vcsEntry, indexTime int64) {
	s.track(e.path)
	switch e.mode & unix.S_IFMT {
	case 0o160000:
		s.fail("a submodule: %s", e.path)
	case unix.S_IFDIR:
		s.fail("a sparse index")
	}
	file, value := filepath.Join(s.root, filepath.FromSlash(e.path)), "absent"
	switch st, err := vcsStat(unix.Lstat, file); {
	case err == nil:
		value = s.present(e, file, &st, indexTime)
	case err != unix.ENOENT && err != unix.ENOTDIR:
		s.fail("%s cannot be read", e.path)
	case path.Base(e.path) == ".gitattributes": // git reads the one in the index
		s.lostAttributes = true
	}
	s.add(e.path, fmt.Sprintf("%o %s %x %s", e.mode, e.oid, e.flags, value))
}

// track marks a tracked file and its directories.
func (s *vcsScan) track(name string) {
	s.tracked[name] = true
	for dir := path.Dir(name); dir != "." && !s.tracked[dir+"/"]; dir = path.Dir(dir) {
		s.tracked[dir+"/"] = true
	}
}

func (s *vcsScan) present(e vcsEntry, file string, st *unix.Stat_t, indexTime int64) string {
	differs := e.differs(st, indexTime)
	value := fmt.Sprintf("%o %s", st.Mode, differs)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		if differs == "" {
			return value
		}
		print, err := s.file(file)
		if err != nil || print == "" {
			s.fail("%s cannot be read", e.path)
		}
		return value + " " + print
	case unix.S_IFLNK:
		target, err := os.Readlink(file)
		if err != nil {
			s.fail("%s cannot be read", e.path)
		}
		return fmt.Sprintf("%s %q", value, target)
	}
	return value
}

// tree adds the untracked files, and what is asked for what to ignore.
func (s *vcsScan) tree() {
	if stampOf(filepath.Join(s.root, ".gitmodules")).exists() {
		s.fail("submodules")
	}
	s.optional("go.mod: content", filepath.Join(s.root, "go.mod")) // its module path goes into the version
	s.list("", s.add)
}

// list adds what is in the directory dir, which is "" or ends in a slash. A
// directory without tracked files becomes one input.
func (s *vcsScan) list(dir string, add func(name, value string)) {
	entries, err := os.ReadDir(filepath.Join(s.root, filepath.FromSlash(dir)))
	if err != nil {
		s.fail("%s cannot be read", cmp.Or(dir, "the work tree"))
	}
	for _, e := range entries {
		name := dir + e.Name()
		switch {
		case name == ".git":
		case e.Name() == ".git":
			s.fail("a repository within the work tree: %s", dir)
		case e.IsDir() && s.tracked[name+"/"]:
			s.list(name+"/", add)
		case e.IsDir():
			s.untracked(name+"/", add)
		case !s.tracked[name]:
			add(name, "untracked "+e.Type().String())
		}
		s.special(name, e.Name())
	}
}

// untracked adds a directory by the names in it.
func (s *vcsScan) untracked(dir string, add func(name, value string)) {
	h := sha256.New()
	s.list(dir, func(name, value string) { fmt.Fprintf(h, "%q %s\n", name, value) })
	add(dir, "untracked "+hex.EncodeToString(h.Sum(nil)))
}

// special adds the files that say something of others.
func (s *vcsScan) special(name, base string) {
	switch base {
	case ".gitignore":
		s.optional(name+": content", filepath.Join(s.root, name))
	case ".gitattributes":
		s.attributeFile(name+": content", filepath.Join(s.root, name))
	}
}
