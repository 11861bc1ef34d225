// Package goenv resolves the go command's configuration without the go
// command: the environment, then the GOENV file, then GOROOT/go.env.
//
// The rules are those of cmd/go/internal/cfg (Getenv, initEnvCache): an empty
// variable counts as unset, GOENV=off switches the file off.
package goenv

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/org/gorun-action/cachekeys"
)

// Env is one resolved configuration. The zero Env has nothing set. It is
// immutable and safe for concurrent use.
type Env struct {
	environ []string
	vars    map[string]string // of the environment
	files   map[string]string // of the GOENV file over GOROOT/go.env
	text    []byte            // of the GOENV file; nil when it could not be read
	err     error             // about a file that cannot be told from no settings
}

// Load resolves environ ("name=value", the last one counts) for a go command
// that starts in this process's working directory. goroot is where that is
// installed, "" when there is no Go on this machine. Files that cannot be read
// count as empty, as they do for the go command; see Err for what it would read.
func Load(environ []string, goroot string) Env {
	e := Env{environ: slices.Clone(environ), vars: map[string]string{}, files: map[string]string{}}
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok {
			e.vars[name] = value
		}
	}
	if file := e.file(); file != "" {
		e.text = e.read(file)
		e.take(e.text)
	}
	if root := or(or(e.files["GOROOT"], e.vars["GOROOT"]), goroot); root != "" { // findGOROOT
		e.take(e.read(filepath.Join(root, "go.env")))
	}
	return e
}

// read returns what a file has, nil where the go command would read nothing.
// It waits for nobody: what is no regular file may be a pipe, or have no end.
func (e *Env) read(file string) []byte {
	data, err := cachekeys.ReadFile(file)
	if err == nil {
		return data
	}
	info, statErr := os.Stat(file)
	if null, _ := os.Stat(os.DevNull); statErr != nil || info.IsDir() || os.SameFile(info, null) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	e.err = fmt.Errorf("reading the go command's settings: %w", err)
	return nil
}

// Err is about a file of settings that is there and cannot be read by who does
// not wait: a pipe, a device, or more than any settings take.
func (e Env) Err() error { return e.err }

// Frozen is the same configuration for a go command that starts later, or in
// another directory: what the GOENV file had in it when Load read it is in a file
// in dir, which has to be there for as long. (A relative GOENV is looked for
// before -C counts.) An error is one of writing it.
func (e Env) Frozen(dir string) (Env, error) {
	if e.text == nil {
		return e.With("GOENV", "off"), nil
	}
	file := filepath.Join(dir, "goenv")
	return e.With("GOENV", file), os.WriteFile(file, e.text, 0o600)
}

// file returns the path of the GOENV file, or "" when there is none.
func (e Env) file() string {
	if f := e.vars["GOENV"]; f != "" {
		if f == "off" {
			return ""
		}
		return f
	}
	dir := e.configDir()
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "go", "env")
}

// configDir is os.UserConfigDir for this environment.
func (e Env) configDir() string {
	home := e.vars["HOME"]
	if runtime.GOOS == "darwin" {
		return under(home, "Library", "Application Support")
	}
	return xdg(e.vars["XDG_CONFIG_HOME"], under(home, ".config"))
}

// cacheDir is os.UserCacheDir for this environment.
func (e Env) cacheDir() string {
	home := e.vars["HOME"]
	if runtime.GOOS == "darwin" {
		return under(home, "Library", "Caches")
	}
	return xdg(e.vars["XDG_CACHE_HOME"], under(home, ".cache"))
}

// xdg is the directory of an XDG variable: a relative one is an error to package
// os, which comes to no directory.
func xdg(value, fallback string) string {
	if value != "" && !filepath.IsAbs(value) {
		return ""
	}
	return or(value, fallback)
}

func under(dir string, elem ...string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(append([]string{dir}, elem...)...)
}

// take adds the settings of a go.env file that no other one has; lines that are
// none are ignored, as cmd/go does.
func (e Env) take(data []byte) {
	found := map[string]string{}
	for line := range bytes.Lines(data) {
		name, value, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), "=")
		if ok && name != "" && name[0] >= 'A' && name[0] <= 'Z' {
			found[name] = value
		}
	}
	for name, value := range found {
		if _, known := e.files[name]; !known {
			e.files[name] = value
		}
	}
}

// Get returns the value of a variable, or "" when it is set nowhere.
func (e Env) Get(name string) string {
	if v := e.vars[name]; v != "" {
		return v
	}
	return e.files[name]
}

// With returns the configuration of an environment that has one variable more.
func (e Env) With(name, value string) Env {
	e.environ = append(slices.Clone(e.environ), name+"="+value)
	e.vars = maps.Clone(e.vars)
	e.vars[name] = value
	return e
}

// Environ returns the environment that Load was given, and what With has added.
func (e Env) Environ() []string { return slices.Clone(e.environ) }

// Configured returns the variables of the GOENV file and GOROOT/go.env that
// the environment does not set, sorted.
func (e Env) Configured() []string {
	var out []string
	for name, value := range e.files {
		if e.vars[name] == "" {
			out = append(out, name+"="+value)
		}
	}
	slices.Sort(out)
	return out
}

// GOOS returns the target system, this machine's unless set.
func (e Env) GOOS() string { return or(e.Get("GOOS"), runtime.GOOS) }

// GOARCH returns the target architecture, this machine's unless set.
func (e Env) GOARCH() string { return or(e.Get("GOARCH"), runtime.GOARCH) }

// GOPATH returns the list of work spaces, HOME/go unless set.
func (e Env) GOPATH() string { return or(e.Get("GOPATH"), under(e.vars["HOME"], "go")) }

// GOMODCACHE returns the module cache, or "" when there is no home directory.
func (e Env) GOMODCACHE() string {
	first, _, _ := strings.Cut(e.GOPATH(), string(filepath.ListSeparator))
	return or(e.Get("GOMODCACHE"), under(first, "pkg", "mod"))
}

// CacheDir returns the directory for a user's caches, or "" when there is no
// home directory.
func (e Env) CacheDir() string { return e.cacheDir() }

func or(value, fallback string) string {
	if value != "" {
		return value
	}
	return fallback
}

// Lookup returns the value of a variable in an environment of "name=value",
// where the last one counts, or "".
func Lookup(environ []string, name string) string {
	for _, kv := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}
