package docker

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

var (
	// The root and the mount point of the files that an engine puts into each
	// container (proc(5), mountinfo): …/containers/ID/hostname /etc/hostname,
	// and with podman …/ID/userdata/hostname. A machine that runs containers has
	// their ids in other places of its own mountinfo.
	ownMount = regexp.MustCompile(`^\d+ \d+ \S+ \S*/([0-9a-f]{64})/(?:userdata/)?(?:hostname|hosts|resolv\.conf) /etc/(?:hostname|hosts|resolv\.conf) `)
	// A cgroup of version 1, or of version 2 without a namespace of its own:
	// /docker/ID, /system.slice/docker-ID.scope.
	ownCgroup = regexp.MustCompile(`[/-]([0-9a-f]{64})(?:\.scope)?$`)
	// What an engine makes the host name of, unless --hostname says otherwise.
	shortID = regexp.MustCompile(`^[0-9a-f]{12}$`)
)

// ownIDs returns what may be the id of the container that this process runs in,
// the surest first; none outside of containers. root is the file system.
func ownIDs(root fs.FS, hostname string) (ids []string) {
	ids = append(matches(root, "proc/self/mountinfo", ownMount), matches(root, "proc/self/cgroup", ownCgroup)...)
	if shortID.MatchString(hostname) {
		ids = append(ids, hostname)
	}
	return slices.Compact(ids)
}

// matches returns what the pattern's group matches in the lines of a file.
func matches(root fs.FS, file string, pattern *regexp.Regexp) (found []string) {
	data, err := fs.ReadFile(root, file)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(data)) {
		if m := pattern.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil && !slices.Contains(found, m[1]) {
			found = append(found, m[1])
		}
	}
	return found
}
