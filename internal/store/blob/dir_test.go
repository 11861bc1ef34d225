package blob_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/gorun-action/internal/private"
	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/blobtest"
)

func newDir(t testing.TB) *blob.Dir {
	return &blob.Dir{Root: filepath.Join(t.TempDir(), "a", "store")}
}

func TestDir(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return newDir(t) }, blobtest.Limits{})
}

func putDir(t *testing.T, d *blob.Dir, key string, size int) {
	t.Helper()
	if err := d.Put(t.Context(), key, nil, bytes.NewReader(make([]byte, size))); err != nil {
		t.Fatal(err)
	}
}

func keys(infos []blob.Info) string {
	var all []string
	for _, i := range infos {
		all = append(all, i.Key)
	}
	return strings.Join(all, " ")
}

// files lists all files below the root of a store.
func files(t *testing.T, d *blob.Dir) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(d.Root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(d.Root, path)
			all = append(all, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestDirLayout(t *testing.T) {
	d := newDir(t)
	putDir(t, d, "go1-a", 3)
	long := strings.Repeat("k", 450)
	putDir(t, d, long, 4)
	want := "blobs/go1-a blobs/" + long[:200] + "+/+" + long[:199] + "+/+" + long[:51]
	if got := files(t, d); got != want {
		t.Errorf("there is %s,\nwant %s", got, want)
	}
	st, err := os.Stat(filepath.Join(d.Root, "blobs"))
	if err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("blobs is %v, %v", st.Mode(), err)
	}
}

// What is none of the store's stays, and is not found.
func TestDirForeign(t *testing.T) {
	d := newDir(t)
	putDir(t, d, "go1-a", 3)
	blobs := filepath.Join(d.Root, "blobs")
	elsewhere := filepath.Join(t.TempDir(), "secret")
	for _, err := range []error{
		os.WriteFile(elsewhere, []byte("secret"), 0o600),
		os.Symlink(elsewhere, filepath.Join(blobs, "go1-link")),
		os.Mkdir(filepath.Join(blobs, "go1-dir"), 0o700),
		os.WriteFile(filepath.Join(blobs, "go1-dir", "go1-in"), nil, 0o600),
		os.WriteFile(filepath.Join(blobs, "GO1-upper"), nil, 0o600),
		os.WriteFile(filepath.Join(blobs, "+go1-odd"), nil, 0o600),
		os.WriteFile(filepath.Join(blobs, strings.Repeat("g", 201)), nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	all, err := d.List(t.Context(), "")
	if keys(all) != "go1-a" || err != nil {
		t.Errorf("listed are %s, %v", keys(all), err)
	}
	for _, key := range []string{"go1-link", "go1-dir"} {
		if _, err := d.Find(t.Context(), key); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is found: %v", key, err)
		}
	}
	if _, err := d.Prune(t.Context(), blob.Limits{Age: 1}); err != nil {
		t.Error(err)
	}
	if got := files(t, d); !strings.Contains(got, "go1-link") || !strings.Contains(got, "go1-in") || strings.Contains(got, "go1-a") {
		t.Errorf("after Prune there is %s", got)
	}
}

func TestDirTrust(t *testing.T) {
	d := newDir(t)
	putDir(t, d, "key", 3)
	if err := os.Chmod(d.Root, 0o777); err != nil {
		t.Fatal(err)
	}
	found, errFind := d.Find(t.Context(), "key")
	_, errList := d.List(t.Context(), "")
	_, errPrune := d.Prune(t.Context(), blob.Limits{})
	for what, err := range map[string]error{
		"Find": errFind, "List": errList, "Prune": errPrune,
		"Put": d.Put(t.Context(), "other", nil, bytes.NewReader(nil)), "Remove": d.Remove(t.Context(), "key"),
	} {
		if err == nil || !strings.Contains(err.Error(), "somebody else can write to ") || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of what everybody may write is %v, %v", what, found.Key, err)
		}
	}
}

// What somebody else can have put below a root of one's own is not read, and
// not found by its beginning.
func TestDirTrustBelow(t *testing.T) {
	long := strings.Repeat("k", 450)
	for name, spoil := range map[string]func(d *blob.Dir) error{
		"a blob of the group's":         func(d *blob.Dir) error { return os.Chmod(filepath.Join(d.Root, "blobs", "key"), 0o660) },
		"a blob of everybody's":         func(d *blob.Dir) error { return os.Chmod(filepath.Join(d.Root, "blobs", "key"), 0o606) },
		"a blob of another user's":      func(d *blob.Dir) error { return os.Chown(filepath.Join(d.Root, "blobs", "key"), 54321, 54321) },
		"a directory of the group's":    func(d *blob.Dir) error { return os.Chmod(filepath.Join(d.Root, "blobs"), 0o770) },
		"a directory of another user's": func(d *blob.Dir) error { return os.Chown(filepath.Join(d.Root, "blobs"), 54321, 54321) },
		"a sticky directory":            func(d *blob.Dir) error { return os.Chmod(filepath.Join(d.Root, "blobs"), 0o777|fs.ModeSticky) },
		"a part of a long key":          func(d *blob.Dir) error { return os.Chmod(filepath.Join(d.Root, "blobs", long[:200]+"+"), 0o777) },
	} {
		d := newDir(t)
		putDir(t, d, "key", 3)
		putDir(t, d, long, 3)
		if err := spoil(d); os.Getuid() != 0 && errors.Is(err, fs.ErrPermission) {
			continue // only root gives files away
		} else if err != nil {
			t.Fatal(err)
		}
		key := "key"
		if strings.Contains(name, "long") {
			key = long
		}
		if found, err := d.Find(t.Context(), key); !errors.Is(err, private.ErrShared) {
			t.Errorf("%s: found %q, %v", name, found.Key, err)
		}
		found, err := d.Find(t.Context(), "none", key[:3])
		if strings.HasPrefix(name, "a blob") && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: by its beginning %q is found, %v", name, found.Key, err)
		} else if err == nil {
			if _, err = found.Open(t.Context(), 0, -1); strings.Contains(name, "directory") && !errors.Is(err, private.ErrShared) {
				t.Errorf("%s: by its beginning it is read, %v", name, err)
			}
		}
	}
}

