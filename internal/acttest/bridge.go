package acttest

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/org/gorun-action/internal/testenv"
)

// Bridge is the address under which containers of the engine's default network
// reach this machine.
func Bridge(t testing.TB) string {
	t.Helper()
	name, err := docker(t.Context(), nil, "network", "inspect", "--format", `{{index .Options "com.docker.network.bridge.name"}}`, "bridge")
	must(t, err)
	device, err := net.InterfaceByName(name)
	must(t, err)
	addrs, err := device.Addrs()
	must(t, err)
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	t.Fatalf("%s has no IPv4 address: %v", name, addrs)
	return ""
}

// ServeContainers serves containers of the engine's default network until the
// test's end, in plain HTTP, and returns host:port.
func ServeContainers(t testing.TB, h http.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(Bridge(t), "0"))
	must(t, err)
	server := httptest.NewUnstartedServer(h)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return listener.Addr().String()
}

// Downloads has the go command of this machine download what the module in dir
// needs, and returns the directory where that is, which can be a GOPROXY: a
// container may not reach the real one.
func Downloads(t testing.TB, dir string) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("downloading modules: %v\n%s", err, out)
	}
	return filepath.Join(testenv.GoEnv(t, "GOMODCACHE"), "cache", "download")
}
