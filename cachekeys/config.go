package cachekeys

import (
	"path/filepath"
	"slices"
	"strings"
)

// configuration adds what is no local source: the toolchain, the target, the
// place, the argument, the flags and the variables.
func (w *walk) configuration() {
	r := &w.r
	cgo := CgoEnabled(r)
	w.toolchain()
	w.input(KindTarget, "", r.Target)
	w.place()
	w.input(KindPackage, "", strings.Join(r.Package, "\n"))
	w.argument()
	w.flags()
	if w.ix.print.Name != SHA256().Name {
		w.input(KindFlag, "-murmur", w.ix.print.Name)
	}
	w.env(cgo)
	if !r.Toolchain.Pinned() && cgo {
		w.compiler()
	}
}

// place adds the directories that show in the executable: all of them, unless
// -trimpath leaves them out. Where the build happens within its module counts
// in any case, since flags and patterns may be relative.
func (w *walk) place() {
	r := &w.r
	w.input(KindDir, "working directory", r.rel(r.Workspace.Dir))
	if _, _, versioned := r.versioned(); !versioned && (!r.is("trimpath") || r.Workspace.Root() == "") {
		w.input(KindDir, "root", r.base())
	}
	if !r.is("trimpath") {
		w.input(KindDir, "GOMODCACHE", r.ModCache)
		w.input(KindDir, "GOROOT", r.Toolchain.Root)
	}
}

// argument gives the reasons that lie in the package argument.
func (w *walk) argument() {
	_, version, versioned := w.r.versioned()
	switch {
	case len(w.r.Package) == 0:
		w.reason("no package is named")
	case versioned && !exactVersion(version):
		w.reason("@" + version + " may be another version tomorrow; name an exact one")
	case crooked("/", w.r.Getenv("GOWORK")):
		w.reason("GOWORK leads through a symbolic link and back: it is one file to the kernel, and another one by its text")
	case slices.ContainsFunc(w.r.Package, func(arg string) bool { return w.r.files() && crooked(w.r.Workspace.Dir, arg) }):
		w.reason("a file is named through a symbolic link and back: it is one file to the kernel, and another one by its text")
	case w.r.Getenv("GO111MODULE") == "off":
		w.reason("GO111MODULE=off: in GOPATH mode nothing says where a package comes from")
	}
}

// toolchain adds what compiles.
func (w *walk) toolchain() {
	t := w.r.Toolchain
	if t.Unknown != "" {
		w.reason(t.Unknown)
	}
	w.input(KindToolchain, "go", t.Version)
	w.input(KindToolchain, "architecture", t.Arch)
	if t.Pinned() {
		w.input(KindToolchain, "image", t.Digest)
		return
	}
	for _, path := range w.tools(t.Root) {
		w.input(KindToolchain, strings.TrimPrefix(path, t.Root+string(filepath.Separator)), w.ix.machine().content(path, toolFile).value())
	}
}

// tools are the files of a Go installation that tell a patched one from the
// release. The standard library's sources are taken for the release's: the
// go command trusts them likewise (cmd/go/internal/modindex keeps an index for
// GOROOT by its version).
func (w *walk) tools(root string) []string {
	if root == "" {
		return nil
	}
	version, err := readVersion(root)
	if err != nil {
		w.reason("GOROOT " + root + " is no release: it has no VERSION file")
	} else if strings.HasPrefix(version, "devel") {
		w.reason("GOROOT " + root + " is a development version, whose sources may change")
	}
	files := []string{filepath.Join(root, "VERSION"), filepath.Join(root, "go.env"), filepath.Join(root, "bin", "go")}
	host := filepath.Join(root, "pkg", "tool", hostPlatform())
	d := w.ix.machine().dir(host)
	w.ix.machine().list(d)
	for _, e := range d.entries {
		if slices.Contains(buildTools, e.name) {
			files = append(files, filepath.Join(host, e.name))
		}
	}
	return files
}

// buildTools are the programs of pkg/tool that have a part in a build
// (cmd/go/internal/work); vet, fix and others do not.
var buildTools = []string{"asm", "cgo", "compile", "cover", "link", "pack", "preprofile"}

// The flags that have no part in what is built.
var idleFlags = []string{"C", "exec", "json", "modcacherw", "p", "v"}

// unsureFlags leave no sure key, for the reason given.
var unsureFlags = []Flag{
	{"a", "asks for a build"},
	{"n", "asks for the commands"},
	{"x", "asks for the commands of a build"},
	{"work", "asks for the work directory of a build"},
	{"toolexec", "runs a program in the place of the toolchain's"},
	{"pkgdir", "takes packages from elsewhere"},
	{"linkshared", "links against libraries of this machine"},
	{"overlay", "builds other files than there are"},
	{"msan", "links against libraries of the C compiler"},
	{"asan", "links against libraries of the C compiler"},
}

// toolFlags go to a tool; every use counts, in its order.
var toolFlags = []string{"asmflags", "gcflags", "gccgoflags", "ldflags"}

