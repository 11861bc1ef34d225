//go:build unix && !linux

package container

import "syscall"

func newPIDNamespace() *syscall.SysProcAttr { return nil }

func mountProc() error { return nil }
