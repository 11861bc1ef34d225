package runner

import (
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"io"
	"slices"
	"strings"
)

// difference says in which parts two executables differ, as far as the build
// information and the sections of the ELF file tell.
func difference(first, second string) string {
	var parts []string
	if lines := buildInfoDiffers(first, second); len(lines) > 0 {
		parts = append(parts, "the build information differs in "+some(lines))
	}
	if names := sectionsDiffer(first, second); len(names) > 0 {
		parts = append(parts, "the sections that differ are "+some(names))
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, ", and ")
	case len(sections(first)) == 0:
		return "where cannot be told, since they are no ELF files"
	}
	return "build information and sections are the same"
}

// shown bounds how many names a sentence lists.
const shown = 6

func some(names []string) string {
	if len(names) > shown {
		names = append(names[:shown:shown], "…")
	}
	return strings.Join(names, ", ")
}

// buildInfoDiffers lists the lines that only one of the two has.
func buildInfoDiffers(first, second string) []string {
	a, errA := buildinfo.ReadFile(first)
	b, errB := buildinfo.ReadFile(second)
	if errA != nil || errB != nil {
		return nil
	}
	return eitherOnly(strings.Split(a.String(), "\n"), strings.Split(b.String(), "\n"))
}

func eitherOnly(a, b []string) (out []string) {
	for _, side := range [][2][]string{{a, b}, {b, a}} {
		for _, line := range side[0] {
			if !slices.Contains(side[1], line) {
				out = append(out, strings.ReplaceAll(line, "\t", " "))
			}
		}
	}
	return out
}

// sectionsDiffer lists the sections whose content is not the same.
func sectionsDiffer(first, second string) []string {
	a, b := sections(first), sections(second)
	var out []string
	for _, s := range eitherOnly(a, b) {
		if name, _, _ := strings.Cut(s, " "); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// sections are the names of an executable's sections with their hashes, "name
// hash"; nil for one of another system.
func sections(path string) (out []string) {
	f, err := elf.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NOBITS || s.Name == "" {
			continue
		}
		h := sha256.New()
		if _, err := io.Copy(h, s.Open()); err == nil {
			out = append(out, s.Name+" "+string(h.Sum(nil)))
		}
	}
	return out
}
