package cachekeys

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
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

// vcsSettings returns the keys and values of a git configuration (git-config(1),
// CONFIGURATION FILE).
func vcsSettings(text string) (list [][2]string, ok bool) {
	section := ""
	for text = strings.TrimPrefix(text, "\ufeff"); ; {
		text = strings.TrimLeft(text, " \t\r\n\f\v")
		if text == "" {
			return list, true
		}
		switch name, rest := vcsName(text); {
		case text[0] == '#' || text[0] == ';':
			_, text, _ = strings.Cut(text, "\n")
		case text[0] == '[':
			if section, text, ok = vcsSection(text[1:]); !ok {
				return nil, false
			}
		case name == "" || section == "":
			return nil, false
		default:
			value := "true"
			if rest, found := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "="); found {
				value, text = vcsValue(rest)
			} else {
				_, text, _ = strings.Cut(rest, "\n")
			}
			list = append(list, [2]string{section + "." + name, value})
		}
	}
}

func vcsName(text string) (name, rest string) {
	n := strings.IndexFunc(text, func(r rune) bool { return r != '-' && r != '.' && (r > 0x7f || !isIdent(byte(r)) || r == '_') })
	if n < 0 {
		n = len(text)
	}
	return text[:n], text[n:]
}

// vcsSection reads `name "subsection"]`.
func vcsSection(text string) (section, rest string, ok bool) {
	section, rest = vcsName(text)
	rest = strings.TrimLeft(rest, " \t")
	if sub, quoted := strings.CutPrefix(rest, `"`); quoted {
		n := 0
		for n < len(sub) && sub[n] != '"' && sub[n] != '\n' {
			if sub[n] == '\\' {
				n++
			}
			n++
		}
		if n >= len(sub) || sub[n] != '"' {
			return "", "", false
		}
		section, rest = section+"."+sub[:n], sub[n+1:]
	}
	rest, ok = strings.CutPrefix(rest, "]")
	return section, rest, ok && section != ""
}

