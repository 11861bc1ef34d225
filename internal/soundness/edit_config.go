package soundness

import (
	"path"
	"slices"
	"strings"
)

// overlayEdits: input 9.
func overlayEdits() []edit {
	return []edit{{kind: "overlay", inputs: "9", name: "on", apply: func(s *state) bool { return s.flag("-overlay=" + s.out("overlay.json")) }}}
}

// profileEdits: input 10.
func profileEdits() []edit {
	e := func(name string, apply func(*state) bool) edit {
		return edit{kind: "pgo", inputs: "10", name: name, costly: true, apply: apply}
	}
	return []edit{
		e("off", func(s *state) bool { return s.flag("-pgo=off") }),
		e("auto", func(s *state) bool { return s.flag("-pgo=auto") }),
		e("a file", func(s *state) bool { return s.write("out/zz.pgo", s.pick("a", "b")) && s.flag("-pgo="+s.out("zz.pgo")) }),
		e("no file", func(s *state) bool { return s.flag("-pgo=" + s.out("none.pgo")) }),
		e("default.pgo and off", func(s *state) bool { return s.write(s.probe("default.pgo"), "a") && s.flag("-pgo=off") }),
		e("an empty default.pgo", func(s *state) bool { return s.write(s.probe("default.pgo"), "") }),
	}
}

// flagEdits: inputs 11 and 16.
func flagEdits() []edit {
	var list []edit
	cheap := []string{
		"-tags=probe", "-tags=zz", "-tags=probe zz", "-ldflags=-s", "-ldflags=-w", "-ldflags=-X main.zz=10", "-ldflags=-X=MODULE/zz_probe/lib/deep.Zz=10", "-ldflags=-buildid=zz",
		"-gcflags=-N", "-gcflags=-l", "-gcflags=MODULE/zz_probe/lib=-N", "-gcflags=-d=checkptr", "-asmflags=-D=ZZ", "-buildvcs=false", "-buildvcs=auto",
		"-mod=readonly", "-mod=mod", "-mod=vendor", "-buildmode=exe", "-compiler=gc", "-installsuffix=zz", "-v", "-x=false", "-a=false", "-work=false",
		"-ldflags=-checklinkname=0", "-nonsense", "-modcacherw", "-p=1", "-cover=false", "-race=false", "-trimpath=false", "-trimpath",
	}
	for _, f := range cheap {
		list = append(list, edit{kind: "flag", inputs: "11", name: f, apply: func(s *state) bool { return s.flag(strings.ReplaceAll(f, "MODULE", s.sub.path)) }})
	}
	for _, f := range []string{"-gcflags=all=-l", "-buildmode=pie", "-cover", "-ldflags=-linkmode=external", "-covermode=atomic", "-coverpkg=./...", "-race"} {
		list = append(list, edit{kind: "flag", inputs: "11", name: f, costly: true, apply: func(s *state) bool { return s.flag(f) }})
	}
	for _, f := range []string{"-tags=probe", "-trimpath", "-ldflags=-s", "-gcflags=-N", "-mod=mod", "-v", "-tags=probe,zz"} {
		list = append(list, edit{kind: "flag", inputs: "11", name: "GOFLAGS " + f, apply: func(s *state) bool { return s.set("GOFLAGS=" + f) }})
	}
	list = append(list, edit{kind: "flag", inputs: "11", name: "tags in another order", weight: 6, apply: otherTags})
	return append(list, scriptEdit())
}

// otherTags selects the same files, but shows in the build information.
func otherTags(s *state) bool {
	i := slices.Index(s.flags, "-tags=probe,zz")
	if i >= 0 {
		s.flags = append(s.flags[:i:i], s.pick("-tags=zz,probe", "-tags=probe,zz,zz", "-tags=probe zz"))
	}
	return i >= 0
}

// The linker script is a file that only the linker knows: the go command's own
// cache has its name. (It refuses response files, @file, by itself.)
const scriptFlag = "-ldflags=-linkmode=external -extldflags=-Wl,--version-script="

