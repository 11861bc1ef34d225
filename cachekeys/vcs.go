package cachekeys

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// vcsState finds what a version control stamp depends on: revision, commit
// time, dirty flag and the version made of tags (cmd/go/internal/load
// setBuildInfo, internal/vcs gitStatus, internal/modfetch/codehost git.go). It
// does not run git. root is a directory that has a .git.
//
// The stamp is what `git status --porcelain`, `git log -1` and the tags that
// HEAD can reach say. So these count: the commit of HEAD, tags, replacements,
// grafts; the configuration; git itself; the index without times; of a tracked
// file what git would look at, its content only when its stat data does not
// prove it unchanged; the names of untracked files, ignored ones too; and
// everything that says what to ignore. Branches, the reflog, the stash and the
// packing of refs and objects do not count. Objects are taken to be there.
//
// file returns the fingerprint of a file, "" for one that is absent; links are
// followed. A reason says in a few words why the inputs are not enough. The
// inputs are sorted.
func vcsState(root string, getenv func(string) string, file func(path string) (string, error)) (inputs []Input, reason string) {
	s := &vcsScan{root: root, getenv: getenv, file: file, settings: map[string][]string{}}
	for _, step := range []func(){s.repository, s.environment, s.configuration, s.judge, s.named, s.history, s.owner, s.readIndex, s.tree, s.filters} {
		if step(); s.reason != "" {
			return nil, s.reason
		}
	}
	return sortInputs(s.inputs), ""
}

type vcsScan struct {
	root   string
	getenv func(string) string
	file   func(string) (string, error)

	gitDir, common string // of the work tree, and of all work trees of the repository
	settings       map[string][]string
	attributes     []string // contents of gitattributes files
	tracked        map[string]bool
	lostAttributes bool // a tracked .gitattributes is not in the work tree

	inputs []Input
	reason string
}

func (s *vcsScan) fail(format string, args ...any) {
	s.reason = cmp.Or(s.reason, fmt.Sprintf(format, args...))
}

func (s *vcsScan) add(name, value string) {
	s.inputs = append(s.inputs, Input{Kind: KindVCS, Name: name, Value: value})
}

// fingerprint adds a file by its content.
func (s *vcsScan) fingerprint(name, path string) {
	print, err := s.file(path)
	if err != nil {
		s.fail("%s cannot be read", name)
	}
	s.add(name, cmp.Or(print, "absent"))
}

// content adds a file by its content, and returns it.
func (s *vcsScan) content(name, path string) string {
	s.fingerprint(name, path)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.fail("%s cannot be read", name)
	}
	return string(data)
}

// repository finds the git directory.
func (s *vcsScan) repository() {
	s.surroundings()
	s.gitDir = filepath.Join(s.root, ".git")
	if data, err := os.ReadFile(s.gitDir); err == nil {
		s.gitDir = Absolute(s.root, strings.TrimSpace(strings.TrimPrefix(string(data), "gitdir:")))
		s.add(".git", "file")
	}
	s.common = s.gitDir
	if data, err := os.ReadFile(filepath.Join(s.gitDir, "commondir")); err == nil {
		s.common = Absolute(s.gitDir, strings.TrimSpace(string(data)))
	}
	if !stampOf(filepath.Join(s.common, "objects")).isDir() || !stampOf(filepath.Join(s.common, "refs")).isDir() {
		s.fail(".git is no repository")
	}
}

// surroundings looks at the directories above. The go command refuses a
// repository within another system's. It does not know work trees whose .git
// is a file, and takes the repository around them.
func (s *vcsScan) surroundings() {
	workTree := stampOf(filepath.Join(s.root, ".git")).isRegular()
	for dir, last := s.root, ""; dir != last; dir, last = filepath.Dir(dir), dir {
		for _, name := range []string{".hg", ".svn", ".bzr", ".fslckout", "_FOSSIL_"} {
			if stampOf(filepath.Join(dir, name)).exists() {
				s.fail("version control other than git: %s", name)
			}
		}
		if dir != s.root && workTree && stampOf(filepath.Join(dir, ".git")).exists() {
			s.fail("a work tree of git within another")
		}
	}
}

