package provision

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/container"
)

// lockPoll is how often a gorun that waits for another one looks again: what
// it waits for takes seconds.
const lockPoll = 100 * time.Millisecond

// exclusive waits until no other gorun makes the image of tc. The lock is on an
// open file, so it ends with the process that has it. Where the cache directory
// cannot hold one, everybody makes the image for himself, which is slower and
// just as right.
func (m images) exclusive(ctx context.Context, tc container.Toolchain) (unlock func(), err error) {
	f, err := m.lockFile(tc)
	if err != nil {
		return func() {}, nil
	}
	begin := time.Now()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return func() { f.Close() }, nil
		}
		m.report(container.Progress{Task: "waiting for another gorun, which makes go" + tc.Version, Done: int64(time.Since(begin).Seconds()), Unit: "seconds"})
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}

func (m images) lockFile(tc container.Toolchain) (*os.File, error) {
	dir := filepath.Join(m.CacheDir, "toolchain")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	name := tc.Version + "-" + strings.ReplaceAll(tc.Platform, "/", "-") + ".lock"
	return os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o644)
}
