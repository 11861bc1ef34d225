package store

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// edit changes a byte of a file in place and gives it back its mtime.
func edit(t testing.TB, path string, at int64) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	must(t, err)
	b[0] ^= 1
	_, err = f.WriteAt(b, at)
	must(t, err)
	must(t, f.Close())
	must(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
}

// instead puts something else in the place of a file.
func instead(make func(path string) error) func(testing.TB, string) {
	return func(t testing.TB, path string) {
		t.Helper()
		must(t, os.RemoveAll(path))
		must(t, make(path))
	}
}

func directory(path string) error { return os.MkdirAll(filepath.Join(path, "x"), 0o700) }
func pipe(path string) error      { return unix.Mkfifo(path, 0o700) }
func empty(path string) error     { return os.WriteFile(path, nil, 0o755) }
func nothing(string) error        { return nil }
func loop(path string) error      { return os.Symlink(path, path) }

// elsewhere moves a file away and leaves a symlink to it.
func elsewhere(t testing.TB, path string) {
	t.Helper()
	away := filepath.Join(t.TempDir(), "away")
	must(t, os.Rename(path, away))
	must(t, os.Symlink(away, path))
}

// reput takes the files of the entry of another key.
func reput(t testing.TB, path string) {
	t.Helper()
	s := &shelf{t, &Dir{Root: t.TempDir()}, t.TempDir()}
	s.put("other")
	must(t, os.Remove(path))
	must(t, os.Rename(filepath.Join(s.dir("other"), headerFile), path))
}

type fault struct {
	file   string // of the entry, "" for its directory
	damage func(t testing.TB, path string)
}

func faults() map[string]fault {
	const program = "program/hello"
	cut := func(size int64) func(testing.TB, string) {
		return func(t testing.TB, path string) { t.Helper(); must(t, os.Truncate(path, size)) }
	}
	return map[string]fault{
		"program truncated":      {program, cut(9999)},
		"program empty":          {program, cut(0)},
		"program grown":          {program, cut(10001)},
		"program edited":         {program, func(t testing.TB, path string) { edit(t, path, 5000) }},
		"program replaced":       {program, instead(func(path string) error { return os.WriteFile(path, content("x", 10000), 0o755) })},
		"program missing":        {program, instead(nothing)},
		"program a symlink":      {program, elsewhere},
		"program a symlink loop": {program, instead(loop)},
		"program a directory":    {program, instead(directory)},
		"program a pipe":         {program, instead(pipe)},
		"program not executable": {program, func(t testing.TB, path string) { must(t, os.Chmod(path, 0o644)) }},
		"programs a file":        {"program", instead(empty)},
		"header truncated":       {"entry", cut(100)},
		"header empty":           {"entry", cut(0)},
		"header edited":          {"entry", func(t testing.TB, path string) { edit(t, path, 80) }},
		"header huge":            {"entry", cut(1 << 30)},
		"header missing":         {"entry", instead(nothing)},
		"header a symlink loop":  {"entry", instead(loop)},
		"header a directory":     {"entry", instead(directory)},
		"header a pipe":          {"entry", instead(pipe)},
		"header of another key":  {"entry", reput},
		"entry a file":           {"", instead(empty)},
		"entry a symlink":        {"", elsewhere},
		"entry empty":            {"", instead(func(path string) error { return os.Mkdir(path, 0o700) })},
		"entry foreign":          {"", instead(directory)},
	}
}

