package cachekeys

import (
	"path/filepath"
	"runtime"
	"strings"
)

// compiler adds what tells the C compiler and the C library of this machine:
// the standard library's net and os/user are compiled and linked with them.
// A package database names the version of everything that is installed,
// headers and libraries included.
func (w *walk) compiler() {
	words := strings.Fields(w.r.Getenv("CC"))
	if len(words) == 0 {
		words = []string{"gcc"}
	}
	for _, name := range []string{words[0], "as", "ld"} {
		path := findProgram(&w.r, name)
		w.input(KindCompiler, name, path+" "+w.ix.machine().Sum(path))
	}
	known := false
	for _, path := range packageDatabases {
		if value := w.ix.machine().Sum(path); value != "absent" {
			w.input(KindCompiler, path, value)
			known = true
		}
	}
	if !known {
		w.systemFiles()
	}
}

// packageDatabases are those of dpkg, apk, rpm and the image builders that use
// them.
var packageDatabases = []string{
	"/var/lib/dpkg/status", "/lib/apk/db/installed", "/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages",
}

// systemFiles stands in for a package database.
func (w *walk) systemFiles() {
	for _, pattern := range []string{
		"/lib*/libc.so.6", "/usr/lib*/libc.so.6", "/lib/*-linux-gnu*/libc.so.6", "/lib/ld-musl-*.so.1", "/usr/lib/libSystem.*",
		"/usr/lib/*/crt1.o", "/usr/lib*/crt1.o", "/usr/lib/gcc/*/*/cc1", "/usr/libexec/gcc/*/*/cc1", "/usr/lib/gcc/*/*/libgcc.a",
	} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			w.input(KindCompiler, path, w.ix.machine().Sum(path))
		}
	}
}

// findProgram looks for a program on PATH, as exec.LookPath does, or returns
// "".
func findProgram(r *Request, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	for _, dir := range filepath.SplitList(r.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if s := stampOf(path); filepath.IsAbs(dir) && s.isRegular() && s.Mode&0o111 != 0 {
			return path
		}
	}
	return ""
}

// hostPlatform is the name of this machine's directory in GOROOT/pkg/tool.
func hostPlatform() string { return runtime.GOOS + "_" + runtime.GOARCH }

// readVersion returns what a Go installation says it is.
func readVersion(root string) (string, error) {
	data, err := ReadFile(filepath.Join(root, "VERSION"))
	if err != nil {
		return "", err
	}
	lines := strings.Split(string(data), "\n")
	return strings.TrimSpace(lines[0]), nil
}
