package container

import (
	"os"
	"syscall"
)

func newPIDNamespace() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
}

// mountProc mounts a /proc of the new namespace over that of the old.
func mountProc() error {
	if os.Getpid() != 1 {
		return nil
	}
	if err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, ""); err != nil {
		return err
	}
	return syscall.Mount("proc", "/proc", "proc", 0, "")
}
