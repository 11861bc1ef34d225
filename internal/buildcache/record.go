package buildcache

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/renameio/v2"
)

// Record remembers between runs how fast stores are and how long builds take,
// in a small JSON file. It is for one goroutine. Of two processes that save at
// once, the later one's file stays.
type Record struct {
	file string
	data recorded
}

// recorded is what the file holds. Rates are moving averages.
type recorded struct {
	Stores map[string]Rate  `json:"stores"` // by store name: downloads
	Builds map[string]Known `json:"builds"` // by build prefix
	Unpack Rate             `json:"unpack"` // of unpacked bytes
}

// Rate is a measured speed.
type Rate struct {
	BytesPerSecond float64   `json:"bytes_per_second"`
	Used           time.Time `json:"used"`
}

// Known is what is known of the packs and builds of a build prefix. Zero is
// not known.
type Known struct {
	Pack     int64         `json:"pack"`     // bytes
	Unpacked int64         `json:"unpacked"` // bytes
	Files    int64         `json:"files"`
	Cold     time.Duration `json:"cold_ns"` // a build without pack
	Used     time.Time     `json:"used"`
}

// maxRecord is how many stores and how many builds a record keeps: the ones
// used last. maxRecordSize is more bytes than so many need.
const (
	maxRecord     = 256
	maxRecordSize = 1 << 20
)

// OpenRecord reads a record. One that is missing or damaged is empty.
func OpenRecord(file string) *Record {
	r := &Record{file: file}
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Size() <= maxRecordSize {
		data, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(data, &r.data) != nil || !r.data.sane() {
			r.data = recorded{}
		}
	}
	if r.data.Stores == nil {
		r.data.Stores = map[string]Rate{}
	}
	if r.data.Builds == nil {
		r.data.Builds = map[string]Known{}
	}
	return r
}

// sane refuses numbers that nobody has measured.
func (d *recorded) sane() bool {
	bad := d.Unpack.BytesPerSecond < 0
	for _, s := range d.Stores {
		bad = bad || s.BytesPerSecond < 0
	}
	for _, b := range d.Builds {
		bad = bad || b.Pack < 0 || b.Unpacked < 0 || b.Files < 0 || b.Cold < 0
	}
	return !bad
}

// Speed is how fast a store sends, in bytes a second; 0 is not known.
func (r *Record) Speed(store string) float64 { return r.data.Stores[store].BytesPerSecond }

// Build is what is known of a build prefix.
func (r *Record) Build(prefix string) Known { return r.data.Builds[prefix] }

// Costs are what is known of this machine. What a file costs is in the rate.
func (r *Record) Costs() Costs {
	c := Costs{Unpack: r.data.Unpack.BytesPerSecond}
	if c.Unpack > 0 {
		c.File = time.Nanosecond
	}
	return c
}

// Downloaded notes a download from a store.
func (r *Record) Downloaded(store string, bytes int64, took time.Duration) {
	r.data.Stores[store] = r.data.Stores[store].after(bytes, took)
}

// Restored notes the pack of a build prefix and how long it took to restore
// where the download did not hold it up.
func (r *Record) Restored(prefix string, s Stats) {
	r.data.Unpack = r.data.Unpack.after(s.Raw, s.Time)
	r.Packed(prefix, s)
}

// Packed notes how large the pack of a build prefix is now.
func (r *Record) Packed(prefix string, s Stats) {
	b := r.data.Builds[prefix]
	b.Pack, b.Unpacked, b.Files, b.Used = s.Packed, s.Raw, s.Files, time.Now().UTC()
	r.data.Builds[prefix] = b
}

// Built notes how long a build without pack took.
func (r *Record) Built(prefix string, took time.Duration) {
	b := r.data.Builds[prefix]
	b.Cold, b.Used = took, time.Now().UTC()
	r.data.Builds[prefix] = b
}

// after is the rate after another measurement: three tenths of it are new, so
// that a network that has changed shows after a few runs, and a bad one does not
// decide alone.
func (r Rate) after(bytes int64, took time.Duration) Rate {
	if bytes <= 0 || took <= 0 {
		return r
	}
	now := float64(bytes) / took.Seconds()
	if r.BytesPerSecond > 0 {
		now = 0.7*r.BytesPerSecond + 0.3*now
	}
	return Rate{min(now, math.MaxFloat64/2), time.Now().UTC()}
}

// Save writes the record, all of it or nothing. Its directory is made when it is
// missing.
func (r *Record) Save() error {
	oldest(r.data.Stores, func(s Rate) time.Time { return s.Used })
	oldest(r.data.Builds, func(b Known) time.Time { return b.Used })
	data, err := json.MarshalIndent(r.data, "", "\t")
	dir := filepath.Dir(r.file)
	if err = errors.Join(err, os.MkdirAll(dir, 0o755)); err == nil {
		err = renameio.WriteFile(r.file, data, 0o644, renameio.WithTempDir(dir))
	}
	if err != nil {
		return fmt.Errorf("saving the record of the build cache: %w", err)
	}
	return nil
}

// oldest removes what was not used for the longest time, down to maxRecord.
func oldest[T any](m map[string]T, used func(T) time.Time) {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(used(m[b]).Compare(used(m[a])), cmp.Compare(a, b))
	})
	for _, key := range keys[min(len(keys), maxRecord):] {
		delete(m, key)
	}
}
