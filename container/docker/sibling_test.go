package docker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	dockercontainer "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/google/go-cmp/cmp"

	"github.com/org/gorun-action/container"
)

var id = strings.Repeat("0123456789abcdef", 4)

func TestOwnIDs(t *testing.T) {
	t.Parallel()
	other := strings.Repeat("f", 64)
	tests := map[string]struct {
		mountinfo, cgroup, hostname string
		want                        []string
	}{
		"outside": {hostname: "vm", cgroup: "0::/user.slice/session-2.scope\n"},
		"a machine that runs containers": {
			hostname:  "build-host",
			mountinfo: "40 30 0:50 / /var/lib/docker/containers/" + other + "/mounts/shm rw - tmpfs shm rw\n41 30 0:51 / /var/lib/docker/overlay2/" + other + "/merged rw - overlay overlay rw\n",
		},
		"docker": {
			mountinfo: "900 880 8:1 /var/lib/docker/containers/" + id + "/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw\n901 880 8:1 /var/lib/docker/containers/" + id + "/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n",
			hostname:  "named", want: []string{id},
		},
		"another data root": {mountinfo: "901 880 8:1 /data/containers/" + id + "/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n", want: []string{id}},
		"podman":            {mountinfo: "901 880 0:25 /overlay-containers/" + id + "/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n", want: []string{id}},
		"cgroup 1":          {cgroup: "9:pids:/docker/" + id + "\n8:cpu:/docker/" + id + "\n", want: []string{id}},
		"systemd":           {cgroup: "0::/system.slice/docker-" + id + ".scope\n", want: []string{id}},
		"host name":         {hostname: id[:12], want: []string{id[:12]}},
		"no host name":      {hostname: "deadbeef"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{"proc/self/mountinfo": {Data: []byte(tt.mountinfo)}, "proc/self/cgroup": {Data: []byte(tt.cgroup)}}
			if diff := cmp.Diff(tt.want, ownIDs(root, tt.hostname)); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
		})
	}
	if ids := ownIDs(fstest.MapFS{}, ""); len(ids) > 0 {
		t.Errorf("without /proc: %v", ids)
	}
}

