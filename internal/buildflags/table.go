package buildflags

import "slices"

// Class is what gorun does with a flag.
type Class string

// The classes. The words are the README's.
const (
	PassThrough Class = "passed on"           // to the go command, as it is
	Extended    Class = "passed on, extended" // a form that only the page knows is put in Go's spelling
	Checked     Class = "passed on, checked"  // values that cannot lead to a run are refused
	Handled     Class = "gorun's"             // gorun acts itself
	Translated  Class = "translated"          // put in Go's spelling: no Go release has the flag
	Accepted    Class = "no effect"           // accepted with a notice: no Go release has the flag
)

// Flag is one row of the Table.
type Flag struct {
	Name  string
	Arg   string // the value's name in usage texts, "" where none is shown
	Bool  bool   // may stand without a value
	Class Class
	Usage string // what it does, in one sentence without a full stop
	Group string // the heading in Help

	OnPage bool // the manual page of `go run` names it
	InGo   bool // `go help build` or `go help run` names it

	kind kind
}

// The groups, in the order of Help.
const (
	running         = "Running"
	building        = "What is built"
	instrumentation = "Instrumentation"
	modules         = "Modules and files"
	tools           = "Tools"
	output          = "What is shown"
	pageOnly        = "From the manual page only (no Go release has these)"
)

func groups() []string {
	return []string{running, building, instrumentation, modules, tools, output, pageOnly}
}

// Table returns every flag of `go run` and of its manual page, grouped as Help
// shows them.
func Table() []Flag {
	const page, gogo = true, true
	row := func(group, name, arg string, k kind, class Class, onPage, inGo bool, usage string) Flag {
		return Flag{Name: name, Arg: arg, Bool: k == asBool || k == asVCS, Class: class, Usage: usage, Group: group,
			OnPage: onPage, InGo: inGo, kind: k}
	}
	const commas = "; a comma-separated list of flags is accepted too"
	return []Flag{
		row(running, "C", "dir", asText, Handled, !page, gogo, "change to dir first; the first of Go's flags"),
		row(running, "exec", "xprog", asWords, Handled, page, gogo, "run the program as: xprog executable arguments"),
		row(running, "n", "", asBool, Handled, page, gogo, "print the commands, build and run nothing"),

		row(building, "a", "", asBool, PassThrough, page, gogo, "rebuild every package"),
		row(building, "buildmode", "mode", asText, Checked, page, gogo, "exe, pie or default; modes that make no executable are refused"),
		row(building, "buildvcs", "", asVCS, PassThrough, !page, gogo, "stamp version control information: true, false or auto"),
		row(building, "installsuffix", "suffix", asText, PassThrough, page, gogo, "keep package objects apart under this suffix"),
		row(building, "linkshared", "", asBool, PassThrough, page, gogo, "link against shared libraries made with -buildmode=shared"),
		row(building, "p", "n", asInt, PassThrough, page, gogo, "run at most n commands at once"),
		row(building, "pgo", "file", asText, PassThrough, !page, gogo, "profile for optimization: a file, auto or off"),
		row(building, "pkgdir", "dir", asText, PassThrough, !page, gogo, "install and load package objects in dir"),
		row(building, "tags", "tag,list", asTags, PassThrough, page, gogo, "build tags that hold"),
		row(building, "trimpath", "", asBool, PassThrough, page, gogo, "keep file system paths out of the executable"),

		row(instrumentation, "asan", "", asBool, PassThrough, !page, gogo, "cooperate with the address sanitizer (needs a C compiler)"),
		row(instrumentation, "cover", "", asBool, PassThrough, !page, gogo, "instrument for coverage"),
		row(instrumentation, "covermode", "set,count,atomic", asText, PassThrough, !page, gogo, "how coverage is counted; sets -cover"),
		row(instrumentation, "coverpkg", "pattern1,pattern2,pattern3", asText, PassThrough, !page, gogo, "packages to instrument; sets -cover"),
		row(instrumentation, "msan", "", asBool, PassThrough, page, gogo, "cooperate with the memory sanitizer (needs clang)"),
		row(instrumentation, "race", "", asBool, PassThrough, page, gogo, "detect data races (needs a C compiler)"),

		row(modules, "mod", "mode", asText, Extended, page, gogo, "readonly, vendor or mod; auto is what Go does without -mod"),
		row(modules, "modcacherw", "", asBool, PassThrough, !page, gogo, "leave new directories of the module cache writable"),
		row(modules, "modfile", "file", asText, PassThrough, page, gogo, "read this file instead of go.mod"),
		row(modules, "overlay", "file", asText, PassThrough, !page, gogo, "JSON file that replaces source files"),

		row(tools, "asmflags", "'[pattern=]arg list'", asTool, Extended, page, gogo, "flags for go tool asm"+commas),
		row(tools, "compiler", "name", asText, PassThrough, page, gogo, "gc or gccgo"),
		row(tools, "gccgoflags", "'[pattern=]arg list'", asTool, Extended, page, gogo, "flags for gccgo"+commas),
		row(tools, "gcflags", "'[pattern=]arg list'", asTool, Extended, page, gogo, "flags for go tool compile"+commas),
		row(tools, "ldflags", "'[pattern=]arg list'", asTool, Extended, page, gogo, "flags for go tool link"+commas),
		row(tools, "toolexec", "'cmd args'", asWords, PassThrough, page, gogo, "run compile, asm and link through this program"),

		row(output, "json", "", asBool, Handled, !page, gogo, "build output as JSON"),
		row(output, "v", "", asBool, PassThrough, page, gogo, "name the packages as they are built"),
		row(output, "work", "", asBool, PassThrough, page, gogo, "name the temporary work directory and keep it"),
		row(output, "x", "", asBool, PassThrough, !page, gogo, "print the commands"),

		row(pageOnly, "buildflags", "flags", asWords, Translated, page, !gogo, "flags for the external assembler, as CGO_CFLAGS=-Wa,flag; deprecated"),
		row(pageOnly, "gcstackiter", "", asBool, Accepted, page, !gogo, "nothing changes"),
		row(pageOnly, "gldebug", "", asBool, Translated, page, !gogo, "keep debug information, which go run leaves out"),
		row(pageOnly, "ldlgo", "path", asText, Translated, page, !gogo, "dynamic linker of the program: -ldflags='-I path', or gccgo's --dynamic-linker"),
		row(pageOnly, "linkmode", "mode", asText, Translated, page, !gogo, "internal, external or auto: -ldflags=-linkmode=mode"),
		row(pageOnly, "murmur", "", asBool, Handled, page, !gogo, "detect local changes with Murmur3-128 instead of SHA-256"),
	}
}

// hidden returns the flags that `go run` has and its help leaves out, as they
// are unstable (cmd/go/internal/work AddBuildFlags).
func hidden() []Flag {
	var flags []Flag
	for _, name := range []string{"debug-actiongraph", "debug-runtime-trace", "debug-trace"} {
		flags = append(flags, Flag{Name: name, Arg: "file", Class: PassThrough, InGo: true})
	}
	return flags
}

// flagIndex is the Table by name, with the hidden flags.
type flagIndex map[string]Flag

func newIndex() flagIndex {
	index := flagIndex{}
	for _, f := range slices.Concat(Table(), hidden()) {
		index[f.Name] = f
	}
	return index
}