// plainFlags have one value, the last one given.
var plainFlags = []string{
	"buildmode", "buildvcs", "compiler", "cover", "covermode", "coverpkg", "installsuffix", "mod", "modfile",
	"pgo", "race", "tags", "trimpath",
}

// flags adds the flags in their normal form: those without effect left out.
func (w *walk) flags() {
	for _, f := range unsureFlags {
		if value, given := w.r.value(f.Name); given && value != "false" && value != "" {
			w.reason("-" + f.Name + " " + f.Value)
		}
	}
	for _, name := range plainFlags {
		if value, given := w.r.value(name); given {
			w.flag(Flag{name, value})
		}
	}
	if value, _ := w.r.value("modfile"); strings.Contains(value, "..") { // a link on the way may lead elsewhere tomorrow
		w.input(KindFlag, "-modfile is", w.r.rel(Resolve(w.r.Workspace.Dir, value)))
	}
	for _, name := range toolFlags {
		w.toolFlag(name)
	}
	for _, f := range w.r.Flags {
		known := func(u Flag) bool { return u.Name == f.Name }
		if !slices.Contains(slices.Concat(idleFlags, plainFlags, toolFlags), f.Name) && !slices.ContainsFunc(unsureFlags, known) {
			w.reason("-" + f.Name + " is not known to gorun")
		}
	}
}

func (w *walk) flag(f Flag) {
	switch {
	case f.Value == "false" && f.Name != "buildvcs" || f.Value == "" || f.Name == "buildmode" && f.Value == "default" ||
		f.Name == "compiler" && f.Value == "gc" || f.Name == "buildvcs" && f.Value == "auto" || f.Name == "pgo" && f.Value == "auto":
		return // Go's default
	case f.Name == "mod" && f.Value == "mod":
		w.reason("-mod=mod may change go.mod")
	case f.Name == "buildvcs" && f.Value == "true":
		w.reason("-buildvcs=true asks the version control for its state")
	case f.Name == "compiler":
		w.reason("-compiler=" + f.Value + " compiles with a compiler that nothing pins")
	case f.Name == "tags":
		f.Value = normalTags(f.Value)
	}
	w.input(KindFlag, "-"+f.Name, f.Value)
}

func (w *walk) toolFlag(name string) {
	var values []string
	for _, f := range w.r.Flags {
		if f.Name == name {
			values = append(values, f.Value)
		}
	}
	if len(values) == 0 {
		return
	}
	value := strings.Join(values, "\n")
	w.input(KindFlag, "-"+name, value)
	if word := fileWord(name, value); word != "" {
		w.reason("-" + name + " names files that may change (" + word + ")")
	}
}

// fileWord returns the word of a tool's flags that names a file or directory
// to read, or "" (go tool asm, compile and link, -h).
func fileWord(name, value string) string {
	options := map[string][]string{
		"asmflags":   {"-I"},
		"gcflags":    {"-I", "-importcfg", "-embedcfg", "-symabis", "-pgoprofile", "-coveragecfg"},
		"gccgoflags": {"-"},
		"ldflags":    {"-L", "-extld", "-extar", "-importcfg", "-plugin"},
	}[name]
	for _, word := range strings.FieldsFunc(value, separatesWords) {
		flag := "-" + strings.TrimLeft(word, "-")
		for _, o := range options {
			if flag == o && strings.HasPrefix(word, "-") || len(o) == 2 && strings.HasPrefix(word, o) || o == "-" {
				return word
			}
		}
	}
	if name == "ldflags" {
		return linkerWord(value)
	}
	return ""
}

// linkerWord returns the word of -extldflags that may name a file, or "".
func linkerWord(value string) string {
	words := splitQuoted(value)
	for i, word := range words {
		name, flags, given := strings.Cut(word, "=")
		if !strings.HasSuffix(name, "-extldflags") {
			continue
		}
		if !given && i+1 < len(words) {
			flags = words[i+1]
		}
		for _, flag := range splitQuoted(flags) {
			if !insideWord(flag) {
				return flag
			}
		}
	}
	return ""
}

// splitQuoted splits by blanks, where a word may be quoted as a whole
// (cmd/internal/quoted). What is not closed is one word.
func splitQuoted(s string) (words []string) {
	for s = strings.TrimLeft(s, " \t\n\r"); s != ""; s = strings.TrimLeft(s, " \t\n\r") {
		word, rest, _ := strings.Cut(s, " ")
		if q := s[0]; q == '"' || q == '\'' {
			word, rest, _ = strings.Cut(s[1:], string(q))
		}
		words, s = append(words, word), rest
	}
	return words
}

func separatesWords(c rune) bool { return strings.ContainsRune(" \t\n='\",", c) }

// normalTags is a list of tags as the build information records it: in the
// order given, so that another order is another executable
// (cmd/go/internal/work tagsFlag.Set, load setBuildInfo).
func normalTags(value string) string {
	if strings.ContainsAny(value, " '") {
		return strings.Join(splitQuoted(value), ",")
	}
	return strings.Join(strings.FieldsFunc(value, func(c rune) bool { return c == ',' }), ",")
}
