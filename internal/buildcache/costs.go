package buildcache

import (
	"fmt"
	"time"
)

// Costs are what this machine has learned about itself. A zero field is not
// known, and has the value said here.
type Costs struct {
	// Unpack is how many unpacked bytes are checked and written in a second;
	// 150 MB, which two slow cores and a slow disk can do.
	Unpack float64
	// File is what a file costs besides its bytes; 100 µs.
	File time.Duration
}

func (c Costs) filled() Costs {
	if c.Unpack <= 0 {
		c.Unpack = 150e6
	}
	if c.File <= 0 {
		c.File = 100 * time.Microsecond
	}
	return c
}

// saved is the part of a cold build that a pack saves. What remains is to load
// the packages, compile what has changed, and link.
const saved = 0.8

// Worth reports whether restoring a pack will take less time than it saves, and
// says why in a sentence for the log. speed is in bytes a second. What is not
// known (no size, no speed, no time of a cold build) is no reason against it:
// it is learned by trying.
func (c Costs) Worth(pack, unpacked, files int64, coldBuild time.Duration, speed float64) (bool, string) {
	if coldBuild <= 0 {
		return true, "how long a build without the pack takes is not known yet"
	}
	gain := time.Duration(saved * float64(coldBuild))
	cost := c.cost(pack, unpacked, files, speed)
	if cost >= gain {
		return false, fmt.Sprintf("restoring %.1f MB would take about %.1f s and save about %.1f s", float64(pack)/1e6, cost.Seconds(), gain.Seconds())
	}
	return true, fmt.Sprintf("restoring %.1f MB takes about %.1f s and saves about %.1f s", float64(pack)/1e6, cost.Seconds(), gain.Seconds())
}

// cost is the longer of download and unpacking, which run at the same time,
// and what files cost.
func (c Costs) cost(pack, unpacked, files int64, speed float64) time.Duration {
	c = c.filled()
	var download float64
	if speed > 0 {
		download = float64(max(pack, 0)) / speed
	}
	unpack := float64(max(unpacked, 0))/c.Unpack + float64(max(files, 0))*c.File.Seconds()
	// A number from a damaged record may be out of any range.
	return time.Duration(min(max(download, unpack), 1e6) * float64(time.Second))
}
