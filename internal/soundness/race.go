package soundness

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// A dial is a place in the probe that can be in several positions, which have
// the same size and build different programs.
type dial struct {
	name  string
	files []string // the file of each position, one file for all when there is only one
	texts func(original string) []string
}

// dials are for races: edits within one tick of the clock after a key.
func dials() []dial {
	numbers := func(original string) []string {
		var list []string
		for _, n := range []string{"21", "32", "43", "54"} {
			list = append(list, strings.Replace(original, "10", n, 1))
		}
		return list
	}
	words := func(from string, to ...string) func(string) []string {
		return func(original string) []string {
			var list []string
			for _, w := range to {
				list = append(list, strings.Replace(original, from, w, 1))
			}
			return list
		}
	}
	return []dial{
		{"a source file", []string{"lib/lib.go"}, numbers},
		{"a constant", []string{"lib/deep/deep.go"}, numbers},
		{"the main package", []string{"use.go"}, numbers},
		{"a header", []string{"lib/local.h"}, numbers},
		{"an embedded file", []string{"static/b.txt"}, words("20", "21", "32", "43")},
		{"a hidden embedded file", []string{"tree/x/.hidden"}, numbers},
		{"an import", []string{"lib/deep/deep.go"}, words("deep 10\"", "deep 11\"\n\nimport _ \"fmt\"", "deep 11\"\n\nimport _ \"embed\"")},
		{"a pattern", []string{"main.go"}, words("go:embed one.txt", "go:embed two.txt", "go:embed two.tx?")},
		{"a constraint", []string{"lib/lib_other.go"}, words("!linux", "!linu1", "!linu2", "linux ")},
		{"a suffix", []string{"lib/zz_linux.go", "lib/zz_plan9.go", "lib/zz_amd64.go", "lib/zz_test.go"}, nil},
		{"an embedded name", []string{"static/z1.txt", "static/z2.txt", "static/z3.txt", "static/z4.mdx"}, nil},
	}
}

// positions are the states of a dial.
func (d dial) positions(s *state) []func() bool {
	if d.texts == nil {
		return d.names(s)
	}
	original, ok := s.read(s.probe(d.files[0]))
	if !ok {
		return nil
	}
	var list []func() bool
	for _, text := range d.texts(original) {
		list = append(list, s.put(s.probe(d.files[0]), text))
	}
	return list
}

// names are positions that differ in the name of one file.
func (d dial) names(s *state) []func() bool {
	content := "package lib\n\nfunc init() { println(10) }\n"
	if !strings.HasSuffix(d.files[0], ".go") {
		content = "text 10\n"
	}
	var list []func() bool
	for _, f := range d.files {
		list = append(list, func() bool {
			for _, other := range d.files {
				if s.exists(s.probe(other)) && other != f {
					return os.Rename(s.abs(s.probe(other)), s.abs(s.probe(f))) == nil
				}
			}
			return s.exists(s.probe(f)) || os.WriteFile(s.abs(s.probe(f)), []byte(content), 0o644) == nil
		})
	}
	s.later(func() error {
		for _, f := range d.files {
			os.Remove(s.abs(s.probe(f)))
		}
		return nil
	})
	return list
}

// put writes in one of the ways that programs write: in place, in place with
// the old time, or as another file of that name.
func (s *state) put(rel, text string) func() bool {
	original, _ := s.read(rel)
	mode := s.rnd.IntN(3)
	stamp := time.Unix(1700000000, 0)
	s.later(func() error { return os.WriteFile(s.abs(rel), []byte(original), 0o644) })
	return func() bool {
		path := s.abs(rel)
		if mode == 2 {
			return os.WriteFile(path+".new~", []byte(text), 0o644) == nil && os.Rename(path+".new~", path) == nil
		}
		err := os.WriteFile(path, []byte(text), 0o644)
		if mode == 1 && err == nil {
			err = os.Chtimes(path, stamp, stamp)
		}
		return err == nil
	}
}

// race asks for keys while a dial turns, without a pause or with a short one.
// Every position must have its own key, and have it again.
func (w *shard) race(s *state) {
	all := dials()
	d := all[s.rnd.IntN(len(all))]
	positions := d.positions(s)
	if len(positions) < 2 {
		return
	}
	keys := make([]string, len(positions))
	for range 6 {
		i := s.rnd.IntN(len(positions))
		if !positions[i]() {
			return
		}
		k, err := w.key(s)
		if err != nil {
			w.broken(s, err)
			return
		}
		w.turned(s, d, positions, keys, i, k.Key)
		time.Sleep(pause(s))
	}
}

// pause is none, a few milliseconds, or as long as gorun needs to remember.
func pause(s *state) time.Duration {
	if s.rnd.IntN(20) == 0 {
		return settled
	}
	return time.Duration(s.rnd.IntN(3)*s.rnd.IntN(8)) * time.Millisecond
}

// turned compares the key of position i with the others.
func (w *shard) turned(s *state, d dial, positions []func() bool, keys []string, i int, key string) {
	row := w.row("race")
	row.Trials++
	w.report.Trials++
	if key == "" {
		row.NoKey++
		return
	}
	for j, other := range keys {
		if j != i && other == key {
			w.collision(s, d, positions, i, j, key)
		}
	}
	if keys[i] != "" && keys[i] != key {
		row.Needless++ // the same content again
	}
	keys[i] = key
}

// collision asks the go command for both positions.
func (w *shard) collision(s *state, d dial, positions []func() bool, i, j int, key string) {
	w.row("race").Same++
	w.row("race").Checked++
	a := w.oracle.run(w.ctx, s)
	positions[j]()
	b := w.oracle.run(w.ctx, s)
	positions[i]()
	w.report.Races[d.name+", "+strings.Join(s.command(), " ")]++
	if a != b {
		w.found(Finding{Kind: "race", Edit: fmt.Sprintf("%s, position %d after %d", d.name, i, j), Key: key, Before: b.String(), After: a.String()}, s)
	}
}
