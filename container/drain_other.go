//go:build unix && !linux

package container

import "os"

// growPipe returns the most that a pipe holds on these systems.
func growPipe(*os.File) int { return 64 << 10 }
