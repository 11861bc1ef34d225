package docker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	dockercontainer "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/versions"

	"github.com/org/gorun-action/container"
)

// Sibling is this process's own container, as the engine knows it. The
// containers that are created from inside it are its siblings: the engine takes
// the sources of their mounts for paths of its machine, not of ours. What a
// Sibling has mounted itself it can pass on; what lies in its own file system it
// cannot.
//
// A nil *Sibling is a process that shares the engine's files. It is safe for
// concurrent use.
type Sibling struct {
	id string
	// mounts are the engine's, and those of memory, which have no source.
	mounts []sharedMount
	// subpaths reports that the engine mounts a part of a volume.
	subpaths bool
}

// sharedMount is one mount of our own container.
type sharedMount struct {
	dockercontainer.MountPoint
	subpath string // the part of the volume that is mounted here
}

// subpathVersion is the first API with VolumeOptions.Subpath (Docker 26.0).
const subpathVersion = "1.45"

// Sibling returns the container of this engine that this process runs in, nil
// when there is none.
func (e *Engine) Sibling(ctx context.Context) (*Sibling, error) {
	hostname, _ := os.Hostname() // none is no id
	for _, id := range ownIDs(os.DirFS("/"), hostname) {
		info, err := e.api.ContainerInspect(ctx, id)
		if cerrdefs.IsNotFound(err) {
			continue // of another engine, as in Kubernetes
		}
		if err != nil {
			return nil, fmt.Errorf("inspecting the container that gorun runs in: %w", err)
		}
		return newSibling(info, e.api.ClientVersion()), nil
	}
	return nil, nil
}

func newSibling(info dockercontainer.InspectResponse, version string) *Sibling {
	s := &Sibling{subpaths: versions.GreaterThanOrEqualTo(version, subpathVersion)}
	parts := map[string]string{}
	if info.ContainerJSONBase != nil {
		s.id = info.ID
		if host := info.HostConfig; host != nil {
			for _, m := range host.Mounts {
				if m.VolumeOptions != nil {
					parts[m.Target] = m.VolumeOptions.Subpath
				}
			}
			for path := range host.Tmpfs {
				s.mounts = append(s.mounts, sharedMount{MountPoint: dockercontainer.MountPoint{Type: mount.TypeTmpfs, Destination: path}})
			}
		}
	}
	for _, m := range info.Mounts {
		s.mounts = append(s.mounts, sharedMount{m, parts[m.Destination]})
	}
	return s
}

// network is the network mode of containers that reach what this process
// reaches.
func (s *Sibling) network() dockercontainer.NetworkMode {
	if s == nil {
		return "host"
	}
	return dockercontainer.NetworkMode("container:" + s.id)
}

// Shares returns nil when a sibling can see path, else an error with a hint
// that says which mount is missing.
func (s *Sibling) Shares(path string) error {
	_, err := s.mount(container.Mount{Source: path, Target: path})
	return err
}

// TempDir returns the first of the directories that siblings can see and that
// can be written; "" among them counts as none. It is made where it is not
// there. On a nil Sibling the answer is "": any directory will do.
func (s *Sibling) TempDir(candidates ...string) (string, error) {
	if s == nil {
		return "", nil
	}
	for _, dir := range candidates {
		if dir == "" || s.Shares(dir) != nil || os.MkdirAll(dir, 0o755) != nil {
			continue
		}
		if at, err := os.MkdirTemp(dir, "gorun-"); err == nil {
			return dir, os.Remove(at)
		}
	}
	return "", container.WithHint(
		fmt.Errorf("gorun runs in a container, and none of its directories for temporary files (%s) is one that the build's container could share", strings.Join(nonEmpty(candidates), ", ")),
		"start gorun's container with such a directory and name it: docker run -v /tmp/gorun:/tmp/gorun -e TMPDIR=/tmp/gorun …, or build with --builder=host")
}

func nonEmpty(list []string) (out []string) {
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// translate returns the mounts as the engine is to make them.
func (s *Sibling) translate(list []container.Mount) (out []mount.Mount, err error) {
	for _, m := range list {
		first, err := s.mount(m)
		if err != nil {
			return nil, err
		}
		out = append(append(out, first), s.nested(m)...)
	}
	return out, nil
}

// mount returns one mount. Links are followed first: they lead somewhere in our
// own container, and elsewhere, or nowhere, on the engine's machine.
func (s *Sibling) mount(m container.Mount) (mount.Mount, error) {
	out := mount.Mount{Type: mount.TypeBind, Source: m.Source, Target: m.Target, ReadOnly: !m.Writable}
	if s == nil {
		return out, nil
	}
	source := m.Source
	if real, err := filepath.EvalSymlinks(source); err == nil {
		source = real
	}
	around, rest, ok := s.around(source)
	if !ok {
		return out, unshared(m.Source)
	}
	out.ReadOnly = out.ReadOnly || !around.RW
	return out, s.resolve(&out, around, rest)
}

// around returns the innermost mount that holds path, and the rest of path.
func (s *Sibling) around(path string) (found sharedMount, rest string, ok bool) {
	for _, m := range s.mounts {
		rel, err := filepath.Rel(m.Destination, path)
		if err == nil && filepath.IsLocal(rel) && len(m.Destination) >= len(found.Destination) {
			found, rest, ok = m, rel, true
		}
	}
	return found, rest, ok && found.Type != mount.TypeTmpfs
}

// resolve names what lies at rest in a mount of ours.
func (s *Sibling) resolve(out *mount.Mount, around sharedMount, rest string) error {
	if around.Type != mount.TypeVolume {
		out.Source = filepath.Join(around.Source, rest)
		return nil
	}
	part := filepath.Join(around.subpath, rest)
	switch {
	case part == "." || s.subpaths:
		out.Type, out.Source, out.VolumeOptions = mount.TypeVolume, around.Name, &mount.VolumeOptions{NoCopy: true}
		if part != "." {
			out.VolumeOptions.Subpath = part
		}
	case around.Driver == "local" && around.Source != "":
		out.Source = filepath.Join(around.Source, part) // where the engine keeps it
	default:
		return container.WithHint(
			fmt.Errorf("%s is a part of the volume %s, and the engine can only mount volumes as a whole", filepath.Join(around.Destination, rest), around.Name),
			"use Docker 26.0 or newer, or a directory of the host in place of the volume")
	}
	return nil
}

// nested are our own mounts inside the source of another one, which would be
// empty directories in a sibling.
func (s *Sibling) nested(m container.Mount) (out []mount.Mount) {
	if s == nil {
		return nil
	}
	for _, inner := range s.mounts {
		rel, err := filepath.Rel(m.Source, inner.Destination)
		if err != nil || !filepath.IsLocal(rel) || rel == "." || inner.Type == mount.TypeTmpfs {
			continue
		}
		to := mount.Mount{Type: mount.TypeBind, Target: filepath.Join(m.Target, rel), ReadOnly: !m.Writable || !inner.RW}
		if s.resolve(&to, inner, ".") == nil {
			out = append(out, to)
		}
	}
	return out
}

func unshared(path string) error {
	return container.WithHint(
		fmt.Errorf("%s lies in the file system of the container that gorun runs in, of which the engine cannot give a part to another container", path),
		fmt.Sprintf("start gorun's container with a directory of the host there, docker run -v DIRECTORY:%s …, or build with --builder=host", path))
}
