package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/testenv"
)

// helperVar makes the test binary play the helper of that name.
const helperVar = "GORUN_STORE_TEST_HELPER"

func TestMain(m *testing.M) {
	helpers := map[string]func(args []string) error{"worker": helperWorker, "churn": helperChurn, "sleep": helperSleep, "exit": helperExit}
	name := os.Getenv(helperVar)
	if name == "" {
		testenv.OnDisk()
		os.Exit(m.Run())
	}
	if err := helpers[name](os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func helper(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	return asHelper(self(t), name, args...)
}

func asHelper(path, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), helperVar+"="+name)
	return cmd
}

func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// shelf is a store of a test and the programs that go into it.
type shelf struct {
	testing.TB
	*Dir
	programs string
}

func newShelf(t testing.TB) *shelf {
	t.Helper()
	dir := t.TempDir()
	return &shelf{t, &Dir{Root: filepath.Join(dir, "cache", "executables")}, dir}
}

// content is a program that is as good as any until it is executed.
func content(key string, size int) []byte {
	seed := sha256.Sum256([]byte(key))
	b := make([]byte, size)
	rand.NewChaCha8(seed).Read(b)
	return b
}

// file writes a program and returns its path.
func (s *shelf) file(name string, data []byte) string {
	s.Helper()
	path := filepath.Join(s.programs, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		s.Fatal(err)
	}
	return path
}

// put puts a program of 10,000 bytes.
func (s *shelf) put(key string) Entry {
	s.Helper()
	data := content(key, 10000)
	e, err := s.Put(key, s.file("hello", data), digest(data), []byte("about "+key))
	if err != nil {
		s.Fatal(err)
	}
	return e
}

// get gets what put put.
func (s *shelf) get(key string) Entry {
	s.Helper()
	e, release, err := s.Get(key)
	if err != nil {
		s.Fatal(err)
	}
	defer release()
	data, err := os.ReadFile(e.Path)
	if err != nil || !bytes.Equal(data, content(key, 10000)) || e.SHA256 != digest(data) {
		s.Fatalf("%s has other bytes than were put (%v)", key, err)
	}
	return e
}

// misses makes sure that there is no entry.
func (s *shelf) misses(key string) {
	s.Helper()
	if _, release, err := s.Get(key); !errors.Is(err, fs.ErrNotExist) || release == nil {
		s.Errorf("getting %.40s: %v, want a miss", key, err)
	}
}

func (s *shelf) keys(prefix string) string {
	s.Helper()
	entries, err := s.Entries(prefix)
	if err != nil {
		s.Fatal(err)
	}
	return keysOf(entries)
}

func keysOf(entries []Entry) string {
	var keys []string
	for _, e := range entries {
		keys = append(keys, e.Key)
	}
	return strings.Join(keys, " ")
}

// at sets the clock.
func (s *shelf) at(now time.Time) { s.Now = func() time.Time { return now } }

// temporary lists what is in tmp.
func (s *shelf) temporary() []string {
	list, _ := filepath.Glob(filepath.Join(s.tmp(), "*"))
	return list
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
