package cachekeys

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The file of an Index is
//
//	"gorun index 3\n"
//	CRC-32C of what follows, 4 bytes, little endian
//	fingerprint name
//	number of directories, each:
//	  path, stamp, flags, number of entries (name, kind), number of files, each:
//	    name, stamp, flags, whole, head, imports, embeds, includes, cgo flags
//	number of programs, each: name, extra directories
//
// Numbers are unsigned varints. A string is 0, its length and its bytes when
// it comes for the first time, and after that 1 + how many others came first.
// The checksum is against damage: who can write the file can write the
// executables as well.
const indexMagic = "gorun index 3\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes the index, and that of the machine, to its file if it has
// learned something.
func (ix *Index) Save() error {
	if ix.Machine != nil {
		if err := ix.Machine.Save(); err != nil {
			return err
		}
	}
	if ix.file == "" || !ix.dirty.Load() {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(ix.file), 0o755); err != nil {
		return fmt.Errorf("writing the index: %w", err)
	}
	if err := replaceFile(ix.file, ix.encode()); err != nil {
		return fmt.Errorf("writing the index: %w", err)
	}
	ix.dirty.Store(false)
	return nil
}

// replaceFile is renameio without its fsync, which takes longer than the whole
// warm run: an index that a power cut damaged is rebuilt.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), partPrefix+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// rename takes the place of whatever is there: the name is ours.
func rename(from, to string) error {
	err := os.Rename(from, to)
	if info, statErr := os.Lstat(to); err != nil && statErr == nil && info.IsDir() {
		if err = os.RemoveAll(to); err == nil {
			err = os.Rename(from, to)
		}
	}
	return err
}

// Flags of a record.
const (
	flagRacy = 1 << iota
	flagListed
	flagScanned
	flagCgo
)

type encoder struct {
	out []byte
	ids map[string]uint64
}

func (e *encoder) number(n uint64) { e.out = binary.AppendUvarint(e.out, n) }

func (e *encoder) string(s string) {
	if id, ok := e.ids[s]; ok {
		e.number(id + 1)
		return
	}
	e.ids[s] = uint64(len(e.ids))
	e.number(0)
	e.number(uint64(len(s)))
	e.out = append(e.out, s...)
}

func (e *encoder) strings(list []string) {
	e.number(uint64(len(list)))
	for _, s := range list {
		e.string(s)
	}
}

func (e *encoder) stamp(s stamp) {
	e.number(uint64(s.Size))
	e.out = binary.LittleEndian.AppendUint64(e.out, uint64(s.Mtime))
	e.out = binary.LittleEndian.AppendUint64(e.out, uint64(s.Ctime))
	e.number(s.Ino)
	e.out = binary.LittleEndian.AppendUint64(e.out, s.Mount)
	e.number(uint64(s.Mode))
}

func (e *encoder) flags(set ...bool) {
	var flags uint64
	for i, on := range set {
		if on {
			flags |= 1 << i
		}
	}
	e.number(flags)
}

