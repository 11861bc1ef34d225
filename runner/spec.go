// Package runner takes one run from what the user asked for to what became of
// it: Spec → Plan → Executable → ExitStatus → Result. Run, in run.go, is the
// whole way, top to bottom.
//
// It knows neither Docker nor log formats: a Builder provides the place where
// the go command runs, a Reporter is told the Events.
package runner

import (
	"io"
	"os"
	"time"

	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/goenv"
)

// Spec is what the user asked for.
type Spec struct {
	// Dir is the absolute working directory, after -C.
	Dir string
	// Env is the caller's environment with the go command's configuration
	// files; the program gets its variables.
	Env goenv.Env
	// Build are the flags for the go command.
	Build buildflags.Build
	// Package is the package argument, or the files of a file list.
	Package []string
	// Args are the program's arguments.
	Args []string
	// ToolchainImage names the image to build in, with its digest; "" is the
	// pinned one.
	ToolchainImage string
	// GoVersion is "1.26" or "1.26.8"; "" leaves it to go.mod.
	GoVersion string
	// Builder is "auto", "docker" or "host".
	Builder string
	// Timeout limits the program's own run, without the build; 0 is no limit.
	Timeout time.Duration
	// Grace is how long a program that ran into the limit gets to end.
	Grace time.Duration
	// CancelGrace is how long a program that a signal told to end gets to do
	// so; 0 is for ever.
	CancelGrace time.Duration
	// Tolerate reports whether an end that is no success is no failure either;
	// the Result says so, and its ExitStatus stays. nil tolerates nothing.
	Tolerate func(Result) bool
	// Compat reports as go run does: "exit status N" and status 1.
	Compat bool
	// CacheDir is the absolute directory of gorun's own caches.
	CacheDir string
	// Cache says what to do with executables of earlier runs.
	Cache CacheMode
	// ReadAll has every source read for the key, whatever its size, times and
	// inode say.
	ReadAll bool
	// VerifyCache builds although there is an executable, and compares the two.
	VerifyCache bool
	// Reproducible builds with nothing of this machine that could change the
	// executable: Env counts for it only as far as it says where things come from
	// and what the target is. Build must have been made with the option of that
	// name.
	Reproducible bool
	// VerifyBuild builds a second time, elsewhere and without a cache, and
	// compares the two. It needs Reproducible.
	VerifyBuild bool
	// Explain reports every input of the key, and what it differs in.
	Explain bool
	// Alone says that no other process here uses the go command's caches.
	Alone bool
	// Replace lets the program take the place of this process where nothing
	// has to be done after it.
	Replace bool
	// Stdin, Stdout and Stderr are the program's. Files are inherited as they
	// are, except for standard error, which is read for panics on its way.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Signals are what this process receives: they end the build, and are
	// passed on to the program. nil is none.
	Signals <-chan os.Signal
}

// CacheMode says what a run does with the Store.
type CacheMode string

// The modes. The zero CacheMode is CacheOff.
const (
	CacheOff       CacheMode = "off"
	CacheRead      CacheMode = "read"      // nothing is written
	CacheReadWrite CacheMode = "readwrite" // what was built is kept
)

func (m CacheMode) on() bool { return m == CacheRead || m == CacheReadWrite }
