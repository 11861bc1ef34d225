package container

import (
	"bufio"
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// startError says why path could not be started as c asks: err is what
// fork, chdir or exec said, which does not tell them apart.
func startError(c Command, path string, err error) error {
	if derr := checkDir(c.Dir); derr != nil {
		// Not wrapped: it is not the program that is missing.
		return fmt.Errorf("entering the working directory: %v", derr)
	}
	file := inDir(c.Dir, path)
	switch err {
	case syscall.ENOENT:
		if interp := interpreter(file); interp != "" {
			return WithHint(notExecutable(path, fmt.Errorf("its interpreter %s does not exist", interp)),
				"run it where "+interp+" is, or build a static executable (CGO_ENABLED=0)")
		}
		return fmt.Errorf("starting %q: %w", path, err)
	case syscall.ENOEXEC:
		return formatError(path, file)
	case syscall.EACCES:
		return permissionError(path, file)
	case syscall.E2BIG:
		return WithHint(notExecutable(path, err), "pass fewer or shorter arguments and environment variables")
	case syscall.EPERM, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG,
		syscall.ETXTBSY:
		return WithHint(notExecutable(path, err), "check the path and the file it leads to")
	}
	return fmt.Errorf("starting %q: %w", path, err)
}

func notExecutable(path string, why error) error {
	return fmt.Errorf("%s %w: %w", path, ErrNotExecutable, why)
}

// checkDir returns an error when dir cannot be a working directory.
func checkDir(dir string) error {
	if dir == "" {
		return nil
	}
	d, err := os.Open(dir + "/.") // fails without the right to search it, even for one that may be read
	if errors.Is(err, fs.ErrPermission) {
		_, err = os.Stat(dir + "/.") // a directory that may be searched needs not be readable
	}
	if err == nil && d != nil {
		d.Close()
	}
	return err
}

func permissionError(path, file string) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return WithHint(notExecutable(path, syscall.EACCES), "check the permissions of its directories")
	case info.IsDir():
		return WithHint(notExecutable(path, errors.New("it is a directory")), "name the program in it")
	case info.Mode()&0o111 == 0:
		return WithHint(notExecutable(path, syscall.EACCES), "make it executable: chmod +x "+path)
	}
	return WithHint(notExecutable(path, syscall.EACCES),
		"check its permissions, those of its interpreter, and that its file system is not mounted noexec")
}

// formatError says what a file is that the kernel does not know how to run.
func formatError(path, file string) error {
	const here = runtime.GOOS + "/" + runtime.GOARCH
	platform := executablePlatform(file)
	if platform == "" || platform == here {
		return WithHint(notExecutable(path, syscall.ENOEXEC),
			"if it is a script, begin it with the path of its interpreter, such as #!/bin/sh")
	}
	return WithHint(
		notExecutable(path, fmt.Errorf("built for %s, this is %s", platform, here)),
		fmt.Sprintf("name an emulator with -exec, or put go_%s_exec on PATH", strings.ReplaceAll(platform, "/", "_")))
}

// interpreter returns the program that the kernel needs to run file and that
// does not exist, or "".
func interpreter(file string) string {
	f, err := openProgram(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	name := scriptInterpreter(f)
	if name == "" {
		name = elfInterpreter(f)
	}
	if _, err := os.Stat(name); name == "" || !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return name
}

// scriptInterpreter returns the program of a #! line.
func scriptInterpreter(r io.ReaderAt) string {
	// The kernel reads that much of a file, BINPRM_BUF_SIZE.
	line, _ := bufio.NewReader(io.NewSectionReader(r, 0, 256)).ReadString('\n')
	rest, ok := strings.CutPrefix(line, "#!")
	if !ok {
		return ""
	}
	if words := strings.Fields(rest); len(words) > 0 {
		return words[0]
	}
	return ""
}

// elfInterpreter returns the dynamic linker that an ELF executable asks for.
func elfInterpreter(r io.ReaderAt) string {
	f, err := elf.NewFile(r)
	if err != nil {
		return ""
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP || p.Filesz > 4096 { // PATH_MAX, the kernel's limit
			continue
		}
		name := make([]byte, p.Filesz)
		if _, err := p.ReadAt(name, 0); err != nil {
			return ""
		}
		return strings.TrimRight(string(name), "\x00")
	}
	return ""
}

// openProgram opens a regular file: a pipe would be waited for.
func openProgram(file string) (*os.File, error) {
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, err
	}
	return os.Open(file)
}

// executablePlatform returns the "os/arch" that file was built for, in Go's
// words where it has some, or "" for what is no executable.
func executablePlatform(file string) string {
	r, err := openProgram(file)
	if err != nil {
		return ""
	}
	defer r.Close()
	if f, err := elf.NewFile(r); err == nil {
		return elfOS(f) + "/" + elfArch(f)
	}
	if f, err := macho.NewFile(r); err == nil {
		return "darwin/" + strings.TrimPrefix(strings.ToLower(f.Cpu.String()), "cpu")
	}
	if f, err := pe.NewFile(r); err == nil {
		return "windows/" + peArch(f.Machine)
	}
	return wasmPlatform(r)
}

// wasmPlatform tells the two by whose functions a module imports, which stands
// at its beginning (cmd/link/internal/wasm, writeImportSec).
func wasmPlatform(r io.ReaderAt) string {
	head := make([]byte, 4<<10)
	n, _ := r.ReadAt(head, 0)
	switch head = head[:n]; {
	case !bytes.HasPrefix(head, []byte("\x00asm")):
		return ""
	case bytes.Contains(head, []byte("wasi_snapshot_preview1")):
		return "wasip1/wasm"
	}
	return "js/wasm"
}

func elfOS(f *elf.File) string {
	switch f.OSABI {
	case elf.ELFOSABI_FREEBSD:
		return "freebsd"
	case elf.ELFOSABI_NETBSD:
		return "netbsd"
	case elf.ELFOSABI_OPENBSD:
		return "openbsd"
	case elf.ELFOSABI_SOLARIS:
		return "solaris"
	}
	return "linux" // which marks its files as System V's
}

func elfArch(f *elf.File) string {
	little := f.ByteOrder == binary.LittleEndian
	wide := f.Class == elf.ELFCLASS64
	switch f.Machine {
	case elf.EM_X86_64:
		return "amd64"
	case elf.EM_386:
		return "386"
	case elf.EM_AARCH64:
		return "arm64"
	case elf.EM_ARM:
		return "arm"
	case elf.EM_S390:
		return "s390x"
	case elf.EM_LOONGARCH:
		return "loong64"
	case elf.EM_RISCV:
		return pick(wide, "riscv64", "riscv32")
	case elf.EM_PPC64:
		return pick(little, "ppc64le", "ppc64")
	case elf.EM_MIPS:
		return pick(wide, "mips64", "mips") + pick(little, "le", "")
	}
	return strings.ToLower(strings.TrimPrefix(f.Machine.String(), "EM_"))
}

func peArch(machine uint16) string {
	switch machine {
	case pe.IMAGE_FILE_MACHINE_AMD64:
		return "amd64"
	case pe.IMAGE_FILE_MACHINE_I386:
		return "386"
	case pe.IMAGE_FILE_MACHINE_ARM64:
		return "arm64"
	}
	return fmt.Sprintf("%#x", machine)
}

func pick(cond bool, yes, no string) string {
	if cond {
		return yes
	}
	return no
}