// own is a container as GitHub's runner starts one, with a volume besides.
func own(version string) *Sibling {
	return newSibling(dockercontainer.InspectResponse{
		ContainerJSONBase: &dockercontainer.ContainerJSONBase{ID: id, HostConfig: &dockercontainer.HostConfig{
			Tmpfs:  map[string]string{"/github/workspace/ram": ""},
			Mounts: []mount.Mount{{Type: mount.TypeVolume, Target: "/part", VolumeOptions: &mount.VolumeOptions{Subpath: "sub"}}},
		}},
		Mounts: []dockercontainer.MountPoint{
			{Type: mount.TypeBind, Source: "/home/runner/work/repo/repo", Destination: "/github/workspace", RW: true},
			{Type: mount.TypeBind, Source: "/home/runner/work/_temp", Destination: "/github/runner_temp", RW: true},
			{Type: mount.TypeBind, Source: "/srv/read", Destination: "/read", RW: false},
			{Type: mount.TypeVolume, Name: "modules", Source: "/var/lib/docker/volumes/modules/_data", Driver: "local", Destination: "/github/workspace/mod", RW: true},
			{Type: mount.TypeVolume, Name: "far", Driver: "nfs", Destination: "/far", RW: true},
			{Type: mount.TypeVolume, Name: "parted", Driver: "local", Source: "/var/lib/docker/volumes/parted/_data", Destination: "/part", RW: true},
		},
	}, version)
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	volume := func(name, part, target string, readOnly bool) mount.Mount {
		return mount.Mount{Type: mount.TypeVolume, Source: name, Target: target, ReadOnly: readOnly, VolumeOptions: &mount.VolumeOptions{NoCopy: true, Subpath: part}}
	}
	bind := func(source, target string, readOnly bool) mount.Mount {
		return mount.Mount{Type: mount.TypeBind, Source: source, Target: target, ReadOnly: readOnly}
	}
	const old, current = "1.41", "1.50"
	tests := []struct {
		version, source string
		writable        bool
		want            []mount.Mount
		err             string
	}{
		{old, "/github/runner_temp", true, []mount.Mount{bind("/home/runner/work/_temp", "/github/runner_temp", false)}, ""},
		{old, "/github/workspace/cmd/x", false, []mount.Mount{bind("/home/runner/work/repo/repo/cmd/x", "/github/workspace/cmd/x", true)}, ""},
		{old, "/github/workspace", true, []mount.Mount{bind("/home/runner/work/repo/repo", "/github/workspace", false), volume("modules", "", "/github/workspace/mod", false)}, ""},
		{old, "/read/x", true, []mount.Mount{bind("/srv/read/x", "/read/x", true)}, ""},
		{old, "/github/workspace/mod", true, []mount.Mount{volume("modules", "", "/github/workspace/mod", false)}, ""},
		{old, "/github/workspace/mod/a", false, []mount.Mount{bind("/var/lib/docker/volumes/modules/_data/a", "/github/workspace/mod/a", true)}, ""},
		{current, "/github/workspace/mod/a", true, []mount.Mount{volume("modules", "a", "/github/workspace/mod/a", false)}, ""},
		{current, "/part/x", true, []mount.Mount{volume("parted", "sub/x", "/part/x", false)}, ""},
		{current, "/part", true, []mount.Mount{volume("parted", "sub", "/part", false)}, ""},
		{old, "/far", false, []mount.Mount{volume("far", "", "/far", true)}, ""},
		{old, "/far/x", false, nil, "/far/x is a part of the volume far"},
		{current, "/far/x", false, []mount.Mount{volume("far", "x", "/far/x", true)}, ""},
		{current, "/github/workspace/ram/x", true, nil, "lies in the file system of the container"},
		{current, "/root/go", true, nil, "lies in the file system of the container"},
		{current, "/github/workspacex", true, nil, "lies in the file system of the container"},
	}
	for _, tt := range tests {
		got, err := own(tt.version).translate([]container.Mount{{Source: tt.source, Target: tt.source, Writable: tt.writable}})
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) || container.Hint(err) == "" {
				t.Errorf("%s with API %s: %v (hint %q), want %q", tt.source, tt.version, err, container.Hint(err), tt.err)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s with API %s: %v (-want +got):\n%s", tt.source, tt.version, err, diff)
		}
	}
}

// Outside of a container every path is the engine's.
func TestNoSibling(t *testing.T) {
	t.Parallel()
	var s *Sibling
	got, err := s.translate([]container.Mount{{Source: "/a", Target: "/b"}})
	if diff := cmp.Diff([]mount.Mount{{Type: mount.TypeBind, Source: "/a", Target: "/b", ReadOnly: true}}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if dir, err := s.TempDir("/x"); dir != "" || err != nil || s.Shares("/x") != nil || s.network() != "host" {
		t.Errorf("a nil Sibling: %q, %v", dir, err)
	}
}

// A link leads somewhere in our own container, not on the engine's machine.
func TestLinksAreFollowedHere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "real"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	s := &Sibling{mounts: []sharedMount{{MountPoint: dockercontainer.MountPoint{Type: mount.TypeBind, Source: "/host", Destination: dir, RW: true}}}}
	m, err := s.mount(container.Mount{Source: filepath.Join(dir, "link/x"), Target: "/t"})
	if err != nil || m.Source != "/host/link/x" {
		t.Errorf("what is not there: %v, %v", m, err)
	}
	m, err = s.mount(container.Mount{Source: filepath.Join(dir, "link"), Target: "/t"})
	if err != nil || m.Source != "/host/real" {
		t.Errorf("a link: %v, %v", m, err)
	}
}

func TestTempDirIsShared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := &Sibling{mounts: []sharedMount{{MountPoint: dockercontainer.MountPoint{Type: mount.TypeBind, Source: "/host", Destination: dir, RW: true}}}}
	want := filepath.Join(dir, "made")
	if got, err := s.TempDir("", t.TempDir(), want); got != want || err != nil {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if left, _ := os.ReadDir(want); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := s.TempDir("/elsewhere"); err == nil || !strings.Contains(container.Hint(err), "TMPDIR") {
		t.Errorf("no shared directory: %v, hint %q", err, container.Hint(err))
	}
}
