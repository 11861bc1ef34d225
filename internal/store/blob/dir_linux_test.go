package blob_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/org/gorun-action/internal/store/blob"
)

// namespaceVar is set in a test that runs in namespaces of its own.
const namespaceVar = "GORUN_BLOB_TEST_NAMESPACE"

// namespaced runs the calling test again in a process of its own, and reports
// whether this is that process. Mounts end with it. Where the kernel does not
// allow that, CI fails.
func namespaced(t *testing.T, flags uintptr, uid int) bool {
	t.Helper()
	if os.Getenv(namespaceVar) != "" {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), namespaceVar+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  flags | unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, unix.EPERM) && os.Getenv("CI") == "" {
		t.Skipf("NOT TESTED: no namespaces here: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in namespaces: %v\n%s", err, out)
	}
	return false
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mounted returns a store on a file system of its own.
func mounted(t *testing.T, options string) *blob.Dir {
	dir := t.TempDir()
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, options))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return &blob.Dir{Root: filepath.Join(dir, "store")}
}

// On a full disk nothing is kept but what was there.
func TestDirFull(t *testing.T) {
	if !namespaced(t, unix.CLONE_NEWNS, 0) {
		return
	}
	d := mounted(t, "size=1m")
	putDir(t, d, "before", 100)
	for range 3 {
		err := d.Put(t.Context(), "large", nil, bytes.NewReader(make([]byte, 2<<20)))
		if !errors.Is(err, unix.ENOSPC) || errors.Is(err, blob.ErrReadOnly) {
			t.Errorf("a blob larger than the disk: %v", err)
		}
	}
	if got := files(t, d); got != "blobs/before" {
		t.Errorf("there is %s", got)
	}
}

func TestDirReadOnlyMount(t *testing.T) {
	if !namespaced(t, unix.CLONE_NEWNS, 0) {
		return
	}
	d := mounted(t, "size=1m")
	putDir(t, d, "before", 100)
	must(t, unix.Mount("", filepath.Dir(d.Root), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	checkReadOnly(t, d)
	none := &blob.Dir{Root: filepath.Join(filepath.Dir(d.Root), "none", "store")}
	if err := none.Put(t.Context(), "key", nil, bytes.NewReader(nil)); !errors.Is(err, blob.ErrReadOnly) {
		t.Errorf("a store that cannot be made: %v", err)
	}
}

func checkReadOnly(t *testing.T, d *blob.Dir) {
	t.Helper()
	if err := d.Put(t.Context(), "new", nil, bytes.NewReader([]byte("x"))); !errors.Is(err, blob.ErrReadOnly) {
		t.Errorf("Put: %v, want ErrReadOnly", err)
	}
	if err := d.Put(t.Context(), "before", nil, bytes.NewReader([]byte("x"))); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Put of what is there: %v, want fs.ErrExist", err)
	}
	if err := d.Remove(t.Context(), "before"); !errors.Is(err, blob.ErrReadOnly) {
		t.Errorf("Remove: %v, want ErrReadOnly", err)
	}
	if found, err := d.Find(t.Context(), "none", "bef"); err != nil || found.Key != "before" {
		t.Errorf("Find: %q, %v", found.Key, err)
	}
}

func TestDirPermissions(t *testing.T) {
	if !namespaced(t, 0, 1000) {
		return
	}
	d := newDir(t)
	putDir(t, d, "before", 100)
	blobs, tmp := filepath.Join(d.Root, "blobs"), filepath.Join(d.Root, "tmp")
	must(t, os.Chmod(tmp, 0o500))
	must(t, os.Chmod(blobs, 0o500))
	checkReadOnly(t, d)
	must(t, os.Chmod(filepath.Join(blobs, "before"), 0))
	if _, err := d.Find(t.Context(), "before"); !errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a blob that may not be read: %v", err)
	}
	must(t, os.Chmod(blobs, 0))
	t.Cleanup(func() { os.Chmod(blobs, 0o700) })
	for _, prefixes := range [][]string{nil, {"bef"}} {
		if _, err := d.Find(t.Context(), "none", prefixes...); !errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a directory that may not be read: %v", err)
		}
	}
	if _, err := d.List(t.Context(), ""); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("List: %v", err)
	}
}