func scriptEdit() edit {
	return edit{kind: "flag file", inputs: "11", name: "a linker script", hidden: true, weight: 8, apply: func(s *state) bool {
		return slices.Contains(s.flags, scriptFlag+s.out("script.map")) && s.write("out/script.map", "nonsense\n")
	}}
}

// environmentEdits: inputs 12, 13 and 14.
func environmentEdits() []edit {
	var list []edit
	add := func(inputs string, costly bool, settings ...string) {
		for _, kv := range settings {
			list = append(list, edit{kind: "env", inputs: inputs, name: kv, costly: costly, apply: func(s *state) bool { return s.set(strings.ReplaceAll(kv, "TREE", s.tree.root)) }})
		}
	}
	add("12", false, "GOWORK=off", "GO111MODULE=off", "GO111MODULE=auto", "GO111MODULE=on", "GOENV=off", "GOENV=TREE/out/env", "GOPROXY=off", "GOSUMDB=off", "GOPRIVATE=*", "GOVCS=*:off", "GOINSECURE=*", "GOEXE=.zz", "GOBIN=TREE/out", "GOTOOLDIR=TREE/out", "GOPATH=TREE/out/gopath", "GOTMPDIR=TREE/tmp", "GOHOSTARCH=arm64", "GOVERSION=go1.20", "GOTELEMETRY=off", "GO_EXTLINK_ENABLED=0", "GCCGO=zz", "GOMODCACHE=TREE/out/none")
	add("12", true, "GOOS=windows", "GOARCH=arm64", "GOAMD64=v3", "GOAMD64=v1", "GOEXPERIMENT=nogreenteagc", "GOFIPS140=latest", "CGO_ENABLED=0", "CGO_ENABLED=1", "GO386=softfloat", "GOARM64=v9.0")
	add("13", false, "GODEBUG=panicnil=1", "GODEBUG=zz=1", "LANG=de_DE", "FOO=bar", "GOMAXPROCS=1", "GOGC=50", "GOTRACEBACK=all", "TZ=Asia/Tokyo", "SOURCE_DATE_EPOCH=10", "GO_BUILDER_NAME=zz", "GOSSAFUNC=zz", "GOCOMPILEDEBUG=n", "GOCLOBBERDEADHASH=1", "USER=zz", "LD_LIBRARY_PATH=TREE/out", "PKG_CONFIG_PATH=TREE/out", "PWD=TREE/out", "TERM=dumb")
	add("13,20", true, "CC=gcc", "CC=clang", "CGO_CFLAGS=-DZZ", "CGO_LDFLAGS=-lm", "CGO_CFLAGS_ALLOW=.*", "CPATH=TREE/out/include", "C_INCLUDE_PATH=TREE/out/include", "LIBRARY_PATH=TREE/out", "CXX=zz")
	add("14", false, "GOTOOLCHAIN=go1.25.0", "GOTOOLCHAIN=auto", "GOTOOLCHAIN=path", "GOTOOLCHAIN=go1.26.0+auto")
	return append(list, goEnvEdits()...)
}

// goEnvEdits are about the files of the go command's configuration.
func goEnvEdits() []edit {
	return []edit{
		{kind: "env", inputs: "5,12", name: "a GOENV file", weight: 3, apply: func(s *state) bool { return s.write("home/.config/go/env", goEnvLine(s)+"\n") }},
		{kind: "env", inputs: "12", name: "GOENV", weight: 3, apply: func(s *state) bool { return s.write("out/env", goEnvLine(s)+"\n") && s.set("GOENV="+s.out("env")) }},
		{kind: "env", inputs: "12", name: "another HOME", weight: 2, apply: func(s *state) bool {
			return s.write("out/home/.config/go/env", goEnvLine(s)+"\n") && s.set("HOME="+s.out("home"))
		}},
		{kind: "env", inputs: "12", name: "XDG_CONFIG_HOME", weight: 2, apply: func(s *state) bool {
			return s.write("out/xdg/go/env", goEnvLine(s)+"\n") && s.set("XDG_CONFIG_HOME="+s.out("xdg"))
		}},
		{kind: "env", inputs: "13,20", name: "another gcc on PATH", costly: true, apply: func(s *state) bool {
			return s.write("out/bin/gcc", "#!/bin/sh\nexec /usr/bin/gcc -DZZ \"$@\"\n") && s.chmod("out/bin/gcc", 0o755) && s.set("PATH="+s.out("bin")+":"+lookup(s.environ(), "PATH"))
		}},
		{kind: "toolchain", inputs: "14,15", name: "another GOROOT", costly: true, apply: func(s *state) bool {
			return s.symlink(s.sub.goroot, "out/goroot") && s.set("GOROOT="+s.out("goroot"))
		}},
	}
}

