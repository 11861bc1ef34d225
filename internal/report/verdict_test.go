package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/org/gorun-action/runner"
)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestVerdict(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "verdict.json")
	for range 2 { // new, then replaced
		if err := WriteVerdict(path, failedResult()); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "verdict.json", readFile(t, path))
	var got runner.Result
	if err := json.Unmarshal(readFile(t, path), &got); err != nil {
		t.Fatal(err)
	}
	want := failedResult()
	e := *want.Executable
	e.Path = "" // is not in the file
	want.Executable = &e
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
	onlyFile(t, dir, "verdict.json")
}

// onlyFile fails if a temporary file is left.
func onlyFile(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("in the directory: %v", entries)
	}
}

// TestVerdictKeepsOldFile: who has the old file open still reads the old one.
func TestVerdictKeepsOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "verdict.json")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	old, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := WriteVerdict(path, successResult()); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	if n, _ := old.Read(b); string(b[:n]) != "old" {
		t.Errorf("the old file has become %q", b[:n])
	}
}

func TestVerdictSymlink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target.json"), filepath.Join(t.TempDir(), "link.json")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := WriteVerdict(link, successResult()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link has become %v, %v", info, err)
	}
	if len(readFile(t, target)) == 0 {
		t.Error("the target has not been written")
	}
	onlyFile(t, dir, "target.json")
}

func TestVerdictToPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan []byte)
	go func() {
		data, _ := os.ReadFile(path)
		read <- data
	}()
	if err := WriteVerdict(path, successResult()); err != nil {
		t.Fatal(err)
	}
	if data := <-read; !json.Valid(data) {
		t.Errorf("read %q", data)
	}
}

// TestVerdictToOpenFile: the file behind /dev/fd/N stays the one that is open.
func TestVerdictToOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.WriteString("the program's output\n")
	if err := WriteVerdict("/proc/self/fd/"+strconv.FormatUint(uint64(f.Fd()), 10), successResult()); err != nil {
		t.Fatal(err)
	}
	if got := string(readFile(t, path)); !strings.HasPrefix(got, "the program's output\n{\n") {
		t.Errorf("the file has %q", got)
	}
}

func TestVerdictErrors(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir:                                "it is a directory",
		filepath.Join(dir, "no", "v.json"): "no such file or directory",
		"":                                 "no such file or directory",
	} {
		err := WriteVerdict(path, successResult())
		if err == nil || !strings.HasPrefix(err.Error(), `writing the verdict to "`+path+`": `) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v", path, err)
		}
	}
}
