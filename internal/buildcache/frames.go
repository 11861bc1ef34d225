package buildcache

// frameSize is how many unpacked bytes a frame holds at most. Smaller frames
// pack worse (1 MiB: 3 % more), larger ones need more memory per core.
const frameSize = 4 << 20

// unit is a run of files that can be unpacked without any other: many in one
// frame, or one in many.
type unit struct {
	first, end int // files
	raw        int64
}

// frames is how many frames a unit has. One that holds only empty files has
// one, too.
func (u unit) frames() int { return max(1, int((u.raw+frameSize-1)/frameSize)) }

// frame is how many unpacked bytes are in the frame i of a unit.
func (u unit) frame(i int) int { return int(min(frameSize, u.raw-int64(i)*frameSize)) }

// cut is the one way in which files of these sizes are laid into frames.
func cut(sizes []int64) []unit {
	var units []unit
	for i, size := range sizes {
		if last := len(units) - 1; last >= 0 && units[last].raw+size <= frameSize {
			units[last].end++
			units[last].raw += size
			continue
		}
		units = append(units, unit{first: i, end: i + 1, raw: size})
	}
	return units
}
