package runner

import (
	"debug/elf"
)

// usesC reports whether a program is linked against C libraries, or may be.
func usesC(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	return err != nil || len(libraries) > 0 || hasInterpreter(f)
}

func hasInterpreter(f *elf.File) bool {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return true
		}
	}
	return false
}
