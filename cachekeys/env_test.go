package cachekeys

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// goOutput is what the go command in use prints.
func goOutput(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// A variable that a new Go release brings has to be put into one of the lists.
func TestGoEnvIsKnown(t *testing.T) {
	var printed map[string]string
	if err := json.Unmarshal([]byte(goOutput(t, "env", "-json")), &printed); err != nil || len(printed) < 30 {
		t.Fatalf("%d variables: %v", len(printed), err)
	}
	lists := map[string][]string{"keyedEnv": keyedEnv, "cEnv": cEnv, "sourceEnv": sourceEnv, "idleEnv": idleEnv}
	for _, name := range slices.Sorted(maps.Keys(printed)) {
		var in []string
		for list, names := range lists {
			if slices.Contains(names, name) {
				in = append(in, list)
			}
		}
		if len(in) != 1 {
			t.Errorf("go env prints %s, which is in %q: can it change an executable?", name, in)
		}
	}
}

// KnownEnv of the go command has variables that go env prints only when asked.
func TestKnownEnvIsKnown(t *testing.T) {
	root := strings.TrimSpace(goOutput(t, "env", "GOROOT"))
	src, err := os.ReadFile(filepath.Join(root, "src", "internal", "cfg", "cfg.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(src), "KnownEnv = `")
	list, _, _ = strings.Cut(list, "`")
	names := strings.Fields(list)
	if len(names) < 60 {
		t.Fatalf("KnownEnv has %d names", len(names))
	}
	for _, name := range names {
		if name == "GCCGOTOOLDIR" {
			continue // -compiler=gccgo has no key
		}
		if !slices.Contains(slices.Concat(keyedEnv, cEnv, sourceEnv, idleEnv), name) {
			t.Errorf("the go command knows %s: can it change an executable?", name)
		}
	}
}

// A flag that a new Go release brings has to be put into one of the lists.
func TestGoHelpBuildIsKnown(t *testing.T) {
	help := regexp.MustCompile(`(?m)^\t-([a-zA-Z0-9]+)`).FindAllStringSubmatch(goOutput(t, "help", "build"), -1)
	if len(help) < 28 {
		t.Fatalf("go help build names %d flags", len(help))
	}
	var unsure []string
	for _, f := range unsureFlags {
		unsure = append(unsure, f.Name)
	}
	for _, match := range append(help, []string{"", "exec"}) {
		n := 0
		for _, list := range [][]string{idleFlags, unsure, toolFlags, plainFlags} {
			if slices.Contains(list, match[1]) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("-%s is in %d lists of config.go", match[1], n)
		}
	}
}

// settingsRoot is the workspace of the tests of flags and variables.
func settingsRoot(t *testing.T) string {
	return write(t, map[string]string{"go.mod": "module example.com/m\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() {}\n", "alt.mod": "module example.com/m\n", "o.json": "{}"})
}

// flagsOf reads "-a=b -c" into flags; a value may have ␣ for a blank.
func flagsOf(words string) (flags []Flag) {
	for _, word := range strings.Fields(words) {
		name, value, given := strings.Cut(strings.TrimPrefix(word, "-"), "=")
		if !given {
			value = "true"
		}
		flags = append(flags, Flag{name, strings.ReplaceAll(value, "␣", " ")})
	}
	return flags
}

func closureWith(root, flags string, env map[string]string) *Closure {
	r := pinnedRequest(func(name string) string { return env[name] })
	r.Package, r.Workspace, r.Flags = []string{"."}, FindWorkspace(root, Options{}), flagsOf(flags)
	return OpenIndex("", SHA256(), time.Now).Closure(r)
}

func TestFlagsNormalForm(t *testing.T) {
	root := settingsRoot(t)
	for _, same := range [][]string{
		{"", "-v", "-p=4", "-json", "-modcacherw", "-exec=env", "-C=.", "-race=false", "-cover=false", "-a=false", "-x=false", "-n=false", "-work=false",
			"-pgo=auto", "-buildvcs=auto", "-buildmode=default", "-compiler=gc", "-tags=", "-trimpath=false", "-mod=", "-tags=x -tags=", "-race -race=false"},
		{"-tags=a,b", "-tags=a,,b", "-tags=c -tags=a,b", "-tags=a␣b", "-race=false -tags=a,b", "-tags=a,b -v"},
		{"-race -tags=a", "-tags=a -race", "-race=false -tags=a -race"},
		{"-gcflags=-N -ldflags=-s", "-ldflags=-s -gcflags=-N"},
		{"-trimpath -race", "-race -trimpath"},
	} {
		want := closureWith(root, same[0], nil).ExecutableKey()
		for _, flags := range same {
			if c := closureWith(root, flags, nil); c.ExecutableKey() != want || want == "" {
				t.Errorf("%q is not the same as %q: reasons %q\n%s", flags, same[0], c.Reasons, Text(c.Inputs))
			}
		}
	}
}

func TestFlagsThatDiffer(t *testing.T) {
	root, keys := settingsRoot(t), map[string]string{}
	for _, flags := range []string{
		"", "-race", "-cover", "-covermode=atomic", "-coverpkg=./...", "-trimpath", "-pgo=off", "-pgo=main.go", "-buildvcs=false", "-buildmode=pie",
		"-tags=a", "-tags=a,b", "-tags=b,a", "-tags=b,a,b", "-tags='b␣a'", "-tags=A", "-mod=vendor", "-mod=readonly", "-modfile=alt.mod", "-installsuffix=x",
		"-gcflags=-N", "-gcflags=-l", "-gcflags=-N␣-l", "-gcflags=all=-N", "-gcflags=-N -gcflags=-l", "-gcflags=-l -gcflags=-N", "-gcflags=-N -gcflags=all=-l",
		"-asmflags=-N", "-ldflags=-N", "-ldflags=-s", "-ldflags=-s␣-w", "-ldflags=-X␣main.x=1", "-ldflags=-X␣main.x=2",
	} {
		c := closureWith(root, flags, nil)
		key := c.ExecutableKey()
		if other, taken := keys[key]; taken || key == "" {
			t.Errorf("%q has the key of %q (%q)", flags, other, c.Reasons)
		}
		keys[key] = flags
	}
}

func TestFlagsWithReasons(t *testing.T) {
	root := settingsRoot(t)
	for flags, want := range map[string]string{
		"-a": "-a asks", "-n": "-n asks", "-x": "-x asks", "-work": "-work asks", "-toolexec=time": "-toolexec runs", "-pkgdir=x": "-pkgdir takes",
		"-linkshared": "-linkshared links", "-msan": "-msan links", "-asan": "-asan links", "-mod=mod": "-mod=mod may change", "-compiler=gccgo": "-compiler=gccgo",
		"-frob": "-frob is not known", "-frob=false": "-frob is not known", "-overlay=nowhere": "-overlay builds other files",
		"-asmflags=-Iinc": "names files", "-asmflags=-I␣inc": "names files", "-asmflags=all=-Iinc": "names files",
		"-gcflags=-I␣dir": "names files", "-gcflags=-pgoprofile=x": "names files", "-gcflags=--pgoprofile=x": "names files", "-gcflags=-embedcfg=x": "names files",
		"-gcflags=-N -gcflags=-importcfg=x": "names files",
		"-gccgoflags=-O2":                   "names files",
		"-ldflags=-L␣dir":                   "names files", "-ldflags=-Ldir": "names files", "-ldflags=-extld=clang": "names files", "-ldflags=--extld␣clang": "names files",
		"-ldflags=-extldflags=-Ldir": "names files", "-ldflags=-extldflags␣'-static␣x.a'": "names files", "-ldflags=-extldflags=/x/y.o": "names files",
		"-ldflags=-extldflags=-T␣script.ld": "names files", "-ldflags=-extldflags=@args": "names files", "-ldflags=-extldflags=-Wl,-T,script.ld": "names files",
		"-ldflags=-linkmode=external␣-extldflags=x.so": "names files",
	} {
		c := closureWith(root, flags, nil)
		if c.ExecutableKey() != "" || !contain(c.Reasons, want) {
			t.Errorf("%q: key %q, reasons %q; want %q", flags, c.ExecutableKey(), c.Reasons, want)
		}
	}
	for _, flags := range []string{"-ldflags=-s␣-w", "-gcflags=-l=4", "-ldflags=-linkmode=external␣-extldflags=-static", "-asmflags=-D␣X"} {
		if c := closureWith(root, flags, nil); len(c.Reasons) > 0 {
			t.Errorf("%q: %q", flags, c.Reasons)
		}
	}
}

func TestEnvNormalForm(t *testing.T) {
	root := settingsRoot(t)
	plain := closureWith(root, "", nil).ExecutableKey()
	for _, name := range slices.Concat(keyedEnv, cEnv) {
		value := "x"
		if name == "GO111MODULE" {
			value = "on"
		}
		if closureWith(root, "", map[string]string{name: value}).ExecutableKey() == plain {
			t.Errorf("%s does not count", name)
		}
		if closureWith(root, "", map[string]string{name: ""}).ExecutableKey() != plain {
			t.Errorf("%s that is empty is not the same as absent", name)
		}
	}
	for _, name := range slices.Concat(idleEnv, sourceEnv, []string{"HOME", "LANG", "TZ", "PWD", "GORUN_X"}) {
		if closureWith(root, "", map[string]string{name: "x"}).ExecutableKey() != plain {
			t.Errorf("%s counts", name)
		}
	}
}

// hostClosure is that of a toolchain of this machine, in root.
func hostClosure(root, goroot string, env map[string]string) *Closure {
	r := pinnedRequest(func(name string) string { return env[name] })
	r.Package, r.Workspace, r.Toolchain, r.Target = []string{"."}, FindWorkspace(root, Options{}), Toolchain{Version: "1.26.8", Root: goroot}, strings.ReplaceAll(hostPlatform(), "_", "/")
	return OpenIndex("", SHA256(), time.Now).Closure(r)
}

// On this machine the C compiler and its variables count where cgo does.
func TestHostCompiler(t *testing.T) {
	root := settingsRoot(t)
	bin := write(t, map[string]string{"gcc": "#!/bin/sh\n", "as": "1", "ld": "1", "clang": "1"})
	for _, name := range []string{"gcc", "as", "ld", "clang"} {
		if err := os.Chmod(filepath.Join(bin, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	key := func(env ...string) string {
		vars := map[string]string{"PATH": bin}
		for i := 0; i < len(env); i += 2 {
			vars[env[i]] = env[i+1]
		}
		return hostClosure(root, "", vars).ExecutableKey()
	}
	with, without := key(), key("CGO_ENABLED", "0")
	for what, same := range map[string]bool{
		"CGO_CFLAGS without cgo":      key("CGO_ENABLED", "0", "CGO_CFLAGS", "-g") == without,
		"no compiler without cgo":     key("CGO_ENABLED", "0", "PATH", "") == without,
		"PATH that finds the same":    key("PATH", "/nowhere:"+bin) == with,
		"a relative PATH is no place": key("PATH", "."+string(filepath.ListSeparator)+bin) == with,
	} {
		if !same {
			t.Errorf("%s: the key differs", what)
		}
	}
	distinct := map[string]string{with: "plain"}
	for what, other := range map[string]string{
		"CGO_CFLAGS": key("CGO_CFLAGS", "-g"), "CC": key("CC", "clang"), "no cgo": without, "CPATH": key("CPATH", "/x"), "CC with words": key("CC", "clang -m64"),
		"another PATH": key("PATH", write(t, map[string]string{"gcc": ""})),
	} {
		if was, taken := distinct[other]; taken {
			t.Errorf("%s has the key of %s", what, was)
		}
		distinct[other] = what
	}
	overwrite(t, filepath.Join(bin, "ld"), "2")
	if key() == with {
		t.Error("another linker has the same key")
	}
}

// A toolchain of this machine counts by its tools.
func TestHostToolchain(t *testing.T) {
	root, tool := settingsRoot(t), "pkg/tool/"+hostPlatform()+"/compile"
	goroot := write(t, map[string]string{"VERSION": "go1.26.8\n", "go.env": "", "bin/go": "", tool: "", "src/fmt/fmt.go": "package fmt\n"})
	noCgo := map[string]string{"CGO_ENABLED": "0"}
	key := func() string { return hostClosure(root, goroot, noCgo).ExecutableKey() }
	for _, name := range []string{"VERSION", "go.env", "bin/go", tool, "pkg/tool/" + hostPlatform() + "/link"} {
		was := key()
		overwrite(t, filepath.Join(goroot, filepath.FromSlash(name)), "go1.26.8\npatched")
		if now := key(); now == was || now == "" {
			t.Errorf("%s does not count: %q", name, now)
		}
	}
	overwrite(t, filepath.Join(goroot, "VERSION"), "devel go1.27-abc\n")
	if c := hostClosure(root, goroot, noCgo); !contain(c.Reasons, "development version") {
		t.Errorf("reasons %q", c.Reasons)
	}
	if c := hostClosure(root, filepath.Join(goroot, "src"), noCgo); !contain(c.Reasons, "no VERSION file") {
		t.Errorf("reasons %q", c.Reasons)
	}
}
