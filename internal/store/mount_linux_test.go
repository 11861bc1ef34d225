package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// namespaceVar is set in a test that runs in namespaces of its own.
const namespaceVar = "GORUN_STORE_TEST_NAMESPACE"

// namespaced runs the calling test again in a process of its own, and reports
// whether this is that process. Mounts end with it. Where the kernel does not
// allow that, CI fails.
func namespaced(t *testing.T, attr *syscall.SysProcAttr) bool {
	t.Helper()
	if os.Getenv(namespaceVar) != "" {
		return true
	}
	cmd := exec.Command(self(t), "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), namespaceVar+"=1")
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	if errors.Is(err, unix.EPERM) && os.Getenv("CI") == "" {
		t.Skipf("NOT TESTED: no namespaces here: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in namespaces: %v\n%s", err, out)
	}
	return false
}

// mounts are namespaces to mount in, which takes a user namespace where this
// user is not root.
func mounts() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if os.Getuid() != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
	return attr
}

// plainUser makes a user without privileges of whoever runs the tests.
func plainUser() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Getuid(), Size: 1}},
	}
}

// mount mounts a new file system on the store's cache directory.
func (s *shelf) mount(options string) {
	s.Helper()
	dir := filepath.Dir(s.Root)
	must(s, os.MkdirAll(dir, 0o700))
	must(s, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(s, unix.Mount("tmpfs", dir, "tmpfs", 0, options))
	s.Cleanup(func() { must(s, unix.Unmount(dir, unix.MNT_DETACH)) })
}

func (s *shelf) remount(flags uintptr) {
	s.Helper()
	must(s, unix.Mount("", filepath.Dir(s.Root), "", unix.MS_REMOUNT|flags, ""))
}

// On a full disk nothing is kept but what was there, and what is there is got.
func TestFullDisk(t *testing.T) {
	if !namespaced(t, mounts()) {
		return
	}
	s := newShelf(t)
	s.mount("size=1m")
	s.put("before")
	large := content("large", 2<<20)
	file := s.file("large", large)
	for range 3 {
		if _, err := s.Put("large", file, digest(large), nil); !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("a program larger than the disk: %v", err)
		}
	}
	s.misses("large")
	if left := s.temporary(); left != nil {
		t.Errorf("left behind: %q", left)
	}
	s.fillUp()
	small := s.file("small", []byte("small"))
	if _, err := s.Put("small", small, digest([]byte("small")), nil); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("on a full disk: %v", err)
	}
	must(t, os.Remove(filepath.Join(s.dir("before"), sealFile)))
	s.get("before")
	if _, err := s.PruneEvery(1, Limits{Bytes: 1}); err != nil {
		t.Errorf("pruning a full disk: %v", err)
	}
	s.misses("before")
}

// fillUp leaves no block free.
func (s *shelf) fillUp() {
	s.Helper()
	f, err := os.Create(filepath.Join(filepath.Dir(s.Root), "full"))
	must(s, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		s.Fatal(err)
	}
}

// Every step of a Put can be the one that finds the disk full.
func TestFullDiskAtAnyStep(t *testing.T) {
	if !namespaced(t, mounts()) {
		return
	}
	whole := 0
	for inodes := range 20 { // the root of the file system is the first
		s := newShelf(t)
		s.mount(fmt.Sprintf("size=1m,nr_inodes=%d", inodes+2))
		data := content("k", 10000)
		_, err := s.Put("k", s.file("hello", data), digest(data), []byte("about k"))
		if err == nil {
			whole++
			s.get("k")
			continue
		}
		if _, err := s.PruneEvery(time.Hour, Limits{}); err != nil {
			t.Errorf("%d inodes: pruning: %v", inodes, err)
		}
		if s.misses("k"); !errors.Is(err, unix.ENOSPC) || s.temporary() != nil {
			t.Errorf("%d inodes: left %q, %v", inodes, s.temporary(), err)
		}
	}
	if whole < 5 || whole > 15 {
		t.Errorf("%d of 20 disks were large enough", whole)
	}
}

