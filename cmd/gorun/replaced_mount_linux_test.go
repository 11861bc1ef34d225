package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Sources on an image that is mounted in the place of another one, with the same
// inodes, sizes and times, are another program: here, and for a machine that
// shares a store with this one.
func TestImageInThePlaceOfAnother(t *testing.T) {
	t.Parallel()
	if !mayMount(t) {
		t.Skip("NOT TESTED: it takes root to mount")
	}
	for kind, make := range map[string]func(c *cacheTest) string{"ext4": ext4Image, "squashfs": squashImage, "erofs": erofsImage} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			m := newMachines(t)
			m.program(".", "shared: release 1", 0)
			image := make(m.cacheTest)
			data := mustRead(t, image)
			next := bytes.Replace(data, []byte("release 1"), []byte("release 2"), 1)
			if bytes.Equal(next, data) {
				t.Fatal("the image does not have the text in it")
			}
			m.must(os.WriteFile(image+".next", next, 0o600))
			m.fresh()
			for _, step := range []struct{ image, says, cache string }{
				{image, "1", "miss"}, {image + ".next", "2", "miss"}, {image, "1", "hit"}, {image + ".next", "2", "hit"},
			} {
				m.mounted(step.image, func() { m.is(kind, m.on(nil), "shared: release "+step.says, step.cache) })
			}
			m.fresh()
			m.mounted(image, func() { m.is("another machine", m.on(nil), "shared: release 1", "hit") })
		})
	}
}

// mounted does something while an image is mounted over the sources.
func (c *cacheTest) mounted(image string, do func()) {
	c.Helper()
	c.tool("mount", "-o", "loop,ro", image, c.src())
	defer c.tool("umount", c.src())
	do()
}

func (c *cacheTest) tool(name string, args ...string) {
	c.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		c.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// ext4Image has the sources, with times of long ago.
func ext4Image(c *cacheTest) string {
	image := filepath.Join(c.dir, "ext4.image")
	c.tool("mke2fs", "-q", "-t", "ext4", "-d", c.src(), image, "4M")
	var set strings.Builder
	for _, file := range []string{"/", "/go.mod", "/main.go"} {
		for _, field := range []string{"atime", "mtime", "ctime", "crtime"} {
			set.WriteString("set_inode_field " + file + " " + field + " 20200101000000\n")
		}
	}
	put(c.T, image+".times", set.String())
	c.tool("debugfs", "-w", "-f", image+".times", image)
	return image
}

func squashImage(c *cacheTest) string {
	image := filepath.Join(c.dir, "squashfs.image")
	c.need("mksquashfs")
	c.tool("mksquashfs", c.src(), image, "-quiet", "-all-time", "1577836800", "-mkfs-time", "1577836800", "-noI", "-noD", "-noF", "-noX")
	return image
}

func erofsImage(c *cacheTest) string {
	image := filepath.Join(c.dir, "erofs.image")
	c.need("mkfs.erofs")
	c.tool("mkfs.erofs", "-T1577836800", "-Enosbcrc", image, c.src())
	return image
}

// need skips a test where a program is missing; in CI that is a failure.
func (c *cacheTest) need(program string) {
	c.Helper()
	if _, err := exec.LookPath(program); err != nil && os.Getenv("CI") == "" {
		c.Skipf("NOT TESTED: %v", err)
	}
}