// environment adds the variables that git listens to (git(1)), and git.
func (s *vcsScan) environment() {
	for _, name := range []string{
		"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
		"GIT_NAMESPACE", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_REPLACE_REF_BASE", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE",
		"GIT_ATTR_SOURCE", "GIT_EXEC_PATH",
	} {
		if s.getenv(name) != "" {
			s.fail("%s is set", name)
		}
	}
	for _, name := range []string{
		"GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_COUNT", "GIT_ATTR_NOSYSTEM", "GIT_NO_REPLACE_OBJECTS", "GIT_CEILING_DIRECTORIES",
		"GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_REF_PARANOIA", "GIT_OPTIONAL_LOCKS", "GIT_INDEX_VERSION", "SUDO_UID",
	} {
		if value := s.getenv(name); value != "" {
			s.add("$"+name, value)
		}
	}
	s.passedSettings()
	s.fingerprint("git", s.git())
}

// passedSettings adds the settings in the environment. Their values may be
// secrets.
func (s *vcsScan) passedSettings() {
	count, _ := strconv.Atoi(s.getenv("GIT_CONFIG_COUNT"))
	if count > 1000 { // more than anybody passes
		s.fail("GIT_CONFIG_COUNT is large")
		return
	}
	for i := range count {
		n := strconv.Itoa(i)
		key, value := s.getenv("GIT_CONFIG_KEY_"+n), s.getenv("GIT_CONFIG_VALUE_"+n)
		s.set(key, value)
		s.add("$GIT_CONFIG_KEY_"+n, fmt.Sprintf("%s %x", key, sha256.Sum256([]byte(value))))
	}
}

// git returns the first git in PATH, or a path that is absent.
func (s *vcsScan) git() string {
	for _, dir := range filepath.SplitList(s.getenv("PATH")) {
		file := filepath.Join(dir, "git")
		if st := stampOf(file); st.isRegular() && st.Mode&0o111 != 0 {
			return file
		}
	}
	return filepath.Join(s.gitDir, "no git in PATH")
}

// configuration reads the files that `git config --show-origin` lists, and
// those that may have been meant.
func (s *vcsScan) configuration() {
	home, xdg := s.getenv("HOME"), s.getenv("XDG_CONFIG_HOME")
	s.configFile("$GIT_CONFIG_SYSTEM", s.getenv("GIT_CONFIG_SYSTEM"))
	s.configFile("$GIT_CONFIG_GLOBAL", s.getenv("GIT_CONFIG_GLOBAL"))
	for i, dir := range s.systemDirs() {
		s.configFile(fmt.Sprintf("system %d: gitconfig", i), filepath.Join(dir, "gitconfig"))
		s.attributeFile(fmt.Sprintf("system %d: gitattributes", i), filepath.Join(dir, "gitattributes"))
	}
	for name, dir := range map[string]string{"$XDG_CONFIG_HOME/git/": vcsJoin(xdg, "git"), "~/.config/git/": vcsJoin(home, ".config/git")} {
		s.configFile(name+"config", vcsJoin(dir, "config"))
		s.attributeFile(name+"attributes", vcsJoin(dir, "attributes"))
		s.optional(name+"ignore", vcsJoin(dir, "ignore"))
	}
	s.configFile("~/.gitconfig", vcsJoin(home, ".gitconfig"))
	s.configFile(".git/config", filepath.Join(s.common, "config"))
}

// systemDirs returns where git may have been built to look for system-wide
// files: Debian's, a prefix of its own (Homebrew, Nix), Apple's.
func (s *vcsScan) systemDirs() []string {
	git := s.git()
	dirs := []string{"/etc", filepath.Join(filepath.Dir(git), "../etc"), "", "/Library/Developer/CommandLineTools/usr/share/git-core", "/Applications/Xcode.app/Contents/Developer/usr/share/git-core"}
	if real, err := filepath.EvalSymlinks(git); err == nil {
		dirs[2] = filepath.Join(filepath.Dir(real), "../etc")
	}
	return dirs
}

