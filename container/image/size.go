package image

import v1 "github.com/google/go-containerregistry/pkg/v1"

// ArchiveSize returns about how many bytes WriteArchive writes: those of the
// layers. It is 0 when they cannot be told.
func ArchiveSize(img v1.Image) int64 {
	layers, err := img.Layers()
	if err != nil {
		return 0
	}
	var sum int64
	for _, l := range layers {
		if size, err := l.Size(); err == nil {
			sum += size
		}
	}
	return sum
}
