package buildcache

import (
	"fmt"
	"os"
	"path/filepath"
)

// Cold reports whether a GOCACHE has fewer than so many files, so that a pack
// would save much of a build. It looks at 16 of the 256 directories, among which
// files are spread evenly by their digests; for 1,000 entries it is right to
// about 25 %. A directory that is missing or cannot be read has none.
func Cold(gocache string, entries int) bool {
	const sample, all = 16, 256
	n := 0
	for i := 0; i < all; i += all / sample {
		list, _ := os.ReadDir(filepath.Join(gocache, fmt.Sprintf("%02x", i)))
		n += len(list)
	}
	return n*(all/sample) < entries
}