// vcsValue reads a value up to the end of its last line.
func vcsValue(text string) (value, rest string) {
	var b strings.Builder
	quoted, kept := false, 0 // kept is the length without blanks at the end
	for text != "" && text[0] != '\n' {
		c, n := text[:1], 1
		blank := !quoted && strings.Contains(" \t\r", c)
		switch {
		case !quoted && strings.Contains("#;", c):
			_, rest, _ = strings.Cut(text, "\n")
			return b.String()[:kept], rest
		case c == `"`:
			quoted, c = !quoted, ""
		case c == `\`:
			c, n = vcsEscape(text)
		case blank && b.Len() == 0:
			c = ""
		}
		b.WriteString(c)
		if !blank {
			kept = b.Len()
		}
		text = text[n:]
	}
	return b.String()[:kept], text
}

// vcsEscape returns what the backslash that text begins with stands for, and
// how many bytes that takes.
func vcsEscape(text string) (value string, n int) {
	for _, e := range [][2]string{{"\\\n", ""}, {"\\\r\n", ""}, {`\n`, "\n"}, {`\t`, "\t"}, {`\b`, "\b"}} {
		if strings.HasPrefix(text, e[0]) {
			return e[1], len(e[0])
		}
	}
	n = min(len(text), 2)
	return text[n-1 : n], n
}

// vcsIndex reads the index: gitformat-index(5).
type vcsIndex struct {
	data []byte
	at   int
	hash int // bytes of an object name
}

// vcsEntry is a file in the index. The sizes and times are truncated.
type vcsEntry struct {
	ctime, ctimeNano, mtime, mtimeNano, dev, ino, mode, uid, gid, size uint32

	oid   string
	flags uint32 // assume-valid, stage, skip-worktree, intent-to-add
	path  string
}

var errVCSIndex = errors.New("an index of another format")

func (r *vcsIndex) read(entry func(vcsEntry)) error {
	if len(r.data) < 12+r.hash || string(r.data[:4]) != "DIRC" {
		return errVCSIndex
	}
	version, count := binary.BigEndian.Uint32(r.data[4:]), binary.BigEndian.Uint32(r.data[8:])
	if version < 2 || version > 4 {
		return errVCSIndex
	}
	r.at, r.data = 12, r.data[:len(r.data)-r.hash]
	previous := ""
	for range count {
		e, ok := r.entry(version, previous)
		if !ok {
			return errVCSIndex
		}
		entry(e)
		previous = e.path
	}
	return r.extensions()
}

func (r *vcsIndex) entry(version uint32, previous string) (e vcsEntry, ok bool) {
	start := r.at
	if len(r.data)-start < 40+r.hash+2+2 {
		return e, false
	}
	for i, field := range []*uint32{&e.ctime, &e.ctimeNano, &e.mtime, &e.mtimeNano, &e.dev, &e.ino, &e.mode, &e.uid, &e.gid, &e.size} {
		*field = binary.BigEndian.Uint32(r.data[start+4*i:])
	}
	r.at += 40 + r.hash
	e.oid = hex.EncodeToString(r.data[start+40 : r.at])
	flags := binary.BigEndian.Uint16(r.data[r.at:])
	r.at += 2
	e.flags = uint32(flags &^ 0xfff) // without the length of the path
	if flags&0x4000 != 0 {
		e.flags |= uint32(binary.BigEndian.Uint16(r.data[r.at:])) << 16
		r.at += 2
	}
	if e.path, ok = r.path(version, previous); version < 4 {
		r.at = start + (r.at-start+7)/8*8
	}
	return e, ok
}

// path reads a path. Version 4 leaves out what it has in common with the one
// before.
func (r *vcsIndex) path(version uint32, previous string) (path string, ok bool) {
	keep := 0
	if version == 4 {
		strip, n := vcsVarint(r.data[r.at:])
		if keep = len(previous) - strip; n == 0 || keep < 0 {
			return "", false
		}
		r.at += n
	}
	n := bytes.IndexByte(r.data[r.at:], 0)
	if n < 0 {
		return "", false
	}
	path = previous[:keep] + string(r.data[r.at:r.at+n])
	r.at += n + 1
	return path, true
}

// vcsVarint reads git's "offset encoding" (gitformat-pack(5)).
func vcsVarint(b []byte) (value, n int) {
	for n < len(b) && n < 5 {
		c := b[n]
		n++
		value = value<<7 | int(c&0x7f)
		if c&0x80 == 0 {
			return value, n
		}
		value++
	}
	return 0, 0
}

// extensions accepts those that hold nothing of their own: the cached tree,
// what conflicts were resolved, and offsets.
func (r *vcsIndex) extensions() error {
	for rest := r.data[min(r.at, len(r.data)):]; len(rest) > 0; {
		if len(rest) < 8 {
			return errVCSIndex
		}
		name, size := string(rest[:4]), int64(binary.BigEndian.Uint32(rest[4:]))
		if !slices.Contains([]string{"TREE", "REUC", "EOIE", "IEOT"}, name) {
			return fmt.Errorf("an index with the extension %s", name)
		}
		if size > int64(len(rest)-8) {
			return errVCSIndex
		}
		rest = rest[8+size:]
	}
	return nil
}

// differs returns a letter for each thing that may make git look at the
// content of a file: "" means that git takes it as unchanged, whatever its
// configuration (read-cache.c ce_match_stat_basic, match_stat_data,
// is_racy_stat).
func (e vcsEntry) differs(st *unix.Stat_t, indexTime int64) string {
	var b strings.Builder
	for _, f := range []struct {
		letter byte
		unlike bool
	}{
		{'C', e.ctime != uint32(st.Ctim.Sec)}, {'c', e.ctimeNano != uint32(st.Ctim.Nsec)},
		{'M', e.mtime != uint32(st.Mtim.Sec)}, {'m', e.mtimeNano != uint32(st.Mtim.Nsec)},
		{'d', e.dev != uint32(st.Dev)}, {'i', e.ino != uint32(st.Ino)}, {'u', e.uid != st.Uid}, {'g', e.gid != st.Gid},
		{'s', e.size != uint32(st.Size)}, {'0', e.size == 0 && st.Size != 0},
		{'R', uint64(e.mtime) >= uint64(indexTime/1e9)}, {'r', int64(e.mtime)*1e9+int64(e.mtimeNano) >= indexTime},
	} {
		if f.unlike {
			b.WriteByte(f.letter)
		}
	}
	return b.String()
}
