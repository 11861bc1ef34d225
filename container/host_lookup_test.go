package container

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

// put writes a file of the test, and returns its path.
func put(t testing.TB, path string, mode fs.FileMode, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// elfFile returns an executable of the machine, with an interpreter or none.
func elfFile(machine elf.Machine, order binary.ByteOrder, interp string) string {
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Entry: 0x400078,
		Phoff: 64, Ehsize: 64, Phentsize: 56}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	if order == binary.BigEndian {
		h.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	var b bytes.Buffer
	if interp != "" {
		h.Phnum = 1
	}
	binary.Write(&b, order, h)
	if interp != "" {
		n := uint64(len(interp) + 1)
		binary.Write(&b, order, elf.Prog64{Type: uint32(elf.PT_INTERP), Flags: 4, Off: 64 + 56, Filesz: n, Memsz: n, Align: 1})
		b.WriteString(interp + "\x00")
	}
	return b.String()
}

// forSystem is the same executable for another system.
func forSystem(abi elf.OSABI, file string) string {
	return file[:elf.EI_OSABI] + string(rune(abi)) + file[elf.EI_OSABI+1:]
}

// goBuild cross-compiles a program.
func goBuild(t testing.TB, goos, goarch string) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "main.go"), 0o666, "package main\nfunc main() {}\n")
	c := exec.Command("go", "build", "-o", "program", "main.go")
	c.Dir, c.Env = dir, append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "program")
}

func TestStartErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, mode fs.FileMode, content string) string {
		return put(t, filepath.Join(dir, name), mode, content)
	}
	os.Mkdir(filepath.Join(dir, "bin", "adir"), 0o777)
	file("bin/plain", 0o666, "#!/bin/sh\nexit 1\n")
	file("rel/tool", 0o777, "#!/bin/sh\nexit 7\n")
	absent := errors.New("neither")
	const here = runtime.GOOS + "/" + runtime.GOARCH
	tests := []struct {
		name       string
		c          Command
		want       error
		text, hint string
	}{
		{"no such path", Command{Path: "/no/such"}, fs.ErrNotExist, "no such file", ""},
		{"not in PATH", Command{Path: "such", Env: []string{"PATH=/usr/bin"}}, fs.ErrNotExist, `"such" in PATH`, ""},
		{"no PATH", Command{Path: "sh"}, fs.ErrNotExist, "in PATH", ""},
		{"no path", Command{Path: "", Env: []string{"PATH=/usr/bin"}}, fs.ErrNotExist, "in PATH", ""},
		{"directory", Command{Path: dir}, ErrNotExecutable, "is a directory", "name the program"},
		{"directory in PATH", Command{Path: "bin", Env: []string{"PATH=" + dir}}, fs.ErrNotExist, "", ""},
		{"no permission", Command{Path: "./bin/plain", Dir: dir}, ErrNotExecutable, "permission denied", "chmod +x ./bin/plain"},
		{"no permission in PATH", Command{Path: "plain", Env: []string{"PATH=/x:" + dir + "/bin"}}, ErrNotExecutable, "permission denied", "chmod +x"},
		{"file as directory", Command{Path: dir + "/bin/plain/x"}, ErrNotExecutable, "not a directory", "check the path"},
		{"relative PATH", Command{Path: "tool", Dir: dir, Env: []string{"PATH=rel"}}, exec.ErrDot, "tool cannot be executed", "./rel/tool"},
		{"no format", Command{Path: file("text", 0o777, "hello\n")}, ErrNotExecutable, "exec format error", "#!/bin/sh"},
		{"no script interpreter", Command{Path: file("script", 0o777, "#! /no/such/sh -e\n")}, ErrNotExecutable, "interpreter /no/such/sh does not exist", "/no/such/sh"},
		{"no ELF interpreter", Command{Path: file("dynamic", 0o777, elfFile(hostMachine(t), binary.LittleEndian, "/no/such/ld.so"))},
			ErrNotExecutable, "interpreter /no/such/ld.so does not exist", "CGO_ENABLED=0"},
		{"big endian", Command{Path: file("s390x", 0o777, elfFile(elf.EM_S390, binary.BigEndian, ""))},
			ErrNotExecutable, "built for linux/s390x, this is " + here, "go_linux_s390x_exec"},
		{"little endian power", Command{Path: file("power", 0o777, elfFile(elf.EM_PPC64, binary.LittleEndian, ""))},
			ErrNotExecutable, "built for linux/ppc64le", "-exec"},
		{"riscv", Command{Path: file("riscv", 0o777, elfFile(elf.EM_RISCV, binary.LittleEndian, ""))},
			ErrNotExecutable, "built for linux/riscv64", "go_linux_riscv64_exec"},
		{"mips", Command{Path: file("mips", 0o777, elfFile(elf.EM_MIPS, binary.LittleEndian, ""))},
			ErrNotExecutable, "built for linux/mips64le", "go_linux_mips64le_exec"},
		{"another system", Command{Path: file("freebsd", 0o777, forSystem(elf.ELFOSABI_FREEBSD, elfFile(elf.EM_AARCH64, binary.LittleEndian, "")))},
			ErrNotExecutable, "built for freebsd/arm64", "go_freebsd_arm64_exec"},
		{"wasip1", Command{Path: file("wasip1", 0o777, "\x00asm\x01\x00\x00\x00..wasi_snapshot_preview1..")},
			ErrNotExecutable, "built for wasip1/wasm", "go_wasip1_wasm_exec"},
		{"js", Command{Path: file("js", 0o777, "\x00asm\x01\x00\x00\x00..gojs..")},
			ErrNotExecutable, "built for js/wasm", "go_js_wasm_exec"},
		{"unknown machine", Command{Path: file("vax", 0o777, elfFile(elf.EM_VAX, binary.LittleEndian, ""))},
			ErrNotExecutable, "built for linux/vax", ""},
		{"arguments too long", Command{Path: "/bin/true", Args: []string{strings.Repeat("x", 1<<20)}}, ErrNotExecutable, "too long", "fewer"},
		{"no such working directory", Command{Path: "/bin/true", Dir: "/no/such/dir"}, absent, "working directory", ""},
		{"working directory is a file", Command{Path: "/bin/true", Dir: filepath.Join(dir, "text")}, absent, "working directory", ""},
		{"NUL", Command{Path: "/bin/true", Args: []string{"a\x00b"}}, absent, "invalid argument", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { checkStartError(t, test.c, test.want, test.text, test.hint) })
	}
}

