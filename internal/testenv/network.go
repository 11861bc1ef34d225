package testenv

import (
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
)

// Refused is an address of the loopback at which connections are refused until
// the test's end: the port is taken, by nobody who listens. A port that was
// merely free a moment ago may be another test's by now.
func Refused(t testing.TB) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	must(t, os.NewSyscallError("socket", err))
	t.Cleanup(func() { syscall.Close(fd) })
	must(t, os.NewSyscallError("bind", syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})))
	name, err := syscall.Getsockname(fd)
	must(t, os.NewSyscallError("getsockname", err))
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*syscall.SockaddrInet4).Port))
}
