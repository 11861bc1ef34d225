package provision

import (
	"debug/elf"
	"runtime"
)

// helperFor returns gorun's own executable when it also runs in a container of
// that platform: built for it, and statically linked, so that it needs nothing
// of the image. Otherwise "".
func helperFor(self, platform string) string {
	if runtime.GOOS+"/"+runtime.GOARCH != platform {
		return ""
	}
	f, err := elf.Open(self)
	if err != nil {
		return ""
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return ""
		}
	}
	return self
}
