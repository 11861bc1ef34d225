package runner

import (
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/buildflags"
)

// recorder keeps the Events; the tests here are single-threaded.
type recorder struct{ events []Event }

func (r *recorder) Event(e Event) { r.events = append(r.events, e) }

func newTestLog() (*buildLog, *recorder) {
	rec := &recorder{}
	r := &run{Runner: &Runner{Report: rec}, spec: Spec{Build: buildflags.Build{}}}
	return r.newBuildLog(Plan{Dir: "/home/u/m"}, "/tmp/gorun-1/gorun-capture"), rec
}

func TestBuildLog(t *testing.T) {
	log, rec := newTestLog()
	for _, piece := range []string{
		`{"ImportPath":"example.com/m/lib","Action":"build-output","Output":"# example.com/m/lib\n"}` + "\n",
		`{"ImportPath":"example.com/m/lib","Action":"build-output","Output":"lib/l.go:2:12: declared and not used: y\n"}` + "\n" + `{"ImportPath":"example.com`,
		`/m/lib","Action":"build-output","Output":"\tmore about it\n"}` + "\n",
		`{"ImportPath":"example.com/m/lib","Action":"build-fail"}` + "\n",
		"go: downloading example.com/dep v1.0.0\n",
		"/home/u/m/go.mod:3: unknown directive: foo\n",
		"go: example.com@v1: reading https://proxy:443: no\n",
		"the end without a newline",
	} {
		log.Write([]byte(piece))
	}
	log.close()

	want := []Diagnostic{
		{Kind: "error", File: "lib/l.go", Line: 2, Column: 12, Message: "declared and not used: y\n\tmore about it", Package: "example.com/m/lib"},
		{Kind: "error", File: "go.mod", Line: 3, Message: "unknown directive: foo"},
	}
	if diff := cmp.Diff(want, log.diagnostics); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, diagnosed(rec)); diff != "" {
		t.Errorf("Diagnosed events (-want +got):\n%s", diff)
	}
	wantText := "# example.com/m/lib\nlib/l.go:2:12: declared and not used: y\n\tmore about it\n" +
		"go: downloading example.com/dep v1.0.0\n/home/u/m/go.mod:3: unknown directive: foo\n" +
		"go: example.com@v1: reading https://proxy:443: no\nthe end without a newline\n"
	text, unparsed := output(rec)
	if text != wantText {
		t.Errorf("the text is %q, want %q", text, wantText)
	}
	if want := "go: downloading example.com/dep v1.0.0\ngo: example.com@v1: reading https://proxy:443: no\nthe end without a newline\n"; unparsed != want {
		t.Errorf("the lines that are no diagnostics are %q, want %q", unparsed, want)
	}
	if got := log.sentence(BuildFailed, container.ExitStatus{Code: 1}); got != "the build failed at lib/l.go:2:12 and at 1 more place" {
		t.Errorf("sentence = %q", got)
	}
}

func diagnosed(r *recorder) (list []Diagnostic) {
	for _, e := range r.events {
		if d, ok := e.(Diagnosed); ok {
			list = append(list, d.Diagnostic)
		}
	}
	return list
}

func output(r *recorder) (all, unparsed string) {
	for _, e := range r.events {
		if o, ok := e.(BuildOutput); ok {
			all += o.Text
			if !o.Parsed {
				unparsed += o.Text
			}
		}
	}
	return all, unparsed
}

func TestBuildLogShowsTheProgramAsItRuns(t *testing.T) {
	log, rec := newTestLog()
	log.run.spec.Build.Exec = []string{"qemu", "-L", "/sys"}
	log.run.spec.Args = []string{"a"}
	log.Write([]byte("/tmp/gorun-1/gorun-capture /cache/x-d/hello\n"))
	log.close()
	if text, _ := output(rec); text != "qemu -L /sys /cache/x-d/hello a\n" {
		t.Errorf("-x shows %q", text)
	}
}