// A store that cannot be written is used, and nothing else.
func TestReadOnly(t *testing.T) {
	if !namespaced(t, mounts()) {
		return
	}
	s := newShelf(t)
	s.mount("size=1m")
	s.put("k")
	s.put("damaged")
	s.put("unsealed")
	must(t, os.Remove(filepath.Join(s.dir("unsealed"), sealFile)))
	edit(t, filepath.Join(s.dir("damaged"), programDir, "hello"), 5)
	s.remount(unix.MS_RDONLY)
	s.get("k")
	s.get("unsealed")
	for range 2 { // it cannot be moved out of the way
		if _, _, err := s.Get("damaged"); !errors.Is(err, ErrDamaged) {
			t.Errorf("damage: %v", err)
		}
	}
	_, putErr := s.Put("new", self(t), digest(nil), nil)
	_, pruneErr := s.Prune(Limits{Bytes: 1})
	_, everyErr := s.PruneEvery(1, Limits{Bytes: 1})
	for what, err := range map[string]error{"put": putErr, "remove": s.Remove("k"), "prune": pruneErr, "every": everyErr} {
		if !errors.Is(err, unix.EROFS) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if good, bad, err := s.Verify(t.Context()); keysOf(good) != "k unsealed" || len(bad) != 1 || err != nil {
		t.Errorf("good %v, bad %v, %v", good, bad, err)
	}
}

// Where no program may be executed, none is got, none is put, and none is
// removed: others may see the same store with execution.
func TestNoExecution(t *testing.T) {
	if !namespaced(t, mounts()) {
		return
	}
	s := newShelf(t)
	s.mount("size=1m")
	s.put("k")
	s.remount(unix.MS_NOEXEC)
	if _, _, err := s.Get("k"); !errors.Is(err, ErrDamaged) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "may not be executed: permission denied") {
		t.Errorf("got %v", err)
	}
	data := content("l", 100)
	if _, err := s.Put("l", s.file("hello", data), digest(data), nil); err == nil || !strings.Contains(err.Error(), "no program may be executed in "+s.Root) {
		t.Errorf("put: %v", err)
	}
	if good, bad, err := s.Verify(t.Context()); good != nil || len(bad) != 1 || err != nil {
		t.Errorf("good %v, bad %v, %v", good, bad, err)
	}
	s.remount(0)
	s.get("k")
}

// What this user may not read is damage; what it may not remove stays.
func TestUnreadable(t *testing.T) {
	if !namespaced(t, plainUser()) {
		return
	}
	if os.Geteuid() == 0 {
		t.Fatal("this is root, who may read everything")
	}
	for _, file := range []string{"entry", "program/hello", "program"} {
		s := newShelf(t)
		s.put("k")
		must(t, os.Chmod(filepath.Join(s.dir("k"), file), 0))
		if file == "program/hello" {
			must(t, os.Chmod(filepath.Join(s.dir("k"), file), 0o111))
			must(t, os.Remove(filepath.Join(s.dir("k"), sealFile)))
		}
		if _, _, err := s.Get("k"); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", file, err)
		}
		s.put("k")
		s.get("k")
		for range 2 {
			must(t, os.Chmod(filepath.Join(s.dir("k"), "entry"), 0))
			must(t, os.Chmod(filepath.Join(s.Root, entriesDir), 0o500))
			if _, _, err := s.Get("k"); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v", file, err)
			}
			must(t, os.Chmod(filepath.Join(s.Root, entriesDir), 0o700))
		}
		if _, err := os.Stat(s.dir("k")); err != nil {
			t.Error(err)
		}
		if _, err := s.Prune(Limits{}); err != nil {
			t.Error(err)
		}
		s.misses("k")
		for _, left := range s.temporary() {
			t.Errorf("left behind: %s", left)
		}
	}
}