// placeEdits: inputs 15, 16 and 19.
func placeEdits() []edit {
	e := func(inputs, name string, weight int, apply func(*state) bool) edit {
		return edit{kind: "place", inputs: inputs, name: name, weight: weight, apply: apply}
	}
	return []edit{
		e("15", "the module moves", 3, func(s *state) bool {
			if s.dir != s.abs(s.sub.module) || !s.rename("src", "srd") {
				return false
			}
			s.dir = s.abs("srd" + strings.TrimPrefix(s.sub.module, "src"))
			return true
		}),
		e("15,19", "from a link", 2, func(s *state) bool { s.dir = s.out("link"); return true }),
		e("19", "an import path", 2, func(s *state) bool { s.pkg = []string{s.sub.importPath(s.sub.probe)}; return true }),
		e("19", "an absolute path", 2, func(s *state) bool { s.pkg = []string{s.abs(s.sub.probe)}; return true }),
		e("19", "another spelling", 2, func(s *state) bool { s.pkg = []string{s.pkg[0] + s.pick("/", "/.", "/../zz_probe", "//")}; return true }),
		e("19", "another package", 2, func(s *state) bool {
			s.pkg = []string{"./" + s.pick("...", "none", "lib", "xxhsum", "coding", ".")}
			return true
		}),
		e("19", "files", 2, func(s *state) bool {
			dir := s.abs(s.sub.probe)
			s.pkg = [][]string{{dir + "/main.go", dir + "/use.go"}, {dir + "/use.go", dir + "/main.go"}, {dir + "/main.go"}}[s.rnd.IntN(3)]
			return true
		}),
		e("19", "a version", 1, func(s *state) bool {
			s.pkg = []string{"github.com/cespare/xxhash/v2/xxhsum@" + s.pick("v2.3.0", "latest", "v2", "v2.3")}
			return true
		}),
		e("16", "stamped", 1, func(s *state) bool { return s.sub.git && s.flag("-buildvcs=true") }),
	}
}

// cEdits: inputs 20 and 21, where the go command's own cache is blind.
func cEdits() []edit {
	e := func(inputs, name, rel string) edit {
		return edit{kind: "include", inputs: inputs, name: name, hidden: true, weight: 3, apply: func(s *state) bool {
			text, ok := s.bump(s.probe(rel))
			return ok && s.write(s.probe(rel), text)
		}}
	}
	return []edit{
		e("21", "of assembly", "lib/body.h"),
		e("20", "of C", "clib/body.h"),
		e("20", "of a header", "clib/sub.h"),
		e("19,20", "of a file list", "cmain/cmain.h"),
		{kind: "include", inputs: "20", name: "a C file", weight: 3, apply: rewrite(func(s *state) string { return s.probe(s.pick("clib/clib.c", "clib/clib.h", "clib/clib.go")) }, bumped)},
		{kind: "include", inputs: "20,21", name: "another file", hidden: true, weight: 2, apply: func(s *state) bool {
			rel := s.probe(s.pick("lib/asm_amd64.s", "clib/clib.c", "clib/clib.h"))
			text, ok := s.read(rel)
			return ok && s.write(path.Join(path.Dir(rel), "zz.inc"), "\n") && s.write(rel, text+"\n#include \""+s.pick("zz.inc", "../zz.inc", "./zz.inc")+"\"\n")
		}},
		{kind: "include", inputs: "21", name: "what the tool finds first", weight: 2, apply: func(s *state) bool { return s.write(s.probe("lib/textflag.h"), "#define NOSPLIT 4\n#define ZZ 10\n") }},
	}
}
