package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/buildflags"
	"github.com/org/gorun-action/internal/testenv"
)

const flagged = `package main

import (
	"os"
	"runtime/debug"
)

var stamp = "none"

func main() {
	os.Stdout.WriteString("stamp " + stamp + tagged + "\n")
	if len(os.Args) > 1 {
		info, _ := debug.ReadBuildInfo()
		os.Stdout.WriteString(info.String())
	}
}
`

// flagCases has every flag that gorun passes on or answers for: the words on
// the command line, gorun's status, and what its two streams must have in
// common with them.
var flagCases = map[string]struct {
	words  string
	status int
	want   string
}{
	"C":             {"-C ../src .", 0, "stamp none"},
	"a":             {"-a ./bare", 0, "stamp none"},
	"asan":          {"-asan ./bare", 0, "stamp none"},
	"asmflags":      {"-asmflags=-D,GORUN ./bare", 0, "stamp none"},
	"buildflags":    {"-buildflags --noexecstack .", 0, "deprecated"},
	"buildmode":     {"-buildmode=c-shared .", 125, "cannot be run"},
	"buildvcs":      {"-buildvcs=false .", 0, "stamp none"},
	"compiler":      {"-compiler gc .", 0, "stamp none"},
	"cover":         {"-cover .", 0, "stamp none"},
	"covermode":     {"-covermode=atomic .", 0, "stamp none"},
	"coverpkg":      {"-coverpkg=./... .", 0, "stamp none"},
	"exec":          {"-exec=echo . x", 0, "executable/flagged x"},
	"gccgoflags":    {"-gccgoflags=-O2 ./bare", 0, "stamp none"},
	"gcflags":       {"-gcflags=-N,-l . info", 0, "-gcflags=\"-N -l\""},
	"gcstackiter":   {"-gcstackiter .", 0, "no such"},
	"gldebug":       {"-gldebug .", 0, "debug information"},
	"installsuffix": {"-installsuffix x ./bare", 0, "stamp none"},
	"json":          {"-json ./broken", 125, `"Action":"build-fail"`},
	"ldflags":       {"-ldflags=-X=main.stamp=yes .", 0, "stamp yes"},
	"ldlgo":         {"-ldlgo /no/such/interpreter .", 125, "does not exist"},
	"linkmode":      {"-linkmode internal . info", 0, "-linkmode=internal"},
	"linkshared":    {"-linkshared ./bare", 125, ""},
	"mod":           {"-mod auto .", 0, "stamp none"},
	"modcacherw":    {"-modcacherw .", 0, "stamp none"},
	"modfile":       {"-modfile=../alt.mod . info", 0, "example.com/alternative"},
	"msan":          {"-msan ./bare", 125, "msan"},
	"murmur":        {"-murmur .", 0, "stamp none"},
	"n":             {"-n .", 0, "/flagged"},
	"overlay":       {"-overlay=../overlay.json .", 0, "overlaid"},
	"p":             {"-p 1 .", 0, "stamp none"},
	"pgo":           {"-pgo=off .", 0, "stamp none"},
	"pkgdir":        {"-pkgdir=../pkgdir ./bare", 0, "stamp none"},
	"race":          {"-race . info", 0, "-race=true"},
	"tags":          {"-tags=special .", 0, "stamp none, tagged"},
	"toolexec":      {"-toolexec=nice .", 0, "stamp none"},
	"trimpath":      {"-trimpath . info", 0, "-trimpath=true"},
	"v":             {"-v -tags=v .", 0, "example.com/flagged"},
	"work":          {"-work .", 0, "WORK="},
	"x":             {"-x -tags=x .", 0, "WORK="},
}

// touched are the flags that gorun itself has a hand in, and the cheap ones; the
// others are the go command's, and most compile the standard library again.
var touched = []string{"C", "buildmode", "exec", "gcstackiter", "json", "ldflags", "ldlgo", "linkmode", "mod", "modfile", "n", "overlay", "p", "tags", "work"}

// Every flag of the table does on the real command what the README says.
func TestEveryFlag(t *testing.T) {
	t.Parallel()
	k := newKiller(t, "host")
	for name, text := range map[string]string{
		"src/go.mod": "module example.com/flagged\n\ngo 1.26\n", "src/main.go": flagged,
		"src/plain.go": "//go:build !special\n\npackage main\n\nconst tagged = \"\"\n", "src/special.go": "//go:build special\n\npackage main\n\nconst tagged = \", tagged\"\n",
		"src/bare/main.go":   "package main\n\nfunc main() { println(\"stamp none\") }\n", // a few packages of the standard library
		"src/broken/main.go": "package main\n\nfunc main() { nowhere() }\n",
		"alt.mod":            "module example.com/alternative\n\ngo 1.26\n", "other.go": strings.Replace(flagged, "none", "overlaid", 1),
		"overlay.json": `{"Replace": {"` + filepath.Join(k.dir, "src/main.go") + `": "` + filepath.Join(k.dir, "other.go") + `"}}`,
	} {
		put(t, filepath.Join(k.dir, name), text)
	}
	for _, f := range buildflags.Table() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			tt, ok := flagCases[f.Name]
			if !ok {
				t.Fatalf("no case for -%s: what does it do?", f.Name)
			}
			if !slices.Contains(touched, f.Name) {
				testenv.Long(t, "it is the go command's, and compiles much")
			}
			cmd := k.command(t, strings.Fields(tt.words)...)
			cmd.Env = append(cmd.Env, "GORUN_LOG_FORMAT=text", "CGO_ENABLED=1")
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != tt.status || !strings.Contains(string(out), tt.want) {
				t.Errorf("gorun %s: status %d, want %d with %q:\n%s", tt.words, got, tt.status, tt.want, out)
			}
		})
	}
	os.RemoveAll(filepath.Join(k.dir, "pkgdir")) // -work leaves its directory in k.tmp
}
