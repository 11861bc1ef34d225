package cachekeys

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// history adds the commit of HEAD and what git finds by it.
func (s *vcsScan) history() {
	packed := s.packedRefs()
	refs := maps.Clone(packed)
	for _, dir := range []string{"refs/tags", "refs/replace"} {
		s.looseRefs(dir, refs)
	}
	for name, oid := range refs {
		if strings.HasPrefix(name, "refs/tags/") || strings.HasPrefix(name, "refs/replace/") {
			s.add(name, s.resolve(oid, packed))
		}
	}
	head, err := os.ReadFile(filepath.Join(s.gitDir, "HEAD"))
	if err != nil {
		s.fail(".git/HEAD cannot be read")
	}
	s.add("HEAD", s.resolve(strings.TrimSpace(string(head)), packed))
	for _, name := range []string{"shallow", "info/grafts", "objects/info/alternates"} {
		s.optional(".git/"+name, filepath.Join(s.common, name))
	}
}

func (s *vcsScan) packedRefs() map[string]string {
	refs := map[string]string{}
	data, err := os.ReadFile(filepath.Join(s.common, "packed-refs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.fail(".git/packed-refs cannot be read")
	}
	for line := range strings.Lines(string(data)) {
		if oid, name, found := strings.Cut(strings.TrimSpace(line), " "); found && oid[0] != '#' {
			refs[name] = oid
		}
	}
	return refs
}

// looseRefs adds the refs below dir. A loose one is newer than a packed one.
func (s *vcsScan) looseRefs(dir string, refs map[string]string) {
	err := filepath.WalkDir(filepath.Join(s.common, dir), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(file)
		if rel, relErr := filepath.Rel(s.common, file); relErr == nil {
			refs[filepath.ToSlash(rel)] = strings.TrimSpace(string(data))
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.fail(".git/%s cannot be read", dir)
	}
}

// resolve follows symbolic refs. git allows five of them in a row.
func (s *vcsScan) resolve(value string, packed map[string]string) string {
	for range 6 {
		name, symbolic := strings.CutPrefix(value, "ref:")
		if !symbolic {
			return value
		}
		name = strings.TrimSpace(name)
		value = packed[name]
		for _, dir := range []string{s.common, s.gitDir} { // the latter for refs of one work tree
			if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				value = strings.TrimSpace(string(data))
			}
		}
	}
	return cmp.Or(value, "unborn")
}

// owner adds whose the repository is: git refuses what belongs to others,
// unless safe.directory allows it.
func (s *vcsScan) owner() {
	for _, path := range []string{s.root, filepath.Join(s.root, ".git"), s.gitDir} {
		st, err := vcsStat(unix.Stat, path)
		if err != nil {
			s.fail(".git cannot be read")
		}
		name, _ := filepath.Rel(s.root, path)
		s.add("owner of "+name, strconv.FormatUint(uint64(st.Uid), 10))
	}
}

func vcsStat(stat func(string, *unix.Stat_t) error, path string) (st unix.Stat_t, err error) {
	for {
		if err = stat(path, &st); err != unix.EINTR {
			return st, err
		}
	}
}
