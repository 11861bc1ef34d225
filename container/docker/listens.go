package docker

import (
	"net"
	"os"
	"strings"
	"time"

	"github.com/docker/docker/client"
)

// listenTimeout is far more than a local socket takes.
const listenTimeout = 100 * time.Millisecond

// Listens reports whether there is somebody at the engine's socket, which
// takes a few microseconds; whether that is an engine, Connect finds out. An
// engine elsewhere (tcp, ssh) counts as there.
func Listens() bool {
	host := os.Getenv(client.EnvOverrideHost)
	if host == "" {
		host = client.DefaultDockerHost
	}
	path, local := strings.CutPrefix(host, "unix://")
	if !local {
		return true
	}
	conn, err := net.DialTimeout("unix", path, listenTimeout)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
