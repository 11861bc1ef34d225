package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// hideCredentials takes the runner's credentials out of this process's
// environment, where its children and everybody who reads /proc/PID/environ
// would find them, and keeps other processes of the same user from reading its
// memory (prctl(2), PR_SET_DUMPABLE; it takes CAP_SYS_PTRACE then, which no
// container has by default). A caller that needs them has read them before.
func hideCredentials() error {
	unsetCredentials()
	return errors.Join(
		wipeInitialEnviron(),
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0), // last: it makes /proc/self/mem root's
	)
}

// wipeInitialEnviron overwrites the credentials where the kernel put them, on
// the stack, which is what /proc/PID/environ shows. os.Unsetenv leaves them.
func wipeInitialEnviron() error {
	start, size, err := initialEnviron()
	if err != nil {
		return err
	}
	mem, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer mem.Close()
	environ := make([]byte, size)
	if _, err := mem.ReadAt(environ, start); err != nil {
		return err
	}
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if isCredential(string(entry)) {
			clear(entry)
		}
	}
	_, err = mem.WriteAt(environ, start)
	return err
}

// initialEnviron is where the environment stood when the process began:
// env_start and env_end of proc(5), which only the process itself may see.
func initialEnviron() (start, size int64, err error) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, 0, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 49 {
		return 0, 0, errors.New("/proc/self/stat does not say where the environment is")
	}
	start, err1 := strconv.ParseInt(fields[47], 10, 64) // field 50; the first here is 3
	end, err2 := strconv.ParseInt(fields[48], 10, 64)
	if err := errors.Join(err1, err2); err != nil || start <= 0 || end < start || end-start > 8<<20 {
		return 0, 0, fmt.Errorf("/proc/self/stat says that the environment is at %s to %s", fields[47], fields[48])
	}
	return start, end - start, nil
}
