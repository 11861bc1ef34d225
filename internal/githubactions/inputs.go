package githubactions

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/goenv"
)

// Inputs are what a workflow step says under with:, as gorun's command line
// and what only the action knows.
type Inputs struct {
	// Args is gorun's command line, Flags how many of its words are flags.
	Args  []string
	Flags int
	// Env are the variables that build and program get, "NAME=value".
	Env []string
	// Stdin is the program's standard input.
	Stdin string
	// WorkflowCommands lets what the program prints act as commands.
	WorkflowCommands bool
	// Annotations and Summary say what the job shows.
	Annotations, Summary bool

	values map[string]string // of all inputs, trimmed
	set    map[string]bool   // the ones that are not empty
}

// Input is one input of action.yml.
type Input struct {
	Name, Default string
	// Usage is its description, and Accepts how a value is written.
	Usage, Accepts string
	// Flag is gorun's own flag that it stands for, "" for none.
	Flag string

	kind func(value string) error
}

// Table returns all inputs, in the order of action.yml and the README.
func Table() []Input {
	boolean, list := isBoolean, isList
	const trueFalse = "`true` or `false`"
	const listed = "JSON array of strings, lines, or shell words"
	return []Input{
		{Name: "package", Default: ".", Usage: "What to run: a directory, an import path, `path@version`, or a list of .go files.", Accepts: listed, kind: list},
		{Name: "build-flags", Usage: "Flags of `go run`, each as one word: `-tags=e2e -ldflags='-s -w'`. The image of a release has no C compiler: cgo and -race need a toolchain-image that has one.", Accepts: listed, kind: list},
		{Name: "args", Usage: "The program's arguments.", Accepts: listed, kind: list},
		{Name: "exec", Usage: "A program that runs the executable, such as an emulator: `go run -exec`.", Accepts: "words as in `go run -exec`"},
		{Name: "go-version", Usage: "The Go release to compile with. Without it: the toolchain or go line of go.work or go.mod.", Accepts: "`1.26` or `1.26.8`", Flag: "go-version"},
		{Name: "toolchain-image", Usage: "Compile in this image instead.", Accepts: "`image@sha256:…`", Flag: "toolchain-image"},
		{Name: "working-directory", Usage: "Where go and the program run, relative to the workspace.", Accepts: "a directory"},
		{Name: "env", Usage: "Variables for build and program. What has SECRET, TOKEN, PASSWORD, CREDENTIAL or API_KEY in its name is masked in the log.", Accepts: "`NAME=value`; " + listed, kind: isEnv},
		{Name: "stdin", Usage: "The program's standard input.", Accepts: "text"},
		{Name: "timeout", Usage: "Time limit for the program, without the build. Without it there is none but the step's.", Accepts: "`90s`, `5m`, `1h30m`", Flag: "timeout"},
		{Name: "log-format", Default: "json", Usage: "How the log is written.", Accepts: "`json` or `text`", Flag: "log-format", kind: isOneOf("json", "text")},
		{Name: "output", Usage: "`json` turns the program's lines into log records, `raw` leaves them alone. Without it: `json` with the JSON log, unless workflow commands are let through.", Accepts: "`json` or `raw`", Flag: "output", kind: isOneOf("json", "raw")},
		{Name: "workflow-commands", Default: "false", Usage: "Whether what the program prints can act as workflow commands, `::error::…`. Turn it on only for programs that you trust as much as the workflow itself.", Accepts: trueFalse, kind: boolean},
		{Name: "cache", Default: "readwrite", Usage: "What to do with what earlier runs left: use and keep it, use it only, neither. A release or a tag uses nothing of shared stores unless it is `trusted`, which else is `readwrite`.", Accepts: "`readwrite`, `read`, `trusted` or `off`", Flag: "cache-mode", kind: isOneOf("readwrite", "read", "trusted", "off")},
		{Name: "cache-to", Usage: "Stores that jobs share, in the order in which they are asked. Without it: GitHub's cache, where there is one.", Accepts: "`actions`, `oci:host/repository`, `dir:path`, several with commas between them, or `none`", Flag: "cache-to"},
		{Name: "annotations", Default: "true", Usage: "Whether compile errors, panics, races and time limits are shown at their lines.", Accepts: trueFalse, kind: boolean},
		{Name: "summary", Default: "true", Usage: "Whether the job's page says what happened.", Accepts: trueFalse, kind: boolean},
		{Name: "reproducible", Default: "false", Usage: "Build the same bytes everywhere: adds `-trimpath -buildvcs=false` and clears what else could differ.", Accepts: trueFalse, Flag: "reproducible", kind: boolean},
		{Name: "verify-build", Default: "false", Usage: "Build a second time without any cache in another directory, and compare.", Accepts: trueFalse, Flag: "verify-build", kind: boolean},
		{Name: "fail-on", Default: "all", Usage: "Which ends fail the step: outcomes and exit codes. With any other the step passes, and the outputs tell.", Accepts: "`all`, `none`, or a list with commas: `panic,timeout,3,64-78`", Flag: "fail-on"},
		{Name: "strict-flags", Default: "false", Usage: "Refuse flags that the manual page names and no Go release has.", Accepts: trueFalse, Flag: "strict-flags", kind: boolean},
		{Name: "builder", Usage: "Where to compile: with the Go of the action's image, or in a container of a pinned toolchain image beside it.", Accepts: "`auto`, `docker` or `host`", Flag: "builder", kind: isOneOf("auto", "docker", "host")},
	}
}