func checkStartError(t *testing.T, c Command, want error, text, hint string) {
	t.Helper()
	_, err := Host{}.Run(context.Background(), c)
	if err == nil {
		t.Fatal("it ran")
	}
	if !errors.Is(err, want) && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNotExecutable)) {
		t.Errorf("not %v: %v", want, err)
	}
	if errors.Is(err, fs.ErrNotExist) && errors.Is(err, ErrNotExecutable) {
		t.Errorf("both not found and not executable: %v", err)
	}
	if !strings.Contains(err.Error(), text) || !strings.Contains(Hint(err), hint) {
		t.Errorf("%q, hint %q; want %q, %q", err, Hint(err), text, hint)
	}
}

func hostMachine(t testing.TB) elf.Machine {
	t.Helper()
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return f.Machine
}

// TestForeignExecutables asks the real toolchain for each format; TestStartErrors
// has more platforms.
func TestForeignExecutables(t *testing.T) {
	for _, platform := range []string{"linux/arm64", "linux/amd64", "darwin/amd64", "windows/amd64"} {
		goos, goarch, _ := strings.Cut(platform, "/")
		if platform == runtime.GOOS+"/"+runtime.GOARCH {
			continue
		}
		t.Run(platform, func(t *testing.T) {
			t.Parallel()
			testenv.Long(t, "it compiles the runtime for this platform")
			checkStartError(t, Command{Path: goBuild(t, goos, goarch)}, ErrNotExecutable,
				"built for "+platform+", this is", "go_"+goos+"_"+goarch+"_exec")
		})
	}
}

func TestLookup(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/a/tool", 0o666, "#!/bin/sh\nexit 1\n") // not executable: goes on
	put(t, dir+"/b/tool/x", 0o666, "")                  // a directory: goes on
	put(t, dir+"/c/tool", 0o777, "#!/bin/sh\nexit 3\n")
	put(t, dir+"/d/tool", 0o777, "#!/bin/sh\nexit 4\n")
	path := "PATH=" + dir + "/a:" + dir + "/b:" + dir + "/c:" + dir + "/d"
	for _, test := range []struct {
		c    Command
		code int
	}{
		{Command{Path: "tool", Env: []string{path}}, 3},
		{Command{Path: "tool", Env: []string{"PATH=" + dir + "/c", "PATH=" + dir + "/d"}}, 4},
		{Command{Path: "./tool", Dir: dir + "/d"}, 4},
		{Command{Path: "d/tool", Dir: dir, Env: []string{path}}, 4},
	} {
		if got := run(t, test.c); got != (ExitStatus{Code: test.code}) {
			t.Errorf("%+v: %+v, want %d", test.c, got, test.code)
		}
	}
	t.Setenv("PATH", "/nowhere") // this process's own does not count
	if got := run(t, Command{Path: "tool", Env: []string{path}}); got.Code != 3 {
		t.Errorf("%+v", got)
	}
}

func TestTextBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	open := func() *os.File {
		b, err := os.ReadFile("/bin/true")
		if err != nil {
			t.Fatal(err)
		}
		put(t, path, 0o777, string(b))
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := open()
	time.AfterFunc(150*time.Millisecond, func() { f.Close() })
	if got := run(t, Command{Path: path}); got != (ExitStatus{}) {
		t.Errorf("%+v", got)
	}
	busy := open()
	defer busy.Close()
	checkStartError(t, Command{Path: path}, ErrNotExecutable, "text file busy", "")
}

// FuzzInterpreter reads headers that anybody may have made.
func FuzzInterpreter(f *testing.F) {
	f.Add([]byte("#!/bin/sh\n"))
	f.Add([]byte(elfFile(elf.EM_X86_64, binary.LittleEndian, "/lib/ld.so")))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		if s := scriptInterpreter(r); s != "" && !bytes.HasPrefix(b, []byte("#!")) {
			t.Errorf("%q", s)
		}
		if s := elfInterpreter(r); len(s) > 4096 {
			t.Errorf("%d bytes", len(s))
		}
	})
}
