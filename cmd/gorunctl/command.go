package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/org/gorun-action/container"
)

// The exit statuses.
const (
	success = 0
	failure = 1 // it could not be done, or something is not as pinned
	misuse  = 2 // the command line is wrong
)

const help = `gorunctl maintains the toolchain images that gorun pins, and the executables
that it stores.

Usage:

    gorunctl <command> [flags] [arguments]

Commands:

    image build     make a toolchain image from the module proxy, without a daemon
    image runner    make the runner image, a toolchain image with gorun in it
    image verify    make the pinned images again and compare them with the lock
    image list      print the lock
    lock            write the lock anew
    cache ls        list the stored executables, here or in shared stores
    cache rm        remove stored executables
    cache prune     remove those that were not used for long, or take too much room
    cache verify    hash all of them, and remove damaged ones
    cache key       make a key that signs what goes into shared stores

gorunctl <command> -h explains a command. Downloads follow the go command's
configuration (GOPROXY, GOMODCACHE; environment, GOENV file, GOROOT/go.env).

Exit status: 0 done, 1 not done or not as pinned, 2 wrong command line.
`

// subcommand is one command. run defines its flags, so that they stand beside
// their use.
type subcommand struct {
	name  string
	about string // the text of -h, without the flags
	run   func(ctx context.Context, c *command, flags *flags) error
}

// The commands, as `gorunctl -h` lists them.
func subcommands() []subcommand {
	return []subcommand{
		{"image build", buildHelp, build},
		{"image runner", runnerHelp, buildRunner},
		{"image verify", verifyHelp, verify},
		{"image list", listHelp, list},
		{"lock", lockHelp, lock},
		{"cache ls", cacheListHelp, cacheList},
		{"cache rm", cacheRemoveHelp, cacheRemove},
		{"cache prune", cachePruneHelp, cachePrune},
		{"cache verify", cacheVerifyHelp, cacheVerify},
		{"cache key", cacheKeyHelp, cacheKey},
	}
}

// Main runs gorunctl and returns its exit status.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	c := newCommand(stdout, stderr, environ)
	c.stdin = stdin
	err := c.dispatch(ctx, args)
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return success
	case errors.As(err, &usage):
		c.complain(err)
		return misuse
	}
	c.complain(err)
	return failure
}

// complain writes an error and what to do about it.
func (c *command) complain(err error) {
	fmt.Fprintf(c.stderr, "gorunctl: %v\n", err)
	if hint := container.Hint(err); hint != "" {
		fmt.Fprintf(c.stderr, "hint: %s\n", hint)
	}
}

func (c *command) dispatch(ctx context.Context, args []string) error {
	if len(args) > 0 && isHelp(args[0]) {
		fmt.Fprint(c.stdout, help)
		return nil
	}
	for _, s := range subcommands() {
		words := strings.Fields(s.name)
		if len(args) >= len(words) && strings.Join(args[:len(words)], " ") == s.name {
			return s.run(ctx, c, newFlags(s, args[len(words):], c.stdout))
		}
	}
	if len(args) == 0 {
		return usagef("", "name a command: gorunctl -h lists them")
	}
	return usagef(strings.Join(args[:min(len(args), 2)], " "), "there is no such command: gorunctl -h lists them")
}

func isHelp(arg string) bool {
	return arg == "-h" || arg == "-help" || arg == "--help" || arg == "help"
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// usagef says what is wrong with what was written.
func usagef(written, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if written != "" {
		text = fmt.Sprintf("%q: %s", written, text)
	}
	return &usageError{errors.New(text)}
}

// flags are a command's flags, which may stand before and after its arguments.
type flags struct {
	*flag.FlagSet
	args   []string
	about  string
	stdout io.Writer
}

func newFlags(s subcommand, args []string, stdout io.Writer) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(s.name, flag.ContinueOnError), args: args, about: s.about, stdout: stdout}
	f.SetOutput(io.Discard) // what is wrong is for Main to say, and help is asked for
	f.Usage = func() {}
	return f
}

// help prints the text of -h.
func (f *flags) help() {
	fmt.Fprintf(f.stdout, "%s\n", f.about)
	f.SetOutput(f.stdout)
	f.PrintDefaults()
}

// parse parses the flags and returns the arguments between and after them.
func (f *flags) parse() (arguments []string, err error) {
	for rest := f.args; ; {
		if err := f.Parse(rest); errors.Is(err, flag.ErrHelp) {
			f.help()
			return nil, err
		} else if err != nil {
			return nil, container.WithHint(&usageError{err}, "gorunctl "+f.Name()+" -h lists the flags")
		}
		if f.NArg() == 0 {
			return arguments, nil
		}
		arguments = append(arguments, f.Arg(0))
		rest = f.Args()[1:]
	}
}

// none is parse for a command without arguments.
func (f *flags) none() error {
	arguments, err := f.parse()
	if err == nil && len(arguments) > 0 {
		err = usagef(arguments[0], "gorunctl %s takes no arguments", f.Name())
	}
	return err
}
