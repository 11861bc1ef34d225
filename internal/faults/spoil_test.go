package faults

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// spoiling is harm to a directory or to the disk of a machine.
type spoiling struct {
	attr *syscall.SysProcAttr // of the run
	undo func()               // before the next run
}

// spoil does the harm that no proxy can.
func (m *machine) spoil(t testing.TB, c cell, s *service) spoiling {
	harm := spoiling{undo: func() {}}
	switch {
	case c.fault == noSpace && c.store == dir && !c.reads():
		harm.undo = m.fillStore(t, c, s)
	case c.fault == noSpace:
		m.fillDisk(t, c)
	case c.fault == permission:
		harm.attr, harm.undo = plainUser(), m.forbid(t, m.forbidden(c, s))
	case c.store == dir:
		harm.undo = m.spoilBlob(t, c, s)
	case s.proxy != nil:
		s.arm(c)
		harm.undo = func() { s.arm(cell{}) }
	}
	return harm
}

// plainUser makes a user without privileges of whoever runs the tests.
func plainUser() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Getuid(), Size: 1}},
	}
}

// forbidden are the directories and files that a run may not write, or read.
func (m *machine) forbidden(c cell, s *service) map[string]os.FileMode {
	store := filepath.Join(s.root, "blobs")
	switch {
	case c.store == dir && c.step == lookUp:
		return map[string]os.FileMode{s.root: 0}
	case c.store == dir && c.step == download:
		return map[string]os.FileMode{s.blobFile(m.world.entry(c.kind, seedProgram)): 0}
	case c.store == dir && c.step == reserve:
		return map[string]os.FileMode{filepath.Join(s.root, "tmp"): 0o500}
	case c.store == dir:
		return map[string]os.FileMode{store: 0o500}
	case c.step == lookUp:
		return map[string]os.FileMode{m.path("cache"): 0o500}
	case c.step == download:
		return map[string]os.FileMode{m.path("cache"): 0o500, m.path("tmp"): 0o500}
	}
	return map[string]os.FileMode{m.path("tmp"): 0o500}
}

func (m *machine) forbid(t testing.TB, modes map[string]os.FileMode) (undo func()) {
	before := map[string]os.FileMode{}
	for path, mode := range modes {
		info, err := os.Stat(path)
		must(t, err)
		before[path] = info.Mode()
		must(t, os.Chmod(path, mode))
	}
	return func() {
		for path, mode := range before {
			if err := os.Chmod(path, mode); !errors.Is(err, os.ErrNotExist) {
				must(t, err)
			}
		}
	}
}

// The sizes of small disks: one that has no room left, and one that has room
// for a build and not for what a pack unpacks to.
const (
	full  = 256 << 10
	small = 8 << 20
)

// fillDisk makes the disks of a machine full.
func (m *machine) fillDisk(t testing.TB, c cell) {
	switch {
	case c.step == lookUp:
		fillUp(t, mount(t, m.path("cache"), fmt.Sprint("size=", full)))
	case c.step == upload:
		fillUp(t, mount(t, m.path("tmp"), fmt.Sprint("size=", full)))
	case c.kind == pack:
		mount(t, m.path("gotmp"), fmt.Sprint("size=", small))
	default:
		fillUp(t, mount(t, m.path("tmp"), fmt.Sprint("size=", full)))
		fillUp(t, mount(t, m.path("cache"), fmt.Sprint("size=", full)))
	}
}

// mount mounts a new file system, until the end of the test.
func mount(t testing.TB, dir, options string) string {
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, options))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// fillUp leaves no block free.
func fillUp(t testing.TB, dir string) (junk string) {
	f, err := os.Create(filepath.Join(dir, "junk"))
	must(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	return f.Name()
}

// fillStore leaves no room for a file in a directory, or for its second name,
// or for its content.
func (m *machine) fillStore(t testing.TB, c cell, s *service) (undo func()) {
	if c.step == upload {
		junk := fillUp(t, s.root)
		return func() { remove(t, junk) }
	}
	var junk []string
	for {
		name := filepath.Join(s.root, fmt.Sprint("junk", len(junk)))
		f, err := os.Create(name)
		if errors.Is(err, unix.ENOSPC) {
			break
		}
		must(t, err)
		f.Close()
		junk = append(junk, name)
	}
	if c.step == finalise {
		remove(t, junk[0])
		junk = junk[1:]
	}
	return func() {
		for _, name := range junk {
			remove(t, name)
		}
	}
}

// mountStore puts a directory that will be full on a disk of its own.
func (m *machine) mountStore(t testing.TB, c cell, s *service) {
	if c.store == dir && c.fault == noSpace && !c.reads() {
		must(t, os.MkdirAll(s.root, 0o700))
		mount(t, s.root, "size=16m,nr_inodes=40,mode=0700")
	}
}

// spoilBlob edits what a directory keeps.
func (m *machine) spoilBlob(t testing.TB, c cell, s *service) (undo func()) {
	e := m.world.entry(c.kind, seedProgram)
	file, data := s.blobFile(e), append([]byte(nil), e.data...)
	switch c.fault {
	case stall:
		remove(t, file)
		must(t, unix.Mkfifo(file, 0o600))
		return func() { os.Remove(file) }
	case eviction:
		return removeInUse(t, file)
	case truncated:
		data = data[:len(data)/2]
	case tooLong:
		data = append(data, garbage()...)
	case flipped:
		data = flip(data)
	case wrongBlob:
		data = m.world.entry(c.kind, otherProgram).data
	case webPage:
		data = []byte("<!DOCTYPE html><html></html>")
	}
	write(t, file, string(data))
	return func() {}
}

// removeInUse removes a file when it is opened the second time: the look-up
// comes first, then the first part of the download.
func removeInUse(t testing.TB, file string) (undo func()) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	must(t, err)
	events := os.NewFile(uintptr(fd), "inotify")
	_, err = unix.InotifyAddWatch(fd, file, unix.IN_OPEN)
	must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n, buf := 0, make([]byte, unix.SizeofInotifyEvent); n < 2; n++ {
			if _, err := events.Read(buf); err != nil {
				return
			}
		}
		os.Remove(file)
	}()
	return func() { events.Close(); <-done }
}
