package buildflags

import (
	"fmt"
	"slices"
	"strings"
)

// Options are what Build must know besides the command line. The strings are
// the go command's configuration, resolved as the go command does.
type Options struct {
	// Strict refuses what only the page knows, with Go's spelling in the hint.
	Strict bool
	// Compat accepts exactly what the go command accepts.
	Compat bool
	// Reproducible adds the flags that keep this machine out of the executable,
	// refuses those that say otherwise, and leaves out GOFLAGS and CgoCFlags.
	Reproducible bool
	// GOFLAGS and CgoCFlags ($CGO_CFLAGS) are "" when they are set nowhere.
	GOFLAGS, CgoCFlags string
	// GOOS and GOARCH are the target.
	GOOS, GOARCH string
}

// Build puts the flags into Go's spelling. Every error is a *UsageError.
func (p Parsed) Build(o Options) (Build, error) {
	if o.Reproducible {
		o.GOFLAGS, o.CgoCFlags = "", ""
	}
	env, err := parseGOFLAGS(o.GOFLAGS)
	if err != nil {
		return Build{}, err
	}
	t := translation{Options: o, parsed: p, index: newIndex(), env: env, page: map[string]string{}}
	t.build.Dir = p.Dir
	for _, step := range []func() error{t.read, t.reproducible, t.mod, t.mode, t.linkmode, t.ldlgo, t.gldebug, t.buildflags, t.rest} {
		if err := step(); err != nil {
			return Build{}, err
		}
	}
	return t.finish(), nil
}

// translation is a Build in the making. Its steps run in the order of Build.
type translation struct {
	Options
	parsed Parsed
	index  flagIndex
	env    []setting         // of GOFLAGS
	cli    []setting         // Go's flags on the command line, in Go's spelling
	page   map[string]string // the flags that only the page knows
	build  Build
}

// read sorts the flags of the command line into Go's and the page's.
func (t *translation) read() error {
	for _, g := range t.parsed.given {
		if g.own || g.name == "C" {
			continue
		}
		if g.undefined != nil && !t.Compat {
			return g.undefined
		}
		if g.undefined != nil { // for the go command to refuse, or to know
			t.cli = append(t.cli, g.setting)
			continue
		}
		form, paged := t.goForm(g.setting)
		inGo := t.index[g.name].InGo
		switch {
		case t.Compat && !inGo:
			return known{index: t.index}.undefined(g.name)
		case t.Compat:
			t.cli = append(t.cli, g.setting)
		case t.Strict && (paged || !inGo):
			return t.refuse(g)
		case inGo:
			t.cli = append(t.cli, form)
		default:
			t.page[g.name] = g.value
		}
	}
	return nil
}

// goForm returns a flag of Go's in Go's spelling, and whether it was in one
// that only the page knows. Go has no spelling for -mod auto: see mod.
func (t *translation) goForm(s setting) (form setting, paged bool) {
	if s.name == "mod" && s.value == "auto" {
		return s, true
	}
	if t.index[s.name].kind == asTool {
		if value, ok := spaced(s.value); ok {
			return setting{s.name, value}, true
		}
	}
	return s, false
}

// mod drops -mod auto: Go has no such mode, "auto" is what it does without
// -mod. A -mod in GOFLAGS has to go too, and an empty -mod= on the command
// line would not undo it (cmd/go/internal/modload setDefaultBuildMod looks at
// whether -mod was ever set).
func (t *translation) mod() error {
	if t.Compat {
		return nil
	}
	mode, _ := last(t.cli, "mod")
	t.cli = slices.DeleteFunc(t.cli, func(s setting) bool {
		return s.name == "mod" && (mode == "auto" || s.value == "auto")
	})
	if _, inherited := last(t.env, "mod"); inherited && mode == "auto" {
		t.env = slices.DeleteFunc(t.env, func(s setting) bool { return s.name == "mod" })
		t.build.Env = append(t.build.Env, "GOFLAGS="+withoutGOFLAG(t.GOFLAGS, "mod"))
	}
	return nil
}

// mode refuses build modes that make no executable: `go run` fails in them
// with a crash or a permission error.
func (t *translation) mode() error {
	mode, _ := t.value("buildmode")
	products := map[string]string{
		"archive":   "a package archive",
		"c-archive": "a C archive",
		"c-shared":  "a C shared library",
		"shared":    "a Go shared library",
		"plugin":    "a plugin",
	}
	if product, ok := products[mode]; ok && !t.Compat {
		where := ""
		if _, here := last(t.cli, "buildmode"); !here {
			where = " (from $GOFLAGS)"
		}
		return &UsageError{
			Message: fmt.Sprintf("-buildmode=%s%s makes %s, which cannot be run", mode, where, product),
			Hint:    "-buildmode=exe and -buildmode=pie make programs; to keep " + product + ", use: go build -buildmode=" + mode,
		}
	}
	return nil
}

