package cachekeys

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestClosure holds the cases of testdata/closure, one txtar archive each. The
// files of the archive are the workspace; those with a + before their names are
// for `put`. The comment is the script, one directive on a line:
//
//	dir D                  the working directory, "." when there is none
//	package P…             the argument
//	flag NAME=VALUE        a build flag; NAME alone is true
//	env NAME=VALUE
//	host                   a toolchain of this machine; else an image pins it
//	gopath                 Options.GOPATH
//	input KIND NAME[ = V]  is an input; V is the whole value or its first word
//	none KIND NAME         is no input
//	reason TEXT            one of the reasons has TEXT; without this, none may be
//	creason TEXT           the same for CReasons
//	build                  the go command lists the same files: Check has nothing to say
//	same OP…               the key is the same after OP
//	differs OP…            the key is another after OP
//
// OP is append FILE, put FILE (the archive's +FILE), remove FILE, link FILE
// TARGET, mkdir DIR, rename FILE FILE, set NAME=VALUE (a flag), setenv
// NAME=VALUE. Each starts from the archive.
func TestClosure(t *testing.T) {
	files, err := filepath.Glob("testdata/closure/*.txtar")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c := loadCase(t, file)
			for line := range strings.Lines(string(c.archive.Comment)) {
				if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
					c.directive(line)
				}
			}
			c.finish()
		})
	}
}

// closureCase is one archive being run.
type closureCase struct {
	t       *testing.T
	archive *txtar.Archive
	root    string
	dir     string
	options Options
	r       Request
	env     map[string]string
	kept    *Index // lives through all edits, as one on disk does
	before  *Closure
	reasons int
}

func loadCase(t *testing.T, file string) *closureCase {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &closureCase{t: t, archive: archive, root: filepath.Join(t.TempDir(), "root"), env: map[string]string{}}
	c.kept = OpenIndex("", SHA256(), time.Now)
	c.r = pinnedRequest(func(name string) string { return c.env[name] })
	c.extract()
	return c
}

// pinnedRequest is one for a toolchain in an image.
func pinnedRequest(getenv func(string) string) Request {
	return Request{
		Target: "linux/amd64", Toolchain: Toolchain{Version: "1.26.8", Digest: "sha256:01"},
		Getenv: getenv, ModCache: "/nowhere/mod",
	}
}

func noEnv(string) string { return "" }

// extract makes the workspace what the archive says.
func (c *closureCase) extract() {
	c.must(os.RemoveAll(c.root))
	for _, f := range c.archive.Files {
		if f.Name[0] != '+' {
			c.put(f.Name, f.Data)
		}
	}
}

func (c *closureCase) put(name string, data []byte) {
	path := c.path(name)
	c.must(os.MkdirAll(filepath.Dir(path), 0o755))
	c.must(os.WriteFile(path, data, 0o644))
}

// path is that of a name of the script. A replacement may lie outside.
func (c *closureCase) path(name string) string {
	return filepath.Join(c.root, filepath.FromSlash(name))
}

func (c *closureCase) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// aside is a file of the archive that is not in the workspace at first.
func (c *closureCase) aside(name string) []byte {
	i := slices.IndexFunc(c.archive.Files, func(f txtar.File) bool { return f.Name == "+"+name })
	if i < 0 {
		c.t.Fatalf("the archive has no +%s", name)
	}
	return c.archive.Files[i].Data
}

func (c *closureCase) directive(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "dir":
		c.dir = rest
	case "package":
		c.r.Package = strings.Fields(rest)
	case "flag", "env":
		c.operation(map[string]string{"flag": "set", "env": "setenv"}[word], rest)
	case "host":
		c.r.Toolchain = Toolchain{Version: "1.26.8"}
	case "gopath":
		c.options.GOPATH = true
	case "same", "differs":
		c.edit(word, rest)
	default:
		c.expect(word, rest)
	}
}

// expect checks what the closure says of the archive as it is.
func (c *closureCase) expect(word, rest string) {
	now := c.closure()
	switch word {
	case "input", "none":
		c.input(now, word == "input", rest)
	case "reason":
		c.reasons++
		if !contain(now.Reasons, rest) {
			c.t.Errorf("no reason has %q: %q", rest, now.Reasons)
		}
	case "creason":
		if !contain(now.CReasons, rest) {
			c.t.Errorf("no reason of C has %q: %q", rest, now.CReasons)
		}
	case "build":
		if v := now.Check(c.list()); len(v.Reasons) > 0 {
			c.t.Errorf("Check says %q", v.Reasons)
		}
	default:
		c.t.Fatalf("unknown directive %s", word)
	}
}

func contain(list []string, part string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, part) })
}

func (c *closureCase) input(now *Closure, want bool, rest string) {
	kindName, value, _ := strings.Cut(rest, " = ")
	kind, name, _ := strings.Cut(kindName, " ")
	found := slices.ContainsFunc(now.Inputs, func(in Input) bool {
		return in.Kind == kind && in.Name == name && (value == "" || in.Value == value || strings.HasPrefix(in.Value, value+" "))
	})
	if found != want {
		c.t.Errorf("%s %s = %q is an input: %v, want %v\n%s", kind, name, value, found, want, Text(now.Inputs))
	}
}

// closure asks a new index and the one that knows all earlier states: both
// must say the same.
func (c *closureCase) closure() *Closure {
	c.t.Helper()
	r := c.r
	options := c.options
	options.ModFile, _ = r.value("modfile")
	options.GOWORK = c.env["GOWORK"]
	_, _, options.Versioned = r.versioned()
	r.Workspace = FindWorkspace(c.path(c.dir), options)
	fresh := OpenIndex("", SHA256(), time.Now).Closure(r)
	c.kept.Again()
	if known := c.kept.Closure(r); Text(known.Inputs) != Text(fresh.Inputs) {
		c.t.Errorf("the index of before says\n%s\nand a new one\n%s", Text(known.Inputs), Text(fresh.Inputs))
	}
	return fresh
}