// vcsJoin returns "" in an unknown directory.
func vcsJoin(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

// optional adds a file if there is one, and returns its content. The path may
// be unknown, or that of a device.
func (s *vcsScan) optional(name, path string) string {
	if path == "" || !stampOf(path).isRegular() {
		return ""
	}
	return s.content(name, path)
}

func (s *vcsScan) attributeFile(name, path string) {
	s.attributes = append(s.attributes, s.optional(name, path))
}

func (s *vcsScan) configFile(name, path string) {
	settings, ok := vcsSettings(s.optional(name, path))
	if !ok {
		s.fail("%s is not understood", name)
	}
	for _, v := range settings {
		s.set(v[0], v[1])
	}
}

// set takes a setting, whose key is section.name or section.subsection.name.
// Section and name are not case-sensitive; the subsection does not matter here.
func (s *vcsScan) set(key, value string) {
	section, _, _ := strings.Cut(key, ".")
	key = strings.ToLower(section + key[max(strings.LastIndexByte(key, '.'), 0):])
	s.settings[key] = append(s.settings[key], value)
}

// isSet reports whether a setting has any value that is not false.
func (s *vcsScan) isSet(key string) bool {
	return slices.ContainsFunc(s.settings[key], func(v string) bool {
		return !slices.Contains([]string{"", "false", "no", "off", "0"}, strings.ToLower(v))
	})
}

// judge looks for settings that make other files or programs count.
func (s *vcsScan) judge() {
	for _, key := range slices.Sorted(maps.Keys(s.settings)) {
		section, name, _ := strings.Cut(key, ".")
		switch {
		case section == "include", section == "includeif",
			section == "extensions" && name != "objectformat" && name != "preciousobjects" && s.isSet(key),
			slices.Contains([]string{"core.worktree", "remote.promisor", "remote.partialclonefilter"}, key),
			slices.Contains([]string{"core.fsmonitor", "core.sparsecheckout"}, key) && s.isSet(key):
			s.fail("git's setting %s", key)
		}
	}
}

// named adds the files that settings name, and their like in .git/info.
func (s *vcsScan) named() {
	for _, file := range s.settings["core.excludesfile"] {
		s.optional("core.excludesFile "+file, s.expand(file))
	}
	for _, file := range s.settings["core.attributesfile"] {
		s.attributeFile("core.attributesFile "+file, s.expand(file))
	}
	for _, dir := range append(s.settings["core.hookspath"], filepath.Join(s.common, "hooks")) {
		if stampOf(filepath.Join(s.expand(dir), "post-index-change")).exists() { // git status runs it
			s.fail("git's hook post-index-change")
		}
	}
	s.optional(".git/info/exclude", filepath.Join(s.common, "info/exclude"))
	s.attributeFile(".git/info/attributes", filepath.Join(s.common, "info/attributes"))
}

// expand returns the path that a setting names.
func (s *vcsScan) expand(file string) string {
	rest, home := strings.CutPrefix(file, "~/")
	switch {
	case home:
		return vcsJoin(s.getenv("HOME"), rest)
	case strings.HasPrefix(file, "~"), strings.HasPrefix(file, "%("):
		s.fail("git's setting with the path %s", file)
	}
	return Absolute(s.root, file)
}

// filters looks for programs that convert files: their output is not known.
func (s *vcsScan) filters() {
	uses := slices.ContainsFunc(s.attributes, func(text string) bool { return strings.Contains(text, "filter=") })
	for _, key := range []string{"filter.clean", "filter.process"} {
		if s.isSet(key) && (uses || s.lostAttributes) {
			s.fail("git's setting %s and a file that is filtered", key)
		}
	}
}
