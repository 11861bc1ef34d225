package runner

import (
	"regexp"
	"syscall"

	"github.com/org/gorun-action/container"
)

// rule turns words of the go command into an outcome and a hint; $1 in the
// hint is what the pattern's first group matched.
type rule struct {
	pattern string
	outcome Outcome
	hint    string
}

// rules are tried in order, the first that matches counts. The words are those
// of cmd/go 1.25 to 1.27, net and syscall.
var rules = []rule{
	{`SECURITY ERROR|checksum mismatch|verifying [^\n]*: (?:checksum|invalid)`, Integrity,
		"what was downloaded is not what go.sum or the checksum database knows: do not use it; if the author moved a tag, `go clean -modcache` and a new version help"},
	{`no space left on device`, Infrastructure, "make room on the disk, or name directories on another one with TMPDIR, --cache-dir, GOCACHE and GOMODCACHE"},
	{`disk quota exceeded`, Infrastructure, "make room on the disk, or name directories on another one with TMPDIR, --cache-dir, GOCACHE and GOMODCACHE"},
	{`(?m): too many open files( in system)?$`, Infrastructure, "raise the limit of open files (ulimit -n), or use -p=1"},
	{`(?m): resource temporarily unavailable$`, Infrastructure, "raise the limit of processes (ulimit -u), or use -p=1"},
	{`(?m): cannot allocate memory$|^fatal error: (?:runtime: )?(?:out of memory|cannot allocate memory)`, Infrastructure, "give the build more memory, or use -p=1"},
	{`(?m): (?:input/output error|stale (?:NFS )?file handle|transport endpoint is not connected)$`, Infrastructure, "look at the disk or the mount that is named"},
	{`read-only file system`, Infrastructure, "name writable caches with --cache-dir, GOCACHE or GOMODCACHE"},
	{`build cache is (?:required|disabled)|GOPATH entry is relative`, Usage,
		"the go command's caches need absolute paths: set HOME, or GOCACHE and GOPATH"},
	{`could not create module cache|mkdir \S+/cache(?:/\S*)?: permission denied|open \S+/cache/download/\S*: permission denied`, Infrastructure,
		"the module cache belongs to another user: name one that can be written with GOMODCACHE"},
	{`x509: |tls: failed to verify`, Infrastructure, "the server's certificate is not trusted: name the CA bundle of your network with SSL_CERT_FILE"},
	{`dial tcp|no such host|i/o timeout|connection re(?:fused|set)|proxyconnect|TLS handshake timeout|unexpected EOF|server misbehaving|network is unreachable|5\d\d (?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Timeout)`, Infrastructure,
		"check the network and GOPROXY, then run again"},
	{`download go\S+ for \S+: toolchain not available`, Usage, "see go.dev/dl for the releases and their platforms"},
	{`download go\S+: `, Infrastructure, "check the release, the network and GOPROXY, or name another release with --go-version"},
	{`module lookup disabled by GOPROXY=off`, BuildFailed, "allow downloads with GOPROXY, or vendor the dependencies"},
	{`requires go >= (\S+)`, BuildFailed, "choose that Go or a newer one: --go-version=$1"},
	{`flag provided but not defined: -json`, Usage, "gorun needs Go 1.24 or newer: name one with --go-version"},
	{`C compiler "[^"]*" not found`, BuildFailed, "cgo needs a C compiler: install one, or name a --toolchain-image that has one"},
	{`build constraints exclude all Go files in`, BuildFailed, "no file of that package is for this target; one that uses cgo needs a --toolchain-image with a C compiler, or --builder=host"},
	{`matches multiple packages`, BuildFailed, "name one main package"},
	{`is not a main package`, BuildFailed, "name a directory with `package main`, for example ./cmd/NAME"},
	{`found packages (\S+) \(`, BuildFailed, "a directory holds one package: move the other files, or name the files to run"},
	{`main redeclared in this block`, BuildFailed, "two files have a func main: move one into a directory of its own, or name the file to run"},
	{`to add it:\s+(go get \S+)`, BuildFailed, "$1"},
	{`missing go\.sum entry|updates to go\.(?:mod|sum) needed`, BuildFailed, "run `go mod tidy` and commit go.mod and go.sum"},
	{`inconsistent vendoring`, BuildFailed, "run `go mod vendor`, or ignore the vendor directory with -mod=mod"},
	{`go\.mod file not found|cannot find main module`, BuildFailed, "run in a module's directory, or create one with `go mod init`"},
	{`(?m)^stat \S+: (?:directory not found|no such file or directory)$|^package \S+ is not in std `, BuildFailed, "check the package argument; paths start with ./"},
	{`no (?:non-test )?Go files|no packages loaded`, BuildFailed, "name a directory with Go files, for example ./cmd/NAME"},
	{`error obtaining VCS status`, BuildFailed, "build without the stamp: -buildvcs=false"},
	{`signal: killed`, Infrastructure, "the compiler or linker was killed, most likely for memory: give the build more, or use -p=1"},
	{`gorun-capture: `, Infrastructure, "make room in the temporary directory, or name another one with TMPDIR"},
}

// usageWords are those of the flag package and of cmd/go/internal/base.Usage.
const usageWords = `(?m)^usage: |^flag provided but not defined|^flag needs an argument|^invalid (?:boolean )?value |^Run 'go help `

// classify says what kind of failure the go command's words describe.
func classify(text string, status container.ExitStatus) *fault {
	for _, r := range rules {
		pattern := regexp.MustCompile(r.pattern) // here, since most runs need none of them
		if m := pattern.FindStringSubmatchIndex(text); m != nil {
			return &fault{outcome: r.outcome, hint: string(pattern.ExpandString(nil, r.hint, text, m))}
		}
	}
	switch {
	case status.Signal == syscall.SIGKILL, status.Code == 128+int(syscall.SIGKILL):
		return &fault{outcome: Infrastructure, hint: "the go command was killed, most likely for memory: give the build more, or use -p=1"}
	case status.Code == 2 && regexp.MustCompile(usageWords).MatchString(text):
		return &fault{outcome: Usage, hint: "see gorun -h"}
	case status.Signal != 0, status.Code == 2, status.Code > 128: // it says 2 after an interrupt, too
		return &fault{outcome: Infrastructure}
	}
	return &fault{outcome: BuildFailed}
}