// Whatever is wrong with an entry, it is told once, it is out of the way then,
// and a Put that comes first makes it whole.
func TestDamage(t *testing.T) {
	for name, f := range faults() {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			s.put("k")
			f.damage(t, filepath.Join(s.dir("k"), f.file))
			_, release, err := s.Get("k")
			if !errors.Is(err, ErrDamaged) || errors.Is(err, fs.ErrNotExist) || release == nil {
				t.Fatalf("got %v, want damage", err)
			}
			s.misses("k")
			s.put("k")
			s.get("k")

			f.damage(t, filepath.Join(s.dir("k"), f.file))
			s.put("k")
			s.get("k")
			if left := s.temporary(); left != nil {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// Verify and Prune get rid of damage that is known to be an entry's, Remove of any.
func TestDamageIsRemoved(t *testing.T) {
	for name, f := range faults() {
		s := newShelf(t)
		s.put("k")
		s.put("whole")
		f.damage(t, filepath.Join(s.dir("k"), f.file))
		good, bad, err := s.Verify(t.Context())
		foreign := f.file == "" || name == "header missing"
		if keysOf(good) != "whole" || err != nil || foreign != (len(bad) == 0) || !foreign && (bad[0].Key != "k" || !errors.Is(bad[0].Err, ErrDamaged)) {
			t.Errorf("%s: good %v, bad %v, %v", name, good, bad, err)
		}
		if err := s.Remove("k"); foreign && err != nil || !foreign && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: removing: %v", name, err)
		}
		s.misses("k")
		s.get("whole")
	}
}

func TestPruneRemovesWhatIsDamaged(t *testing.T) {
	for name, f := range faults() {
		if f.file != headerFile || name == "header missing" {
			continue
		}
		s := newShelf(t)
		s.put("k")
		s.put("whole")
		f.damage(t, filepath.Join(s.dir("k"), f.file))
		removed, err := s.Prune(Limits{})
		if err != nil || len(removed) != 1 || removed[0].Key != "k" {
			t.Errorf("%s: removed %v, %v", name, removed, err)
		}
		s.misses("k")
		s.get("whole")
	}
}

// The description is not needed to run the program, but to explain a miss.
func TestAboutDamage(t *testing.T) {
	for name, damage := range map[string]func(testing.TB, string){
		"edited":    func(t testing.TB, path string) { edit(t, path, 3) },
		"longer":    func(t testing.TB, path string) { must(t, os.Truncate(path, 1<<30)) },
		"missing":   instead(nothing),
		"directory": instead(directory),
		"pipe":      instead(pipe),
	} {
		s := newShelf(t)
		s.put("k")
		damage(t, filepath.Join(s.dir("k"), aboutFile))
		if _, err := s.About("k"); !errors.Is(err, ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		s.get("k")
		s.put("k")
		if about, err := s.About("k"); err != nil || string(about) != "about k" {
			t.Errorf("%s: put again, it is %q, %v", name, about, err)
		}
	}
}

func TestForeignFiles(t *testing.T) {
	s := newShelf(t)
	s.put("k")
	var foreign []string
	for _, name := range []string{"README", "other/file", "entries/README", "entries/file", "entries/dir/file", "entries/lost+found/x", "entries/UPPER/entry", "entries/.hidden/entry"} {
		path := filepath.Join(s.Root, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte("foreign"), 0o600))
		foreign = append(foreign, path)
	}
	s.at(time.Now().Add(24 * time.Hour))
	good, bad, err := s.Verify(t.Context())
	if keysOf(good) != "k" || bad != nil || err != nil || s.keys("") != "k" {
		t.Errorf("good %v, bad %v, %v", good, bad, err)
	}
	if removed, err := s.Prune(Limits{Age: time.Second}); err != nil || keysOf(removed) != "k" {
		t.Errorf("removed %v, %v", removed, err)
	}
	for _, path := range foreign {
		if data, err := os.ReadFile(path); err != nil || string(data) != "foreign" {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// isSealed reports whether the next Get will take the seal's word.
func (s *shelf) isSealed(key string) bool {
	s.Helper()
	e, err := readEntry(s.dir(key))
	must(s, err)
	st, err := lstat(e.Path)
	must(s, err)
	return sealed(s.dir(key), e.SHA256, st)
}

func TestSeal(t *testing.T) {
	s := newShelf(t)
	e := s.put("k")
	if !s.isSealed("k") {
		t.Fatal("Put did not seal")
	}
	path := filepath.Join(s.dir("k"), sealFile)
	text, err := os.ReadFile(path)
	must(t, err)
	for name, damage := range map[string]func(testing.TB, string){
		"missing":   instead(nothing),
		"empty":     instead(empty),
		"longer":    func(t testing.TB, path string) { must(t, os.WriteFile(path, append(text, '\n'), 0o600)) },
		"huge":      func(t testing.TB, path string) { must(t, os.Truncate(path, 1<<30)) },
		"a symlink": elsewhere,
		"edited":    func(t testing.TB, path string) { edit(t, path, 80) },
		"touched program": func(t testing.TB, _ string) {
			must(t, os.Chtimes(e.Path, time.Now(), time.Now()))
			time.Sleep(sealWait)
		},
		"moved program": func(t testing.TB, _ string) {
			must(t, os.Rename(e.Path, e.Path+"x"))
			must(t, os.Rename(e.Path+"x", e.Path))
			time.Sleep(sealWait)
		},
	} {
		damage(t, path)
		if s.isSealed("k") {
			t.Errorf("%s: the seal holds", name)
		}
		if s.get("k"); !s.isSealed("k") {
			t.Errorf("%s: it is not sealed again", name)
		}
	}
	directory := instead(directory) // which a rename does not replace
	directory(t, path)
	s.get("k")
	s.get("k")
	if left := s.temporary(); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

// An edit in the same tick of the clock as what came before is not missed.
func TestRacyEdits(t *testing.T) {
	s := newShelf(t)
	for i := range 100 {
		e := s.put("k")
		if i%2 == 1 { // a Get that hashes, and may seal
			must(t, os.Chtimes(e.Path, time.Now(), time.Now()))
			if i%4 == 1 {
				time.Sleep(time.Duration(i) * 100 * time.Microsecond)
			}
			s.get("k")
		}
		edit(t, e.Path, int64(i))
		if _, _, err := s.Get("k"); !errors.Is(err, ErrDamaged) {
			t.Fatalf("edit %d: %v", i, err)
		}
	}
}

// There is no seal while the clock stands at the program's last change.
func TestNoSealTooEarly(t *testing.T) {
	s := newShelf(t)
	e := s.put("k")
	st, err := lstat(e.Path)
	must(t, err)
	st.Ctim = unix.NsecToTimespec(time.Now().Add(time.Hour).UnixNano())
	if s.startSeal(s.dir("k"), e.SHA256, st) != nil {
		t.Error("sealed before its time")
	}
	if left := s.temporary(); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

// A hash that is the program's, but not the one of the entry, seals nothing.
func TestSealOfAnotherHash(t *testing.T) {
	s := newShelf(t)
	e := s.put("k")
	other := content("other", 10000)
	f, err := os.OpenFile(e.Path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.Write(other)
	must(t, errors.Join(err, f.Close()))
	st, err := lstat(e.Path)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(s.dir("k"), sealFile), []byte(sealText(digest(other), st)), 0o600))
	if _, _, err := s.Get("k"); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), digest(other)) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkGet(b *testing.B) {
	s := newShelf(b)
	data := bytes.Repeat([]byte("x"), 8<<20)
	_, err := s.Put("k", s.file("hello", data), digest(data), nil)
	must(b, err)
	b.Run("sealed", func(b *testing.B) {
		for b.Loop() {
			_, release, err := s.Get("k")
			must(b, err)
			release()
		}
	})
	b.Run("miss", func(b *testing.B) {
		for b.Loop() {
			s.Get("l")
		}
	})
	b.Run("unsealed-8MiB", func(b *testing.B) {
		for b.Loop() {
			must(b, os.RemoveAll(filepath.Join(s.dir("k"), sealFile)))
			_, release, err := s.Get("k")
			must(b, err)
			release()
		}
	})
}