// edit compares the keys before and after an operation. Where there are
// reasons against a key, it compares the inputs. A memo of before must not
// speak for after.
func (c *closureCase) edit(word, operation string) {
	c.t.Helper()
	if c.before == nil {
		c.before = c.closure()
	}
	memo := c.remember()
	flags, env := slices.Clone(c.r.Flags), c.env
	c.env = map[string]string{}
	for name, value := range env {
		c.env[name] = value
	}
	op, rest, _ := strings.Cut(operation, " ")
	c.operation(op, rest)
	after := c.closure()
	if key, ok := memo.open().Recall(after.request); ok && key != after.ExecutableKey() {
		c.t.Errorf("after %q the memo has the key %s, not %s", operation, key, after.ExecutableKey())
	}
	if same := after.part(wholePart) == c.before.part(wholePart); same != (word == "same") {
		c.t.Errorf("after %q the key is the same: %v\n%s", operation, same, Text(after.Inputs))
	}
	c.r.Flags, c.env = flags, env
	c.extract()
}

// memoDirectory is where an index and its memos are kept.
type memoDirectory string

// open returns an index as a new process has it.
func (dir memoDirectory) open() *Index {
	ix := OpenIndex(filepath.Join(string(dir), "index"), SHA256(), later)
	ix.Machine = OpenIndex(filepath.Join(string(dir), "machine"), SHA256(), later)
	return ix
}

// remember leaves a memo of the workspace as it is. As long as that is so, it
// is recalled.
func (c *closureCase) remember() memoDirectory {
	c.t.Helper()
	memo := memoDirectory(c.t.TempDir())
	r := c.closure().request
	ix := memo.open()
	now := ix.Closure(r)
	ix.Remember(now)
	key, ok := memo.open().Recall(r)
	if want := now.ExecutableKey(); key != want && ok || !ok && want != "" {
		c.t.Errorf("the memo has the key %q (%v), not %q", key, ok, want)
	}
	return memo
}

func (c *closureCase) operation(op, rest string) {
	words := append(strings.Fields(rest), "")
	at := c.path(words[0])
	switch op {
	case "append":
		data, err := os.ReadFile(at)
		c.must(err)
		c.must(os.WriteFile(at, append(data, "\n// more\n"...), 0o644))
	case "put":
		c.put(words[0], c.aside(words[0]))
	case "remove":
		c.must(os.RemoveAll(at))
	case "link":
		c.must(os.MkdirAll(filepath.Dir(at), 0o755))
		c.must(os.RemoveAll(at))
		c.must(os.Symlink(words[1], at))
	case "mkdir":
		c.must(os.MkdirAll(at, 0o755))
	case "rename":
		c.must(os.Rename(at, c.path(words[1])))
	default:
		c.setting(op, rest)
	}
}

func (c *closureCase) setting(op, rest string) {
	name, value, given := strings.Cut(rest, "=")
	switch op {
	case "set":
		if !given {
			value = "true"
		}
		c.r.Flags = append(c.r.Flags, Flag{name, value})
	case "setenv":
		c.env[name] = value
	default:
		c.t.Fatalf("unknown operation %s", op)
	}
}

// finish checks that there is a key unless a reason was asked for.
func (c *closureCase) finish() {
	now := c.closure()
	if has := now.ExecutableKey() != ""; has != (c.reasons == 0) || len(now.Reasons) != c.reasons {
		c.t.Errorf("there is a key: %v; reasons: %q", has, now.Reasons)
	}
}

// list is what the go command finds for the same build, without a network.
func (c *closureCase) list() []Built {
	args := []string{"list", "-deps", "-json"}
	for _, f := range c.r.Flags {
		args = append(args, "-"+f.Name+"="+f.Value)
	}
	cmd := exec.Command("go", append(args, c.r.Package...)...)
	cmd.Dir = c.path(c.dir)
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOWORK=", "GOTOOLCHAIN=local")
	for name, value := range c.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return listed(c.t, cmd)
}

// listed runs go list -deps -json.
func listed(t *testing.T, cmd *exec.Cmd) (packages []Built) {
	t.Helper()
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	for dec := json.NewDecoder(out); err == nil; {
		var p listedPackage
		if err = dec.Decode(&p); err == nil {
			packages = append(packages, p.built())
		}
	}
	if wait := cmd.Wait(); err != io.EOF || wait != nil {
		t.Fatalf("%v: %v, %v\n%s", cmd.Args, err, wait, errs.String())
	}
	return packages
}

// listedPackage is the part of go list's output that counts.
type listedPackage struct {
	ImportPath, Dir                                             string
	Standard                                                    bool
	GoFiles, CgoFiles, CFiles, CXXFiles, HFiles, FFiles, SFiles []string
	SysoFiles, EmbedFiles                                       []string
	Module                                                      ListedModule
}

func (p listedPackage) built() Built {
	return Built{
		ImportPath: p.ImportPath, Dir: p.Dir, Standard: p.Standard, Cgo: len(p.CgoFiles) > 0, Pinned: p.Module.Pins(p.Dir),
		Files: slices.Concat(p.GoFiles, p.CgoFiles, p.CFiles, p.CXXFiles, p.HFiles, p.FFiles, p.SFiles, p.SysoFiles, p.EmbedFiles),
	}
}
