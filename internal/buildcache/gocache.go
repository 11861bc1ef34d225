package buildcache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// indexMagic is how every version of the go command's module index begins
// (cmd/go/internal/modindex, indexVersion), for a package and for a module.
const indexMagic = "go index v"

// entryName is where a file of GOCACHE lies, below it.
func entryName(sum digest, suffix string) string {
	name := hex.EncodeToString(sum[:])
	return filepath.Join(name[:2], name+suffix)
}

// entry is the text of an action file (cmd/go/internal/cache, cache.go).
func (a action) entry(out output, at time.Time) string {
	return fmt.Sprintf("v1 %x %x %20d %20d\n", a.id, out.sum, out.size, at.UnixNano())
}

// parseEntry reads the text of an action file as strictly as the go command
// does, and a bit more: nothing may be there that it does not write.
func parseEntry(text []byte) (id digest, out output, ok bool) {
	fields := strings.Fields(string(text))
	if len(fields) != 5 {
		return id, out, false
	}
	_, err1 := hex.Decode(id[:], clip(fields[1]))
	_, err2 := hex.Decode(out.sum[:], clip(fields[2]))
	size, err3 := strconv.ParseInt(fields[3], 10, 64)
	at, err4 := strconv.ParseInt(fields[4], 10, 64)
	out.size = size
	again := action{id: id}.entry(out, time.Unix(0, at))
	return id, out, errors.Join(err1, err2, err3, err4) == nil && size >= 0 && at >= 0 && again == string(text)
}

// clip keeps hex.Decode within a digest.
func clip(hexadecimal string) []byte {
	return []byte(hexadecimal[:min(len(hexadecimal), hex.EncodedLen(sha256.Size))])
}

// used is an action file that the build made or used, and its output.
type used struct {
	id  digest
	out output
}

// collectCache fills in the actions and outputs of the index, and returns the
// paths of the outputs.
func collectCache(x *Index, b Build) ([]string, error) {
	if b.GoCache == "" {
		return nil, nil
	}
	entries, err := readEntries(b.GoCache, b.Since.Add(-2*time.Second))
	if err != nil {
		return nil, err
	}
	good, err := goodOutputs(b.GoCache, entries)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(u used) bool {
		size, ok := good[u.out.sum]
		return !ok || size != u.out.size
	})
	return fillCacheIndex(x, b.GoCache, entries), nil
}

func fillCacheIndex(x *Index, dir string, entries []used) (paths []string) {
	for _, u := range entries {
		x.outputs = append(x.outputs, u.out)
	}
	slices.SortFunc(x.outputs, output.compare)
	x.outputs = slices.Compact(x.outputs)
	place := map[digest]int{}
	for i, o := range x.outputs {
		place[o.sum] = i
		paths = append(paths, filepath.Join(dir, entryName(o.sum, "-d")))
	}
	for _, u := range entries {
		x.actions = append(x.actions, action{u.id, place[u.out.sum]})
	}
	slices.SortFunc(x.actions, action.compare)
	return paths
}

// readEntries reads the action files that are not older than since.
func readEntries(dir string, since time.Time) ([]used, error) {
	var all []used
	for i := range 256 {
		sub := fmt.Sprintf("%02x", i)
		list, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range list {
			if u, ok := readEntry(filepath.Join(dir, sub), e, since); ok {
				all = append(all, u)
			}
		}
	}
	return all, nil
}

// readEntry reads an action file. Whatever is wrong with it, it is no part of
// the pack, and the go command takes it for a miss as well.
func readEntry(dir string, e fs.DirEntry, since time.Time) (used, bool) {
	if !strings.HasSuffix(e.Name(), "-a") || !e.Type().IsRegular() {
		return used{}, false
	}
	if info, err := e.Info(); err != nil || info.ModTime().Before(since) {
		return used{}, false
	}
	text, err := os.ReadFile(filepath.Join(dir, e.Name()))
	if err != nil {
		return used{}, false
	}
	id, out, ok := parseEntry(text)
	return used{id, out}, ok && filepath.Base(entryName(id, "-a")) == e.Name()
}

// goodOutputs checks the outputs of entries, each once, and returns the size of
// those that may be packed.
func goodOutputs(dir string, entries []used) (map[digest]int64, error) {
	sums := make([]digest, 0, len(entries))
	for _, u := range entries {
		sums = append(sums, u.out.sum)
	}
	slices.SortFunc(sums, compareDigests)
	sums = slices.Compact(sums)
	sizes := make([]int64, len(sums))
	err := parallel(len(sums), func(i int) (err error) {
		sizes[i], err = checkOutput(filepath.Join(dir, entryName(sums[i], "-d")), sums[i])
		return err
	})
	good := map[digest]int64{}
	for i, sum := range sums {
		if sizes[i] >= 0 {
			good[sum] = sizes[i]
		}
	}
	return good, err
}

// checkOutput returns the size of an output, and -1 when it is not packed.
func checkOutput(path string, want digest) (int64, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 || info.Size() > (Limits{}).filled().File {
		return -1, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return -1, err
	}
	defer f.Close()
	return hashOutput(f, want)
}

// listSize is more than a list of source files has.
const listSize = 64 << 10

func hashOutput(f io.Reader, want digest) (int64, error) {
	start, err := io.ReadAll(io.LimitReader(f, listSize))
	if err != nil {
		return -1, err
	}
	h := sha256.New()
	h.Write(start)
	n, err := io.Copy(h, f)
	useless := bytes.HasPrefix(start, []byte(indexMagic)) || n == 0 && isSourceList(start)
	if useless || digest(h.Sum(nil)) != want {
		return -1, err
	}
	return int64(len(start)) + n, err
}

// isSourceList recognises the list of a package's source files, which the go
// command keeps for vet and go list (cmd/go/internal/work, cacheSrcFiles): names,
// one a line, with "./" in front of those that are not generated.
func isSourceList(text []byte) bool {
	if !bytes.HasSuffix(text, []byte("\n")) {
		return false
	}
	for line := range bytes.Lines(text) {
		name := string(bytes.TrimSuffix(line, []byte("\n")))
		if path.Ext(name) == "" || strings.ContainsAny(strings.TrimPrefix(name, "./"), "/ ") {
			return false
		}
	}
	return true
}
