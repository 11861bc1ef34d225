package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/container"
)

// overlayLock is the file in a module cache that is locked while a private one
// stands in for it.
const overlayLock = ".gorun-overlay"

// overlayPoll is how often a run looks whether another one's build is over.
const overlayPoll = 50 * time.Millisecond

// A moduleOverlay puts a private module cache, which has a part of each module only,
// where the go command looks for the whole one. In a container it is mounted
// there. On the host the go command is told of it when executables do not tell
// the place of the module cache. Else its directories are linked into the real
// one for the time of the build, which is only done where that one is empty and
// nobody else can be using it: in a container that gorun is the first process
// of. A lock keeps other containers with the same volume out.
type moduleOverlay struct {
	possible bool
	root     string   // where links are made, "" for no links
	lock     *os.File // nil: not locked
	links    []string
}

// moduleOverlay finds out whether there can be one, and waits for the end of another
// run's. A go command that is itself in the module cache (GOTOOLCHAIN) would be
// hidden.
func (r *run) moduleOverlay(ctx context.Context, p Plan, site container.Site) (*moduleOverlay, error) {
	s := &moduleOverlay{}
	if site.Contained() {
		s.possible = true
		return s, nil
	}
	root := r.modCache()
	if err := awaitOverlay(ctx, root); err != nil {
		return s, err
	}
	switch {
	case cachekeys.Within(root, p.identity.Root):
	case r.trimmed():
		s.possible = true
	case r.spec.Alone:
		if s.possible = s.reserve(root); !s.possible {
			return s, s.share(ctx, root)
		}
	}
	return s, nil
}

// reserve reports whether root is empty and now locked.
func (s *moduleOverlay) reserve(root string) bool {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return false
	}
	lock, err := lockOverlay(root, unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		return false
	}
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 1 { // the lock itself
		lock.Close()
		return false
	}
	s.root, s.lock = root, lock
	return true
}

// share waits until no other container's stand-in is there, and keeps them from
// making one. A module cache that cannot be written has none.
func (s *moduleOverlay) share(ctx context.Context, root string) (err error) {
	for {
		s.lock, err = lockOverlay(root, unix.LOCK_SH|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// pause waits before the next look at a lock.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(overlayPoll):
		return nil
	}
}

// mount links what is in private into the module cache, and reports whether the
// go command will find it.
func (s *moduleOverlay) mount(private string) bool {
	if s.root == "" {
		return true
	}
	entries, err := os.ReadDir(private)
	if err != nil {
		return false
	}
	for _, e := range entries {
		link := filepath.Join(s.root, e.Name())
		if err := os.Symlink(filepath.Join(private, e.Name()), link); err != nil {
			s.unlink()
			return false
		}
		s.links = append(s.links, link)
	}
	return true
}

// unmount removes the links, and lets others in.
func (s *moduleOverlay) unmount() {
	s.unlink()
	if s.lock != nil {
		s.lock.Close()
		s.lock = nil
	}
}

func (s *moduleOverlay) unlink() {
	for _, link := range s.links {
		os.Remove(link)
	}
	s.links = nil
}

// awaitOverlay returns when nothing stands in for a module cache. What a killed
// run left of it is removed, as far as this process may.
func awaitOverlay(ctx context.Context, root string) error {
	for len(mounted(root)) > 0 {
		lock, err := lockOverlay(root, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			(&moduleOverlay{links: mounted(root), lock: lock}).unmount()
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil // nobody who could give it back is to be waited for
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return nil
}

// mounted lists the links of an overlay.
func mounted(root string) (links []string) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		link := filepath.Join(root, e.Name())
		if to, err := os.Readlink(link); err == nil && strings.Contains(to, "/gorun-") && strings.Contains(to, "/pack/") {
			links = append(links, link)
		}
	}
	return links
}

func lockOverlay(root string, how int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(root, overlayLock), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil { // EINTR is an answer, too
		f.Close()
		return nil, err
	}
	return f, nil
}
