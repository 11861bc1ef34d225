package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/runas"
	"github.com/org/gorun-action/internal/store"
	"github.com/org/gorun-action/runner"
)

// defaultGrace is what `docker stop` gives a container, and longer than the
// 7.5 s that a cancelled GitHub job leaves between INT and TERM.
const defaultGrace = 10 * time.Second

// options are gorun's own flags.
type options struct {
	builder       string
	image         string
	repository    string
	goVersion     string
	logFormat     string
	logFile       string
	output        string
	timeout       time.Duration
	grace         time.Duration
	cancelGrace   time.Duration
	failOn        failOn
	verdictFile   string
	compat        bool
	runAs         string
	engine        bool // asked for by name
	strict        bool
	cacheDir      string
	cacheTo       cacheTo
	cacheStrict   bool
	cacheMode     string
	cacheSize     int64
	cacheAge      time.Duration
	readAll       bool
	verifyCache   bool
	reproducible  bool
	verifyBuild   bool
	explain       bool
	help, version bool
}

// What --run-as says.
const (
	runAsSelf  = "self"
	runAsOwner = "owner"
)

func defaults() options {
	runAs, builder := runAsSelf, "auto"
	if runas.InImage() {
		runAs, builder = runAsOwner, "host" // there is no second container inside of this one
	}
	return options{
		builder: builder, logFormat: "auto", output: "raw", grace: defaultGrace, runAs: runAs,
		cacheMode: string(runner.CacheReadWrite), cacheSize: store.DefaultBytes, cacheAge: store.DefaultAge,
	}
}

// own is the table of gorun's own flags: the parser, -h and the README read it.
func (o *options) own() []buildflags.Own {
	return []buildflags.Own{
		{Name: "builder", Arg: "auto|docker|host", Usage: "where to compile: in the pinned toolchain container, or with this machine's go. auto takes the container where an engine answers", Set: o.setBuilder},
		{Name: "toolchain-image", Arg: "ref@sha256:…", Usage: "compile in this image instead of the pinned one; it must be named by digest", Set: o.setImage},
		{Name: "toolchain-repository", Arg: "repository", Usage: "pull pinned toolchain images from here, by digest, before making them from the module proxy", Set: text(&o.repository)},
		{Name: "go-version", Arg: "1.26|1.26.8", Usage: "the Go release to compile with; default: the toolchain or go line of go.work or go.mod, else the newest pinned one", Set: text(&o.goVersion)},
		{Name: "log-format", Arg: "auto|json|text|none", Usage: "auto is text on a terminal and JSON elsewhere; none shows failures only, and an unchanged program then takes gorun's place where nothing else needs it", Set: oneOf(&o.logFormat, "auto", "json", "text", "none")},
		{Name: "log-file", Arg: "file", Usage: "write the log there (as JSON unless --log-format=text); standard error then shows failures only", Set: file(&o.logFile)},
		{Name: "output", Arg: "raw|json", Usage: "raw leaves the program's output alone, json turns its lines into log records", Set: oneOf(&o.output, "raw", "json")},
		{Name: "timeout", Arg: "duration", Usage: "time limit for the program, without the build: 90s, 5m; it gets QUIT, then TERM, then KILL, and the status is 124", Set: duration(&o.timeout)},
		{Name: "grace", Arg: "duration", Usage: "how long a program that ran into the limit gets to end, default 10s", Set: duration(&o.grace)},
		{Name: "cancel-grace", Arg: "duration", Usage: "how long a program that was told to end by INT or TERM gets, before it is killed; default: for ever", Set: duration(&o.cancelGrace)},
		{Name: "fail-on", Arg: "all|none|list", Usage: "which ends of a run are failures: outcomes and exit statuses with commas between them (panic,timeout,3,64-78); with any other the status is 0", Set: o.failOn.set},
		{Name: "verdict-file", Arg: "file", Usage: "write what became of the run there, as JSON", Set: file(&o.verdictFile)},
		{Name: "compat", Arg: "go|none", Usage: "go reports exactly as go run does: its text, \"exit status N\", status 1", Set: o.setCompat},
		{Name: "strict-flags", Bool: true, Usage: "refuse the flags that the manual page names and no Go release has", Set: boolean(&o.strict)},
		{Name: "cache-dir", Arg: "directory", Usage: "where gorun keeps its caches; default: gorun in the user's cache directory", Set: file(&o.cacheDir)},
		{Name: "cache-to", Arg: "list", Usage: "stores that other machines share, in the order in which they are asked, with commas between them: dir:path, actions (GitHub's cache, in the action), oci:host/repository; none is the default", Set: o.cacheTo.set},
		{Name: "cache-mode", Arg: "readwrite|read|trusted|off", Usage: "what to do with what earlier runs left: use and keep it, use it only, neither; a release or a tag uses nothing of shared stores unless it is trusted, which else is readwrite", Set: oneOf(&o.cacheMode, string(runner.CacheReadWrite), string(runner.CacheRead), cacheTrusted, string(runner.CacheOff))},
		{Name: "cache-strict", Bool: true, Usage: "with GORUN_CACHE_KEY: an entry of a shared store whose signature is missing, wrong or of another key is an integrity failure and not just a miss", Set: boolean(&o.cacheStrict)},
		{Name: "cache-size", Arg: "size", Usage: "how much the kept executables may take, default 2GiB; the least recently used go first, 0 is no limit", Set: size(&o.cacheSize)},
		{Name: "cache-age", Arg: "duration", Usage: "how long an executable is kept after its last use, default 720h; 0 is for ever", Set: duration(&o.cacheAge)},
		{Name: "read-all", Bool: true, Usage: "read every source for the key, whatever its size, times and inode say; where these prove nothing gorun does so by itself", Set: boolean(&o.readAll)},
		{Name: "verify-cache", Bool: true, Usage: "build although the executable is there, and compare the two; a difference is an integrity failure", Set: boolean(&o.verifyCache)},
		{Name: "reproducible", Bool: true, Usage: "build the same bytes on every machine: -trimpath, -buildvcs=false, and no variable of this machine that could change the executable", Set: boolean(&o.reproducible)},
		{Name: "verify-build", Bool: true, Usage: "build a second time in another directory and without a cache, and compare the two; a difference is an integrity failure. It implies --reproducible", Set: boolean(&o.verifyBuild)},
		{Name: "explain", Bool: true, Usage: "show every input of the executable's key and, where it was not there, what has changed", Set: boolean(&o.explain)},
		{Name: "run-as", Arg: "self|owner", Usage: "owner: when started as root, become the owner of the workspace first, so that the program does not run as root and files belong to that owner; the default in the images", Set: oneOf(&o.runAs, runAsSelf, runAsOwner)},
		{Name: "version", Bool: true, Usage: "print gorun's version and the pinned toolchains", Set: boolean(&o.version)},
		{Name: "h", Bool: true, Usage: "print this help", Set: boolean(&o.help)},
		{Name: "help", Bool: true, Usage: "the same as -h", Set: boolean(&o.help)},
	}
}

