package main

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/githubactions"
)

// hideCredentials takes the runner's credentials out of this process's
// environment, where its children and everybody who reads /proc/PID/environ
// would find them, and keeps other processes of the same user from reading its
// memory (prctl(2), PR_SET_DUMPABLE; it takes CAP_SYS_PTRACE then, which no
// container has by default). A caller that needs them has read them before.
func hideCredentials() {
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); githubactions.IsCredential(name) {
			os.Unsetenv(name)
		}
	}
	for _, entry := range bytes.Split(initialEnviron(), []byte{0}) {
		if name, _, _ := strings.Cut(string(entry), "="); githubactions.IsCredential(name) {
			clear(entry)
		}
	}
}

// initialEnviron is the environment as the kernel put it onto the stack, which
// is what /proc/PID/environ shows: env_start and env_end of proc(5), which only
// the process itself may see. os.Unsetenv does not touch it. nil where it is
// not known.
func initialEnviron() []byte {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return nil
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 49 {
		return nil
	}
	start, err1 := strconv.ParseUint(fields[47], 10, 64) // field 50; the first here is 3
	end, err2 := strconv.ParseUint(fields[48], 10, 64)
	if err1 != nil || err2 != nil || start == 0 || end <= start || end-start > 8<<20 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(uintptr(start))), end-start)
}