// ReadInputs reads the INPUT_ variables of environ. own are gorun's flags, that
// build-flags may have too. Whatever is wrong is a *buildflags.UsageError that
// names the input and what it accepts.
func ReadInputs(environ []string, own []buildflags.Own) (Inputs, error) {
	in := Inputs{values: map[string]string{}, set: map[string]bool{}}
	if err := knowsAll(environ); err != nil {
		return in, err
	}
	for _, i := range Table() {
		raw := goenv.Lookup(environ, variable(i.Name))
		value := strings.TrimSpace(raw)
		in.set[i.Name] = value != ""
		if err := i.check(raw, own); err != nil && value != "" {
			return in, i.refuse(value, err)
		}
		in.values[i.Name] = cmp.Or(value, i.Default)
	}
	if err := in.contradiction(); err != nil {
		return in, err
	}
	return in, in.read(environ, own)
}

// variable is how the runner hands an input to a container action: upper case,
// blanks as _, hyphens as they are.
func variable(input string) string {
	return "INPUT_" + strings.ToUpper(strings.ReplaceAll(input, " ", "_"))
}

// knowsAll refuses an input that does not exist, which a runner only warns of.
func knowsAll(environ []string) error {
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		input, ok := strings.CutPrefix(name, "INPUT_")
		if !ok || value == "" || input == "ENTRYPOINT" { // a key of the runner's own
			continue
		}
		input = strings.ToLower(input)
		if !slices.ContainsFunc(Table(), func(i Input) bool { return i.Name == input }) {
			return &buildflags.UsageError{Message: fmt.Sprintf("there is no input %q", input), Hint: "the inputs are " + names()}
		}
	}
	return nil
}

func names() string {
	var list []string
	for _, i := range Table() {
		list = append(list, i.Name)
	}
	return strings.Join(list, ", ")
}

// check reports what is wrong with a value, by its kind or by the flag that it
// is for.
func (i Input) check(raw string, own []buildflags.Own) error {
	if i.kind != nil {
		if err := i.kind(raw); err != nil {
			return err
		}
	}
	for _, f := range own {
		if f.Name == i.Flag {
			return f.Set(strings.TrimSpace(raw))
		}
	}
	return nil
}

