package buildcache

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if !Cold(filepath.Join(dir, "missing"), 1) {
		t.Error("a missing GOCACHE is warm")
	}
	for i := range 1024 {
		name := filepath.Join(dir, entryName(sum(fmt.Sprint(i)), "-a"))
		must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		must(t, os.WriteFile(name, nil, 0o644))
	}
	if Cold(dir, 512) || !Cold(dir, 2048) {
		t.Errorf("1024 files: fewer than 512 %v, fewer than 2048 %v", Cold(dir, 512), Cold(dir, 2048))
	}
}

func TestWorth(t *testing.T) {
	t.Parallel()
	const mb = 1_000_000
	cases := []struct {
		name      string
		costs     Costs
		pack, raw int64
		files     int64
		cold      time.Duration
		speed     float64
		want      bool
	}{
		{"a large build", Costs{}, 64 * mb, 270 * mb, 3000, 46 * time.Second, 100 * mb, true},
		{"a slow network", Costs{}, 64 * mb, 270 * mb, 3000, 46 * time.Second, 1 * mb, false},
		{"a slow disk", Costs{Unpack: 5 * mb}, 64 * mb, 270 * mb, 3000, 46 * time.Second, 100 * mb, false},
		{"many files", Costs{File: 20 * time.Millisecond}, 64 * mb, 270 * mb, 3000, 46 * time.Second, 100 * mb, false},
		{"a small build", Costs{}, 64 * mb, 270 * mb, 3000, 2 * time.Second, 100 * mb, false},
		{"saves just less", Costs{}, 80 * mb, 0, 0, time.Second, 100 * mb, false},
		{"saves just more", Costs{}, 79 * mb, 0, 0, time.Second, 100 * mb, true},
		{"nothing known", Costs{}, 64 * mb, 270 * mb, 3000, 0, 0, true},
		{"speed not known", Costs{}, 64 * mb, 270 * mb, 3000, time.Minute, 0, true},
		{"out of range", Costs{Unpack: 1e-300}, 1 << 62, 1 << 62, 1 << 62, time.Minute, 1e-300, false},
	}
	for _, c := range cases {
		got, why := c.costs.Worth(c.pack, c.raw, c.files, c.cold, c.speed)
		if got != c.want || why == "" {
			t.Errorf("%s: %v, %q", c.name, got, why)
		}
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sub", "record.json")
	r := OpenRecord(file)
	if r.Speed("actions") != 0 || r.Build("p") != (Known{}) || r.Costs() != (Costs{}) {
		t.Error("an empty record knows something")
	}
	r.Downloaded("actions", 1000, time.Second)
	r.Downloaded("actions", 2000, time.Second)
	r.Downloaded("actions", 0, time.Second)
	r.Restored("p", Stats{Packed: 10, Raw: 30, Files: 2, Time: time.Second})
	r.Built("p", time.Minute)
	must(t, r.Save())
	r = OpenRecord(file)
	if speed := r.Speed("actions"); speed < 1299 || speed > 1301 {
		t.Errorf("the speed is %v, want 1300", speed)
	}
	b := r.Build("p")
	if b.Pack != 10 || b.Unpacked != 30 || b.Files != 2 || b.Cold != time.Minute || r.Costs().Unpack != 30 {
		t.Errorf("build %+v, costs %+v", b, r.Costs())
	}
}

func TestRecordIsBounded(t *testing.T) {
	t.Parallel()
	r := OpenRecord(filepath.Join(t.TempDir(), "record.json"))
	for i := range 1000 {
		r.Downloaded(strings.Repeat("s", 500)+fmt.Sprint(i), 1, time.Second)
		r.Built(strings.Repeat("b", 500)+fmt.Sprint(i), time.Second)
	}
	must(t, r.Save())
	info, err := os.Stat(r.file)
	must(t, err)
	if again := OpenRecord(r.file); len(again.data.Builds) != maxRecord || len(again.data.Stores) != maxRecord || info.Size() > maxRecordSize {
		t.Errorf("%d builds, %d stores, %d bytes", len(again.data.Builds), len(again.data.Stores), info.Size())
	} else if again.Build(strings.Repeat("b", 500)+"999").Cold == 0 {
		t.Error("the newest is forgotten")
	}
}

func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", "null", "[]", `{"stores":{"a":{"bytes_per_second":-1}}}`, `{"builds":{"a":{"pack":-1}}}`,
		`{"stores":{"a":{"bytes_per_second":5}},"builds":7}`, strings.Repeat(" ", maxRecordSize) + `{"stores":{"a":{"bytes_per_second":5}}}`} {
		file := filepath.Join(t.TempDir(), "record.json")
		must(t, os.WriteFile(file, []byte(text), 0o644))
		r := OpenRecord(file)
		if r.Speed("a") != 0 || len(r.data.Builds) != 0 {
			t.Errorf("%.60q is believed", text)
		}
		r.Downloaded("a", 1, time.Second)
		must(t, r.Save())
	}
}
