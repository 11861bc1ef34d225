package buildcache

import (
	"fmt"

	"golang.org/x/mod/module"
)

// check refuses an index that asks for too much, or for names that Restore must
// not write.
func (x *Index) check(l Limits) error {
	if err := l.check(x); err != nil {
		return err
	}
	for _, m := range x.modules {
		if err := x.checkModule(m); err != nil {
			return err
		}
	}
	for _, p := range x.packages {
		if err := module.CheckImportPath(p); err != nil {
			return err
		}
	}
	return x.checkFiles()
}

func (x *Index) checkModule(m mod) error {
	for _, r := range m.requires {
		if r < 0 || r >= len(x.modules) {
			return fmt.Errorf("%w: %s requires what is not there", errIndex, m.Path)
		}
	}
	_, err := newPlace(m.ModuleVersion)
	return err
}

func (x *Index) checkFiles() error {
	var seen clashes
	for i, f := range x.files {
		if i == 0 || x.files[i-1].module != f.module {
			seen = clashes{}
		}
		if f.kind != tree {
			continue
		}
		if !x.modules[f.module].dir {
			return fmt.Errorf("%w: a file in a module without directory", errIndex)
		}
		if err := checkTreeName(f.name); err != nil {
			return err
		}
		if err := seen.add(f.name); err != nil {
			return err
		}
	}
	return nil
}
