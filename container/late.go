package container

import (
	"io"
	"os"
	"os/signal"
	"syscall"
)

// DrainName is the argv[0] of a process that StartDrain starts. A command that
// does so calls ServeDrain, and nothing else, when that is the base of its own.
const DrainName = "gorun-drain"

// StartDrain hands the reading end of a pipe to a process that outlives this
// one, for as long as somebody writes into the pipe: the executable self under
// the name DrainName, in a session of its own. It passes everything on to to, or
// drops it where that is nil. It has no environment: the programs of the same
// user could read it.
func StartDrain(self string, r, to *os.File) error {
	if to == nil {
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer null.Close()
		to = null
	}
	_, err := syscall.ForkExec(self, []string{DrainName}, &syscall.ProcAttr{
		Dir:   "/", // keeps no directory busy
		Files: []uintptr{r.Fd(), to.Fd(), to.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	return err
}

// ServeDrain is the whole of such a process. It ends with the last writer, or
// when nobody reads any more, which that writer then learns.
func ServeDrain(in io.Reader, out io.Writer) {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM)
	_, _ = io.Copy(out, in)
}