// refuse is the error about the value of an input.
func (i Input) refuse(value string, err error) error {
	if len(value) > 100 {
		value = strings.ToValidUTF8(value[:100], "") + "…"
	}
	if i.Name == "env" { // it may be a secret
		return &buildflags.UsageError{Message: "input env: " + err.Error(), Hint: i.hint()}
	}
	return &buildflags.UsageError{Message: fmt.Sprintf("input %s: %q: %v", i.Name, value, err), Hint: i.hint()}
}

func (i Input) hint() string { return "write " + strings.ReplaceAll(i.Accepts, "`", "") }

// contradiction finds inputs that exclude each other.
func (in Inputs) contradiction() error {
	is := func(name string, values ...string) bool { return slices.Contains(values, in.values[name]) }
	for _, c := range []struct {
		holds      bool
		what, hint string
	}{
		{is("output", "json") && is("log-format", "text"), "output: json makes log records, which log-format: text has no place for", "drop one of the two inputs"},
		{is("output", "json") && in.Bool("workflow-commands"), "output: json turns the program's lines into records, which cannot act as workflow-commands: true asks", "write output: raw, or leave it out"},
		{in.set["toolchain-image"] && in.set["go-version"], "toolchain-image and go-version both choose the toolchain", "drop one of the two inputs"},
		{in.set["toolchain-image"] && is("builder", "host"), "toolchain-image has no meaning with builder: host", "drop one of the two inputs"},
		{in.set["cache-to"] && !is("cache-to", "none") && is("cache", "off"), "cache-to names a store that cache: off does not use", "drop one of the two inputs"},
	} {
		if c.holds {
			return &buildflags.UsageError{Message: c.what, Hint: c.hint}
		}
	}
	return nil
}

// Bool is the value of an input that is true or false.
func (in Inputs) Bool(name string) bool {
	v, _ := strconv.ParseBool(in.values[name])
	return v
}

// Has reports whether the step says something for an input.
func (in Inputs) Has(name string) bool { return in.set[name] }

// Text is the trimmed value of an input, or its default.
func (in Inputs) Text(name string) string { return in.values[name] }

// read turns the values, of which each by itself is right, into a command line.
func (in *Inputs) read(environ []string, own []buildflags.Own) error {
	raw := func(name string) string { return goenv.Lookup(environ, variable(name)) }
	in.Annotations, in.Summary, in.WorkflowCommands = in.Bool("annotations"), in.Bool("summary"), in.Bool("workflow-commands")
	in.Stdin = raw("stdin")
	in.Env, _ = parseList(raw("env"))
	if in.values["output"] == "" && in.values["log-format"] == "json" && !in.WorkflowCommands {
		in.values["output"] = "json"
	}
	if in.values["toolchain-image"] != "" && in.values["builder"] == "" {
		in.values["builder"] = "docker" // whatever the image has as default
	}
	flags := in.flags()
	words, _ := parseList(raw("build-flags"))
	if err := areFlags(words, own); err != nil {
		return err
	}
	flags = append(flags, words...)
	if exec := in.values["exec"]; exec != "" {
		flags = append(flags, "-exec="+exec)
	}
	pkg, _ := parseList(cmp.Or(strings.TrimSpace(raw("package")), "."))
	if err := isPackage(pkg); err != nil {
		return err
	}
	args, _ := parseList(raw("args"))
	in.Flags = len(flags)
	in.Args = append(flags, pkg...)
	if len(args) > 0 {
		in.Args = append(append(in.Args, "--"), args...)
	}
	return nil
}

// flags are gorun's own, and -C before Go's.
func (in *Inputs) flags() (flags []string) {
	for _, i := range Table() {
		value := in.values[i.Name]
		if i.Flag == "" || value == "" || value == i.Default && i.Flag != "log-format" {
			continue
		}
		flags = append(flags, "--"+i.Flag+"="+value)
	}
	if dir := in.values["working-directory"]; dir != "" && dir != "." {
		flags = append(flags, "-C="+dir)
	}
	return flags
}
