package buildcache

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/org/gorun-action/internal/testenv"
)

// captureVar makes the test binary play gorun's capture helper: it copies the
// program that it is given to this file.
const captureVar = "GORUN_BUILDCACHE_CAPTURE"

func TestMain(m *testing.M) {
	var err error
	if to := os.Getenv(captureVar); to != "" {
		err = copyFile(os.Args[1], to)
	} else if way := os.Getenv(memoryVar); way != "" {
		err = runMemory(way, os.Args[1])
	} else {
		os.Exit(testenv.Waiting{M: m}.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// machine is one that builds the same sources again and again, each time as if
// it were new: its caches are always at the same paths.
type machine struct {
	testing.TB
	src, cache, mods string
	proxy            string
	flags            []string
	// listing is what packages found, for as long as the sources reach the same.
	listing []Package
	// cold is where the caches of the first build are kept.
	cold Dirs
}

func newMachine(t testing.TB, flags ...string) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{TB: t, src: filepath.Join(dir, "src"), cache: filepath.Join(dir, "gocache"), mods: filepath.Join(dir, "gomodcache"), flags: flags}
	t.Cleanup(m.wipe)
	m.proxy = "file://" + filepath.ToSlash(filepath.Join(m.ask("GOMODCACHE"), "cache", "download")) + "," + m.ask("GOPROXY")
	return m
}

func (m *machine) ask(name string) string {
	m.Helper()
	out, err := exec.Command("go", "env", name).Output()
	must(m, err)
	return strings.TrimSpace(string(out))
}

// wipe removes both caches.
func (m *machine) wipe() {
	m.Helper()
	must(m, removeAll(m.cache))
	must(m, removeAll(m.mods))
}

// removeAll removes a module cache, too, whose directories are read-only.
func removeAll(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// write writes the files of a txtar archive into the sources.
func (m *machine) write(archive string) {
	m.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(m.src, f.Name)
		must(m, os.MkdirAll(filepath.Dir(path), 0o755))
		must(m, os.WriteFile(path, f.Data, 0o644))
	}
}

func (m *machine) command(args ...string) *exec.Cmd {
	cmd := exec.Command("go", args...)
	cmd.Dir = m.src
	cmd.Env = append(os.Environ(), "GOCACHE="+m.cache, "GOMODCACHE="+m.mods, "GOPROXY="+m.proxy,
		"GOSUMDB=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GOWORK=off")
	return cmd
}

// built is what a build made.
type built struct {
	program  []byte
	compiled []string // packages of which the compiler ran
	since    time.Time
	took     time.Duration
	errors   string
}

// build builds as gorun does, with the go command's cache in whatever state.
func (m *machine) build() built {
	m.Helper()
	b, err := m.tryBuild()
	if err != nil {
		m.Fatalf("%v\n%s", err, b.errors)
	}
	return b
}

func (m *machine) tryBuild() (built, error) {
	m.Helper()
	self, err := os.Executable()
	must(m, err)
	out := filepath.Join(m.TempDir(), "program")
	cmd := m.command(slices.Concat([]string{"run", "-x", "-exec=" + self}, m.flags, []string{"."})...)
	cmd.Env = append(cmd.Env, captureVar+"="+out)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	b := built{since: time.Now()}
	err = cmd.Run()
	b.took, b.errors = time.Since(b.since), stderr.String()
	if err != nil {
		return b, err
	}
	b.compiled = compiled(b.errors)
	b.program, err = os.ReadFile(out)
	must(m, err)
	return b, nil
}

// compiled finds the compiler's runs in what -x writes.
func compiled(log string) (packages []string) {
	for line := range strings.Lines(log) {
		fields := strings.Fields(line)
		at := slices.Index(fields, "-p")
		if len(fields) > 1 && at > 0 && slices.ContainsFunc(fields, func(f string) bool { return strings.HasSuffix(f, "/compile") }) {
			packages = append(packages, fields[at+1])
		}
	}
	slices.Sort(packages)
	return packages
}

// collect collects what a build used.
func (m *machine) collect(b built) *Contents {
	m.Helper()
	c, err := Collect(m.whole(b))
	must(m, err)
	return c
}

func (m *machine) whole(b built) Build {
	m.Helper()
	goSum, err := os.ReadFile(filepath.Join(m.src, "go.sum"))
	must(m, err)
	all, _ := ReadSums(goSum)
	if m.listing == nil {
		m.listing = m.packages()
	}
	return Build{GoCache: m.cache, Since: b.since, ModCache: m.mods, Packages: slices.Clone(m.listing), Sums: all}
}

// listed is a package as go list writes it.
type listed struct {
	ImportPath, Dir                                               string
	Module                                                        *struct{ Path string }
	GoFiles, CgoFiles, CFiles, HFiles, SFiles, SysoFiles          []string
	CXXFiles, MFiles, FFiles, SwigFiles, SwigCXXFiles, EmbedFiles []string
}

// packages lists with a GOCACHE of its own, so that the build's stays as it is.
func (m *machine) packages() (all []Package) {
	m.Helper()
	cmd := m.command(slices.Concat([]string{"list", "-deps", "-json"}, m.flags, []string{"."})...)
	cmd.Env = append(cmd.Env, "GOCACHE="+m.TempDir())
	out, err := cmd.Output()
	must(m, err)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return all
		} else {
			must(m, err)
		}
		p := Package{ImportPath: l.ImportPath, Dir: l.Dir, Cgo: len(l.CgoFiles) > 0, Files: slices.Concat(l.GoFiles, l.CgoFiles, l.CFiles, l.HFiles,
			l.SFiles, l.SysoFiles, l.CXXFiles, l.MFiles, l.FFiles, l.SwigFiles, l.SwigCXXFiles, l.EmbedFiles)}
		if l.Module != nil {
			p.Module = l.Module.Path
		}
		all = append(all, p)
	}
}

// pack is a build's pack.
func (m *machine) pack(b built) []byte {
	m.Helper()
	return pack(m, m.collect(b))
}

func pack(t testing.TB, c *Contents) []byte {
	t.Helper()
	var out bytes.Buffer
	stats, err := c.Write(&out)
	must(t, err)
	if stats.Packed != int64(out.Len()) {
		t.Errorf("Write says %d bytes and wrote %d", stats.Packed, out.Len())
	}
	return out.Bytes()
}

// restore makes the machine a fresh one with nothing but a pack.
func (m *machine) restore(pack []byte) *Index {
	m.Helper()
	m.wipe()
	p, err := Open(bytes.NewReader(pack), Limits{})
	must(m, err)
	_, err = p.Restore(m.Context(), Dirs{m.cache, m.mods}, Options{Old: time.Now().Add(-2 * time.Hour)})
	must(m, err)
	return p.Index
}

// keep moves both caches away.
func (m *machine) keep() {
	m.Helper()
	m.cold = Dirs{m.cache + ".cold", m.mods + ".cold"}
	must(m, os.Rename(m.cache, m.cold.GoCache))
	must(m, os.Rename(m.mods, m.cold.ModCache))
	m.Cleanup(func() { must(m, removeAll(m.cold.ModCache)) })
}

// recall makes copies of what was kept.
func (m *machine) recall() {
	m.Helper()
	m.wipe()
	must(m, os.CopyFS(m.cache, os.DirFS(m.cold.GoCache)))
	must(m, os.CopyFS(m.mods, os.DirFS(m.cold.ModCache)))
}