func TestFirstWords(t *testing.T) {
	tests := map[string]string{
		"go: downloading x v1\ngo: pattern ./... matches multiple packages:\n\ta\n\tb\nmore\n": "go: pattern ./... matches multiple packages: a b",
		"\n# pkg\nstat nofile.go: no such file or directory\n":                                 "stat nofile.go: no such file or directory",
		"": "",
		"no required module provides package x; to add it:\n\tgo get x\n": "no required module provides package x; to add it: go get x",
	}
	for text, want := range tests {
		if got := firstWords(text); got != want {
			t.Errorf("firstWords(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestClassify(t *testing.T) {
	tests := []struct {
		text    string
		status  container.ExitStatus
		outcome Outcome
		hint    string
	}{
		{"main.go:1:1: syntax error", container.ExitStatus{Code: 1}, BuildFailed, ""},
		{"verifying example.com/x@v1.0.0: checksum mismatch\n\tdownloaded: h1:a\n\tgo.sum: h1:b\n\nSECURITY ERROR", container.ExitStatus{Code: 1}, Integrity, "go.sum"},
		{`Get "https://x/@v/list": dial tcp: lookup x: no such host`, container.ExitStatus{Code: 1}, Infrastructure, "GOPROXY"},
		{"main.go:2:8: mkdir /m/cache/download/x.org: permission denied", container.ExitStatus{Code: 1}, Infrastructure, "GOMODCACHE"},
		{"build cache is required, but could not be located: GOCACHE is not an absolute path", container.ExitStatus{Code: 1}, Usage, "GOCACHE"},
		{`go: GOPATH entry is relative; must be absolute path: "rel".`, container.ExitStatus{Code: 1}, Usage, "GOPATH"},
		{"go: could not create module cache: stat /m: permission denied", container.ExitStatus{Code: 1}, Infrastructure, "GOMODCACHE"},
		{"main.go:2:8: open /src/cache/a.go: permission denied", container.ExitStatus{Code: 1}, BuildFailed, ""},
		{"write /c: no space left on device", container.ExitStatus{Code: 1}, Infrastructure, "room"},
		{"tls: failed to verify certificate: x509: certificate signed by unknown authority", container.ExitStatus{Code: 1}, Infrastructure, "SSL_CERT_FILE"},
		{"go: go.mod requires go >= 1.28.0 (running go 1.26.8; GOTOOLCHAIN=local)", container.ExitStatus{Code: 1}, BuildFailed, "--go-version=1.28.0"},
		{"no required module provides package x.org/y; to add it:\n\tgo get x.org/y\n", container.ExitStatus{Code: 1}, BuildFailed, "go get x.org/y"},
		{"flag provided but not defined: -json", container.ExitStatus{Code: 2}, Usage, "1.24"},
		{"usage: go run", container.ExitStatus{Code: 2}, Usage, "gorun -h"},
		{"", container.ExitStatus{Code: 137}, Infrastructure, "memory"},
		{"invalid value \"x\" for flag -p: parse error\nusage: go build", container.ExitStatus{Code: 2}, Usage, "gorun -h"},
		{"", container.ExitStatus{Code: 2}, Infrastructure, ""},
		{"", container.ExitStatus{Code: 143}, Infrastructure, ""},
		{"", container.ExitStatus{Code: 130}, Infrastructure, ""},
		{"", container.ExitStatus{Code: -1, Signal: syscall.SIGTERM}, Infrastructure, ""},
		{"# example.com/x\ngo: open /tmp/b: too many open files", container.ExitStatus{Code: 1}, Infrastructure, "ulimit -n"},
		{"pipe2: too many open files in system\n", container.ExitStatus{Code: 1}, Infrastructure, "ulimit -n"},
		{"fork/exec /go/pkg/tool/compile: resource temporarily unavailable", container.ExitStatus{Code: 1}, Infrastructure, "ulimit -u"},
		{"fork/exec /go/pkg/tool/link: cannot allocate memory", container.ExitStatus{Code: 1}, Infrastructure, "memory"},
		{"fatal error: runtime: out of memory", container.ExitStatus{Code: 1}, Infrastructure, "memory"},
		{"read /src/main.go: input/output error", container.ExitStatus{Code: 1}, Infrastructure, "disk"},
		{"main.go:3:1: undefined: too many open files in my list", container.ExitStatus{Code: 1}, BuildFailed, ""},
		{"stat /src/nope: directory not found", container.ExitStatus{Code: 1}, BuildFailed, "package argument"},
		{"stat nope.go: no such file or directory", container.ExitStatus{Code: 1}, BuildFailed, "package argument"},
		{"package nope is not in std (/go/src/nope)", container.ExitStatus{Code: 1}, BuildFailed, "package argument"},
		{"x.go:2:8: package nope is not in std (/go/src/nope)", container.ExitStatus{Code: 1}, BuildFailed, ""},
		{"open /src/dep/dangling.go: no such file or directory", container.ExitStatus{Code: 1}, BuildFailed, ""},
		{"go: reading go.work: open /w/go.work: no such file or directory", container.ExitStatus{Code: 1}, BuildFailed, ""},
		{"go: reading overlay: open o.json: no such file or directory", container.ExitStatus{Code: 1}, BuildFailed, ""},
		{"go: x.org/y@v9: module x.org/y@v9 found, but does not contain package x.org/y/z", container.ExitStatus{Code: 1}, BuildFailed, ""},
		{"found packages a (a.go) and b (b.go) in /x", container.ExitStatus{Code: 1}, BuildFailed, "one package"},
	}
	for _, tt := range tests {
		f := classify(tt.text, tt.status)
		if f.outcome != tt.outcome || !strings.Contains(f.hint, tt.hint) || tt.hint == "" && f.hint != "" {
			t.Errorf("classify(%q) = %s, %q; want %s, …%s…", tt.text, f.outcome, f.hint, tt.outcome, tt.hint)
		}
	}
}

func FuzzBuildLog(f *testing.F) {
	f.Add([]byte(`{"ImportPath":"p","Action":"build-output","Output":"a.go:1:2: x\n"}`+"\n\tb\na.go:99999999999999999999: y\n"), 5)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		log, rec := newTestLog()
		at := min(max(cut, 0), len(text))
		log.Write(text[:at])
		log.Write(text[at:])
		log.close()
		if got := diagnosed(rec); !cmp.Equal(got, log.diagnostics) {
			t.Errorf("%v were reported, %v are kept", got, log.diagnostics)
		}
	})
}