func (ix *Index) encode() []byte {
	e := &encoder{ids: map[string]uint64{}}
	e.string(ix.print.Name)
	paths := make([]string, 0, len(ix.dirs))
	for path, d := range ix.dirs {
		if d.stamp.exists() || len(d.files) > 0 {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	e.number(uint64(len(paths)))
	for _, path := range paths {
		e.dir(ix.dirs[path])
	}
	e.number(uint64(len(ix.extras)))
	for name, dirs := range ix.extras {
		e.string(name)
		e.strings(dirs)
	}
	return e.sealed(indexMagic)
}

// sealed is what was encoded as the content of a file.
func (e *encoder) sealed(magic string) []byte {
	head := binary.LittleEndian.AppendUint32([]byte(magic), crc32.Checksum(e.out, castagnoli))
	return append(head, e.out...)
}

func (e *encoder) dir(d *dirRecord) {
	e.string(d.path)
	e.stamp(d.stamp)
	e.flags(d.racy, d.listed)
	e.number(uint64(len(d.entries)))
	for _, entry := range d.entries {
		e.string(entry.name)
		e.number(uint64(entry.kind))
	}
	e.number(uint64(len(d.files)))
	for _, f := range d.files {
		e.file(f)
	}
}

func (e *encoder) file(f *fileRecord) {
	e.string(f.name)
	e.stamp(f.stamp)
	e.flags(f.racy, false, f.scanned, f.source.cgo)
	e.string(f.whole)
	e.string(f.head)
	e.strings(f.source.imports)
	e.strings(f.source.embeds)
	e.strings(f.source.includes)
	e.strings(f.source.cgoFlags)
}

var errIndex = errors.New("damaged index")

// decoder reads what encoder wrote. After the first mistake every value is
// empty, and failed is set.
type decoder struct {
	in     string
	known  []string
	failed bool
}

func (d *decoder) fail() {
	d.failed, d.in = true, ""
}

func (d *decoder) number() uint64 {
	var n uint64
	for i := 0; i < len(d.in) && i < binary.MaxVarintLen64; i++ {
		n |= uint64(d.in[i]&0x7f) << (7 * i)
		if d.in[i] < 0x80 {
			d.in = d.in[i+1:]
			return n
		}
	}
	d.fail()
	return 0
}

// The fewest bytes that each takes: what claims more of them than there can be
// is refused before anything is allocated.
const (
	leastString = 1
	leastEntry  = 2
	leastExtra  = 2
	leastFile   = 29 // a name and a stamp
	leastDir    = 31
)

// count is a number of things that take so many bytes each, or more.
func (d *decoder) count(each int) int {
	n := d.number()
	if n > uint64(len(d.in)/each) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) string() string {
	switch id := d.number(); {
	case id > uint64(len(d.known)):
		d.fail()
		return ""
	case id > 0:
		return d.known[id-1]
	}
	n := d.count(leastString)
	s := d.in[:n]
	d.in = d.in[n:]
	d.known = append(d.known, s)
	return s
}

func (d *decoder) strings() []string {
	n := d.count(leastString)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.string()
	}
	return list
}

func (d *decoder) fixed() int64 {
	if len(d.in) < 8 {
		d.fail()
		return 0
	}
	var n uint64
	for i := range 8 {
		n |= uint64(d.in[i]) << (8 * i)
	}
	d.in = d.in[8:]
	return int64(n)
}

func (d *decoder) stamp() (s stamp) {
	s.Size = int64(d.number())
	s.Mtime, s.Ctime = d.fixed(), d.fixed()
	s.Ino, s.Mount, s.Mode = d.number(), uint64(d.fixed()), uint32(d.number())
	return s
}

// decodeFile reads what sealed made, if it is whole and of that kind.
func decodeFile(data []byte, magic string) (*decoder, error) {
	body, ok := bytes.CutPrefix(data, []byte(magic))
	if !ok || len(body) < 4 || crc32.Checksum(body[4:], castagnoli) != binary.LittleEndian.Uint32(body) {
		return nil, errIndex
	}
	return &decoder{in: string(body[4:])}, nil
}

func (ix *Index) decode(data []byte) error {
	d, err := decodeFile(data, indexMagic)
	if err != nil {
		return err
	}
	if d.string() != ix.print.Name {
		return errIndex
	}
	n := d.count(leastDir)
	ix.dirs = make(map[string]*dirRecord, n)
	for range n {
		r := d.dir()
		ix.dirs[r.path] = r
	}
	ix.extras = map[string][]string{}
	for range d.count(leastExtra) {
		name := d.string()
		ix.extras[name] = d.strings()
	}
	if d.failed || d.in != "" {
		return errIndex
	}
	return nil
}

func (d *decoder) dir() *dirRecord {
	r := &dirRecord{path: d.string(), stamp: d.stamp()}
	flags := d.number()
	r.racy, r.listed = flags&flagRacy != 0, flags&flagListed != 0
	r.entries = make([]dirEntry, d.count(leastEntry))
	for i := range r.entries {
		r.entries[i] = dirEntry{d.string(), byte(d.number())}
	}
	files := make([]fileRecord, d.count(leastFile))
	r.files = make([]*fileRecord, len(files))
	for i := range files {
		d.file(&files[i])
		r.files[i] = &files[i]
	}
	return r
}

func (d *decoder) file(f *fileRecord) {
	f.name, f.stamp = d.string(), d.stamp()
	flags := d.number()
	f.racy, f.scanned, f.source.cgo = flags&flagRacy != 0, flags&flagScanned != 0, flags&flagCgo != 0
	f.whole, f.head = d.string(), d.string()
	f.source.imports, f.source.embeds = d.strings(), d.strings()
	f.source.includes, f.source.cgoFlags = d.strings(), d.strings()
}

// How old a file in the directory of indexes gets: what a killed process was
// writing is nobody's after an hour, and what nobody has learned anything new
// for is read again in some milliseconds.
const (
	partAge  = time.Hour
	indexAge = 30 * 24 * time.Hour
)

// Tidy removes what nobody needs from a directory that only has indexes.
// Faults are not reported: the next one tries again.
func Tidy(dir string, now time.Time) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		age := indexAge
		if strings.HasPrefix(e.Name(), partPrefix) {
			age = partAge
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > age {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// partPrefix begins the names of files that are being written.
const partPrefix = ".index-"