// variable is the environment variable that sets a flag's default.
func variable(flag string) string {
	return "GORUN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets the flags' defaults. get is "" for what is not set.
func (o *options) fromEnvironment(get func(string) string, ignored ...string) error {
	for _, f := range o.own() {
		value := get(variable(f.Name))
		if value == "" || slices.Contains(append(ignored, "h", "help", "version"), f.Name) {
			continue
		}
		if err := f.Set(value); err != nil {
			return &buildflags.UsageError{
				Message: fmt.Sprintf("invalid value %q for %s: %v", value, variable(f.Name), err),
				Hint:    "it is the default of --" + f.Name + ": " + f.Usage,
			}
		}
	}
	return nil
}

func (o *options) setBuilder(value string) error {
	o.engine = value == "docker"
	return oneOf(&o.builder, "auto", "docker", "host")(value)
}

func (o *options) setImage(value string) error {
	o.engine = true
	return text(&o.image)(value)
}

func (o *options) setCompat(value string) error {
	var mode string
	if err := oneOf(&mode, "go", "none")(value); err != nil {
		return err
	}
	o.compat = mode == "go"
	return nil
}

// check refuses combinations that contradict each other.
func (o *options) check() error {
	switch {
	case o.output == "json" && o.logFormat == "text":
		return &buildflags.UsageError{Message: "--output=json makes log records, which --log-format=text has no place for", Hint: "drop one of the two flags"}
	case o.output == "json" && o.compat:
		return &buildflags.UsageError{Message: "--output=json and --compat=go contradict each other: go run leaves the program's output alone", Hint: "drop one of the two flags"}
	case o.output == "json" && o.logFormat == "none":
		return &buildflags.UsageError{Message: "--output=json makes log records, which --log-format=none has no place for", Hint: "drop one of the two flags"}
	case o.explain && o.logFormat == "none" && o.logFile == "":
		return &buildflags.UsageError{Message: "--explain is shown in the log, which --log-format=none leaves out", Hint: "drop one of the two flags"}
	case o.verifyCache && o.cacheMode == string(runner.CacheOff):
		return &buildflags.UsageError{Message: "--verify-cache has nothing to compare with --cache-mode=off", Hint: "drop one of the two flags"}
	case len(o.cacheTo.stores) > 0 && o.cacheMode == string(runner.CacheOff):
		return &buildflags.UsageError{Message: "--cache-to names a store that --cache-mode=off does not use", Hint: "drop one of the two flags"}
	case o.failOn.text != "" && o.compat:
		return &buildflags.UsageError{Message: "--fail-on and --compat=go contradict each other: go run fails when the program does", Hint: "drop one of the two flags"}
	case o.image != "" && o.builder == "host":
		return &buildflags.UsageError{Message: "--toolchain-image has no meaning with --builder=host", Hint: "drop one of the two flags"}
	case o.image != "" && o.goVersion != "":
		return &buildflags.UsageError{Message: "--toolchain-image and --go-version both choose the toolchain", Hint: "drop one of the two flags"}
	}
	return nil
}

func text(to *string) func(string) error {
	return func(v string) error { *to = v; return nil }
}

// file takes a path that counts from where gorun was started, whatever -C says.
func file(to *string) func(string) error {
	return func(v string) (err error) {
		if v == "" {
			return fmt.Errorf("no file is named")
		}
		wd, err := os.Getwd()
		*to = cachekeys.Resolve(wd, v)
		return err
	}
}

func oneOf(to *string, values ...string) func(string) error {
	return func(v string) error {
		for _, known := range values {
			if v == known {
				*to = v
				return nil
			}
		}
		return fmt.Errorf("it must be one of %s", strings.Join(values, ", "))
	}
}

func duration(to *time.Duration) func(string) error {
	return func(v string) error {
		d, err := time.ParseDuration(v)
		if err != nil {
			return fmt.Errorf("write it as 90s, 5m or 1h30m")
		}
		if d < 0 {
			return fmt.Errorf("it must not be negative")
		}
		*to = d
		return nil
	}
}

// size takes 512MiB, 2GiB or plain bytes.
func size(to *int64) func(string) error {
	return func(v string) error {
		n, err := units.RAMInBytes(v)
		if err != nil || n < 0 {
			return fmt.Errorf("write it as 512MiB or 2GiB")
		}
		*to = n
		return nil
	}
}

func boolean(to *bool) func(string) error {
	return func(v string) (err error) {
		*to, err = strconv.ParseBool(v)
		return err
	}
}
