package examples

import (
	"archive/zip"
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"

	"github.com/org/gorun-action/internal/acttest"
)

// owner is whose the workspaces are on GitHub's own machines.
const owner = 1001

func chown(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, owner, owner))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func uidOf(t *testing.T, name string) int {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// secret is the value of every secret.
const secret = "swordfish-3141"

// giveSecret gives the migration its password, and looks for it everywhere.
func giveSecret(_ *testing.T, try *trial) {
	try.args = append(try.args, "--secret", "DATABASE_PASSWORD="+secret)
	try.check = func(t *testing.T, transcript acttest.Transcript) {
		if strings.Contains(everything(transcript), secret) {
			t.Error("the password shows")
		}
	}
}

// giveService makes the image of the service, of the document's own program.
func giveService(t *testing.T, try *trial) {
	dir := t.TempDir()
	write(t, dir, try.Files)
	image := acttest.ProgramImage(t, "greeter", filepath.Join(dir, "service"))
	try.replace(t, "org/greeter:1", image)
	// Where a job has services and no container, act puts its steps on this
	// machine's network, and GitHub on that of the services.
	try.replace(t, "    services:\n", "    container: "+acttest.JobImage(t)+"\n    services:\n")
}

// replace changes what can only be had outside.
func (try *trial) replace(t *testing.T, old, new string) {
	t.Helper()
	replaced := 0
	for name, text := range try.Files {
		replaced += strings.Count(text, old)
		try.Files[name] = strings.ReplaceAll(text, old, new)
	}
	if replaced == 0 {
		t.Fatalf("there is no %s", old)
	}
}

// giveEmulator makes the step "emulator" come out as on GitHub: sudo does
// nothing, and the emulator that it would install is there.
func giveEmulator(t *testing.T, try *trial) {
	sudo := filepath.Join(t.TempDir(), "sudo")
	if err := os.WriteFile(sudo, []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	const name = "qemu-aarch64-static"
	try.mounts = append(try.mounts, sudo+":/bin/sudo", emulator(t, name)+":/usr/bin/"+name)
}

// emulator is that of this machine, or the one of Debian's package. In CI it
// is a failure when neither is to be had.
func emulator(t *testing.T, name string) string {
	t.Helper()
	if found, err := exec.LookPath(name); err == nil {
		return found
	}
	dir := t.TempDir()
	// apt-get downloads as another user.
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-ec", "apt-get download -qq qemu-user-static || { apt-get update -qq && apt-get download -qq qemu-user-static; }; dpkg-deb --extract *.deb .")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("no emulator: %v: %s", err, out)
	default:
		t.Skipf("NOT TESTED, no emulator: %v: %s", err, out)
	}
	return filepath.Join(dir, "usr", "bin", name)
}

// giveModules has the tool's modules served from this machine's module cache.
func giveModules(t *testing.T, try *trial) {
	tool := fetchTool(t, "github.com/rhysd/actionlint", "v1.7.12")
	try.mounts = append(try.mounts, tool+":/modules")
	try.args = append(try.args, "--env", "GOPROXY=file:///modules", "--env", "GOSUMDB=off")
}

// fetchTool has the go command download a module with what it needs, and
// returns where its downloads are.
func fetchTool(t *testing.T, path, version string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{"go.mod": "module m\n\ngo 1.26\n\nrequire " + path + " " + version + "\n"})
	cmd := exec.Command("go", "mod", "download", "all")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("downloading %s: %v\n%s", path, err, out)
	}
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "cache", "download")
}

// giveProxy serves the document's private module, to whom knows the password.
func giveProxy(t *testing.T, try *trial) {
	m := privateModule(t, try.Files, module.Version{Path: "private.example/greeting", Version: "v1.0.0"})
	server := httptest.NewTLSServer(m) // the go command gives a password to nobody else
	t.Cleanup(server.Close)
	try.replace(t, "@modules.example.com", "@"+strings.TrimPrefix(server.URL, "https://"))
	root := filepath.Join(t.TempDir(), "root.pem")
	pem := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(root, pem, 0o644); err != nil {
		t.Fatal(err)
	}
	try.mounts = append(try.mounts, root+":/root.pem")
	try.args = append(try.args, "--secret", "MODULE_PROXY_PASSWORD="+secret, "--env", "SSL_CERT_FILE=/root.pem")
	if want := m.sums(t); try.Files["go.sum"] != want {
		t.Errorf("go.sum should be\n%s", want)
	}
	try.check = func(t *testing.T, transcript acttest.Transcript) {
		if strings.Contains(everything(transcript), secret) {
			t.Error("the password shows")
		}
	}
}

// proxied is a module as a proxy has it.
type proxied struct {
	module.Version
	mod, zip []byte
}

// privateModule takes the files path@version/… out of an example.
func privateModule(t *testing.T, files map[string]string, v module.Version) proxied {
	t.Helper()
	dir := t.TempDir()
	own := map[string]string{}
	for name, text := range files {
		if inner, ok := strings.CutPrefix(name, v.String()+"/"); ok {
			own[inner] = text
			delete(files, name)
		}
	}
	write(t, dir, own)
	var b bytes.Buffer
	if err := modzip.CreateFromDir(&b, v, dir); err != nil {
		t.Fatal(err)
	}
	return proxied{v, []byte(own["go.mod"]), b.Bytes()}
}

// ServeHTTP is the protocol of `go help goproxy`.
func (m proxied) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != "ci" || password != secret {
		http.Error(w, "who are you", http.StatusUnauthorized)
		return
	}
	name, _ := strings.CutPrefix(r.URL.Path, "/"+m.Path+"/@v/"+m.Version.Version)
	answer, ok := map[string][]byte{".info": []byte(`{"Version":"` + m.Version.Version + `"}`), ".mod": m.mod, ".zip": m.zip}[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Write(answer)
}

// sums are the module's lines of go.sum.
func (m proxied) sums(t *testing.T) string {
	t.Helper()
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(m.mod)), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m.Path + " " + m.Version.Version + " " + m.zipSum(t) + "\n" + m.Path + " " + m.Version.Version + "/go.mod " + mod + "\n"
}

func (m proxied) zipSum(t *testing.T) string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(m.zip), int64(len(m.zip)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.File {
		names = append(names, f.Name)
	}
	sum, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return r.Open(name) })
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