// buildflags hands each word to the external assembler, which cgo packages
// reach through the C compiler. CGO_CFLAGS replaces Go's default, so that must
// be in it (cmd/go/internal/work defaultCFlags).
func (t *translation) buildflags() error {
	list, _ := SplitQuoted(t.page["buildflags"])
	if len(list) == 0 {
		return nil
	}
	for i, word := range list {
		list[i] = "-Wa," + word
	}
	more, err := JoinQuoted(list)
	if err != nil {
		return &UsageError{Message: "-buildflags: " + err.Error(), Hint: "set CGO_CFLAGS instead"}
	}
	cflags := t.CgoCFlags
	if cflags == "" {
		cflags = "-O2 -g"
	}
	t.build.Env = append(t.build.Env, "CGO_CFLAGS="+cflags+" "+more)
	t.notice("-buildflags is deprecated and no Go release has it: its words go to the assembler of cgo packages, as CGO_CFLAGS=" + more)
	return nil
}

// rest sees to the flags that translate to nothing.
func (t *translation) rest() error {
	t.build.Murmur = t.page["murmur"] == "true"
	if t.page["gcstackiter"] == "true" {
		t.notice("-gcstackiter: Go has no such switch; nothing changes")
	}
	return nil
}

// finish reads the answers off the flags.
func (t *translation) finish() Build {
	b := t.build
	for _, s := range slices.Concat(t.env, t.cli) {
		b.settings = append(b.settings, s)
		if s.name == "covermode" || s.name == "coverpkg" {
			b.settings = append(b.settings, setting{"cover", "true"}) // cmd/go's coverFlag does
		}
	}
	for _, s := range t.cli {
		if t.index[s.name].Class != Handled {
			b.Args = append(b.Args, s.word(t.index))
		}
	}
	xprog, given := b.Value("exec")
	b.Exec, _ = SplitQuoted(xprog)
	b.ExecGiven = given
	b.JSON, b.DryRun = b.is("json"), b.is("n")
	b.NeedsC = t.needsC(b)
	return b
}

// needsC returns the first flag that makes cmd/go call a C compiler or linker
// (cmd/go/internal/work instrumentInit, cmd/link/internal/ld mustLinkExternal).
func (t *translation) needsC(b Build) string {
	compiler, _ := b.Value("compiler")
	switch {
	case compiler == "gccgo":
		return "-compiler gccgo"
	case b.is("race") && t.GOOS != "darwin": // there the race detector needs no cgo
		return "-race"
	case b.is("msan"):
		return "-msan"
	case b.is("asan"):
		return "-asan"
	case b.is("linkshared"):
		return "-linkshared"
	case t.page["linkmode"] == "external":
		return "-linkmode external"
	}
	mode := ""
	for _, v := range t.effective("ldflags") {
		if m := v.flags.linkmode(); m != "" {
			mode = m
		}
	}
	if mode == "external" {
		return "-ldflags=-linkmode=external"
	}
	return ""
}

// word returns the flag as one word of a command line.
func (s setting) word(index flagIndex) string {
	if index[s.name].Bool && s.value == "true" {
		return "-" + s.name
	}
	return "-" + s.name + "=" + s.value
}

// is reports whether a boolean flag is set.
func (b Build) is(name string) bool {
	value, _ := b.Value(name)
	return value == "true"
}

// value is Build.Value before the Build is finished.
func (t *translation) value(name string) (string, bool) {
	return last(slices.Concat(t.env, t.cli), name)
}

func (t *translation) notice(sentence string) {
	t.build.Notices = append(t.build.Notices, sentence)
}

// gccgo reports whether gccgo compiles and links.
func (t *translation) gccgo() bool {
	compiler, _ := t.value("compiler")
	return compiler == "gccgo"
}

// refuse is the error of Strict: the message names what only the page knows,
// the hint is the same command line in Go's spelling.
func (t *translation) refuse(g given) error {
	lenient := t.Options
	lenient.Strict = false
	b, err := t.parsed.Build(lenient)
	if err != nil {
		return err
	}
	what := "-" + g.name
	if t.index[g.name].InGo {
		what += " " + g.value
	}
	return &UsageError{
		Message: what + " is not Go's: --strict-flags accepts only what the go command does",
		Hint:    "Go's spelling: " + t.parsed.goSpelling(b),
	}
}

// goSpelling returns the command line with the flags of b in place of the
// ones that gorun does not handle itself.
func (p Parsed) goSpelling(b Build) string {
	index := newIndex()
	var flags []string
	for _, g := range p.given {
		if g.own || index[g.name].InGo && index[g.name].Class == Handled {
			flags = append(flags, g.words...)
		}
	}
	return p.commandLine(b.Env, append(flags, b.Args...))
}

// commandLine returns the gorun command line with these flags, for people.
func (p Parsed) commandLine(env, flags []string) string {
	var line strings.Builder
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		line.WriteString(name + "=" + shellQuote(value) + " ")
	}
	list := slices.Concat([]string{"gorun"}, flags)
	if p.ended {
		list = append(list, "--")
	}
	for i, word := range append(list, p.rest...) {
		if i > 0 {
			line.WriteByte(' ')
		}
		line.WriteString(shellQuote(word))
	}
	return line.String()
}