func TestDirPrune(t *testing.T) {
	clock := time.Now().Add(-100 * time.Hour)
	d := newDir(t)
	d.Now = func() time.Time { return clock }
	for _, key := range []string{"c-oldest", "a-old", strings.Repeat("k", 300), "b-new"} {
		putDir(t, d, key, 100)
		clock = clock.Add(time.Hour)
	}
	leftover, fresh := filepath.Join(d.Root, "tmp", "put-1"), filepath.Join(d.Root, "tmp", "put-2")
	for name, age := range map[string]time.Duration{leftover: 2 * time.Hour, fresh: time.Minute} {
		if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Chtimes(name, clock.Add(-age), clock.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		limits blob.Limits
		want   string
	}{
		{blob.Limits{}, ""},
		{blob.Limits{Bytes: 400, Age: 4 * time.Hour}, ""},
		{blob.Limits{Age: 4*time.Hour - 1}, "c-oldest"},
		{blob.Limits{Bytes: 200}, "a-old"},
		{blob.Limits{Bytes: 199}, strings.Repeat("k", 300)},
		{blob.Limits{Bytes: 1}, "b-new"},
	} {
		removed, err := d.Prune(t.Context(), step.limits)
		if err != nil || keys(removed) != step.want {
			t.Errorf("%+v removes %s, %v, want %s", step.limits, keys(removed), err, step.want)
		}
	}
	if got := files(t, d); got != "tmp/put-2" {
		t.Errorf("there is %s", got)
	}
	if left, err := os.ReadDir(filepath.Join(d.Root, "blobs")); len(left) != 0 || err != nil {
		t.Errorf("the directories of long keys stay: %v, %v", left, err)
	}
}

// A blob that is removed while it is read is read to the end of its part.
func TestDirRemovedWhileRead(t *testing.T) {
	d := newDir(t)
	putDir(t, d, "key", 100)
	found, err := d.Find(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	p, err := found.Open(t.Context(), 0, 50)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Body.Close()
	if err := d.Remove(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(p.Body); len(b) != 50 || err != nil {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if _, err := found.Open(t.Context(), 50, 50); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the next part: %v", err)
	}
}

// Puts of long keys and a Prune that removes the directories they need.
func TestDirPruneRace(t *testing.T) {
	d := newDir(t)
	var wg sync.WaitGroup
	defer wg.Wait()
	done := make(chan struct{})
	defer close(done)
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if _, err := d.Prune(t.Context(), blob.Limits{Bytes: 1}); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for i := range 300 {
		putDir(t, d, strings.Repeat("k", 300+i%100)+"-"+strconv.Itoa(i), 100)
	}
}

func TestDirCleansUp(t *testing.T) {
	d := newDir(t)
	fire := errors.New("the disk is on fire")
	bad := badContent{fire}
	if err := d.Put(t.Context(), "key", nil, bad); !errors.Is(err, fire) || errors.Is(err, blob.ErrReadOnly) {
		t.Errorf("got %v", err)
	}
	if got := files(t, d); got != "" {
		t.Errorf("there is %s", got)
	}
}

type badContent struct{ err error }

func (badContent) Size() int64                             { return 100 }
func (b badContent) ReadAt(p []byte, _ int64) (int, error) { return copy(p, "some"), b.err }

// FuzzDirKeys tells no two keys' files from one another.
func FuzzDirKeys(f *testing.F) {
	f.Add("a", "a.")
	f.Add(strings.Repeat("a", 200), strings.Repeat("a", 201))
	f.Add(strings.Repeat("a", 400)+".", strings.Repeat("a", 400))
	f.Fuzz(func(t *testing.T, a, b string) {
		d := &blob.Dir{Root: t.TempDir()}
		for _, key := range []string{a, b} {
			err := d.Put(t.Context(), key, nil, strings.NewReader(key))
			if blob.CheckKey(key) != nil {
				if err == nil {
					t.Fatalf("%q was put", key)
				}
				return
			}
			if err != nil && !(a == b && errors.Is(err, fs.ErrExist)) {
				t.Fatalf("%q: %v", key, err)
			}
		}
		for _, key := range []string{a, b} {
			found, err := d.Find(t.Context(), "none", key)
			if err != nil || !strings.HasPrefix(found.Key, key) {
				t.Fatalf("%q is found by %q, %v", found.Key, key, err)
			}
			all, err := d.List(t.Context(), key)
			if i := slices.IndexFunc(all, func(i blob.Info) bool { return i.Key == key }); err != nil || i < 0 || all[i].Size != int64(len(key)) {
				t.Fatalf("%q is not in %v, %v", key, all, err)
			}
		}
	})
}
