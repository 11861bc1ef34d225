package cachekeys

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// read reads a file and writes down what counts of it. A file that cannot be
// read has no fingerprint: the go command will say so.
func (ix *Index) read(path string, f *fileRecord, r role) {
	begin := ix.now()
	fd, s, err := openFile(path)
	was := *f
	defer func() { ix.learned(&was, f) }()
	if s != was.stamp || (was.racy || ix.rereads()) && was.checked != ix.gen { // what was known for another role may be of another content
		*f = fileRecord{name: f.name}
	}
	f.stamp, f.racy = s, s.exists() && ix.mayChange(path, s, begin)
	if err != nil {
		f.whole, f.head, f.scanned = "", "", false
		return
	}
	defer unix.Close(fd)
	ix.hashedFiles.Add(1)
	if err := ix.consume(fd, f, r); err != nil {
		f.whole, f.head, f.scanned = "", "", false
	}
	if r == sourceFile && s.Ctime-s.Mtime > int64(indexCutoff) {
		ix.suspect.Store(true)
	}
}

// learned compares a record with what it was.
func (ix *Index) learned(was, is *fileRecord) {
	if is.stamp != was.stamp {
		ix.changed.Store(true)
	}
	if is.stamp != was.stamp || is.racy != was.racy || is.whole != was.whole || is.head != was.head || is.scanned != was.scanned {
		ix.dirty.Store(true)
	}
}

// mayChange reports whether what was read at that time may change without
// another stamp.
func (ix *Index) mayChange(path string, s stamp, read time.Time) bool {
	if !ix.tells(path, s) {
		return true
	}
	if s.racy(read) {
		ix.settle(s)
		return true
	}
	return false
}

// idHead is more than the distance of the build ID from the beginning of an ELF
// executable that Go linked.
const idHead = 16 << 10

// buildID finds the build ID of an executable, "" where there is none. The
// linker makes it of all that it has written (cmd/internal/buildid), so that
// another tool has another one; one that was edited after that has not. It is
// what a container that has just started need not read 60 MB for. The note is
// that of ELF: sizes of name and ID, type 4, "Go".
func buildID(head []byte) string {
	const note = "\x04\x00\x00\x00Go\x00\x00"
	at := bytes.Index(head, []byte(note))
	if at < 4 || !bytes.HasPrefix(head, []byte("\x7fELF")) {
		return ""
	}
	size, id := int(binary.LittleEndian.Uint32(head[at-4:])), head[at+len(note):]
	if size < 1 || size > 200 || size > len(id) {
		return ""
	}
	return "build ID " + string(id[:size])
}

// indexCutoff is how old a file must be for the go command to index it
// (cmd/go/internal/modindex modTimeCutoff, 2 s): the content of one whose times
// are closer than this was there when it was written.
const indexCutoff = time.Second

// consume reads an open file.
func (ix *Index) consume(fd int, f *fileRecord, r role) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	if r == toolFile {
		head, err := readTo(fd, grown(buf, idHead), 0, idHead)
		if f.head = buildID(head); err != nil || f.head != "" {
			return err
		}
		if _, err := unix.Seek(fd, 0, unix.SEEK_SET); err != nil {
			return err
		}
		r = wholeFile
	}
	if f.stamp.Size > maxWhole {
		return errTooLarge
	}
	if r == wholeFile && f.stamp.Size > keptBuffer {
		return ix.stream(fd, f, grown(buf, keptBuffer))
	}
	if f.stamp.Size > maxText {
		return errTooLarge
	}
	data, err := readFull(fd, grown(buf, f.stamp.Size), f.stamp.Size, r)
	if err != nil {
		return err
	}
	ix.hashedBytes.Add(int64(len(data)))
	ix.take(f, r, data)
	return nil
}

// take writes down what of data counts.
func (ix *Index) take(f *fileRecord, r role, data []byte) {
	switch r {
	case testFile:
		f.head = ix.sum(data[:testEnd(data)])
	case sourceFile:
		f.whole, f.scanned = ix.sum(data), true
		f.source = scan(f.name, data)
	default:
		f.whole = ix.sum(data)
	}
}

// stream fingerprints a file that is too large to be held.
func (ix *Index) stream(fd int, f *fileRecord, buf []byte) error {
	h := ix.print.New()
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case ix.over() != nil:
			return ix.over()
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			f.whole = hex.EncodeToString(h.Sum(nil))
			return nil
		}
		h.Write(buf[:n])
		ix.hashedBytes.Add(int64(n))
	}
}

// testHead is more than the header of nearly every test file; the rest need
// not be read then.
const testHead = 4 << 10

// grown returns the buffer with room for a file of that size. One that is
// larger than most are is not kept.
func grown(buf *[]byte, size int64) []byte {
	if int64(cap(*buf)) >= size {
		return (*buf)[:cap(*buf)]
	}
	b := make([]byte, size+size/4)
	if size <= keptBuffer {
		*buf = b
	}
	return b
}

// testEnd is where the part of a test file ends that the go command reads when
// it builds no test: the header, and all where it has to look for embed
// patterns (go/build/read.go readGoInfo).
func testEnd(data []byte) int {
	h := scanGo(data)
	if slices.Contains(h.imports, "embed") {
		return len(data)
	}
	return h.end
}

// sum returns the fingerprint in lower-case hex.
func (ix *Index) sum(data []byte) string {
	h := ix.print.New()
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// scan finds what the closure follows in a source file.
func scan(name string, data []byte) source {
	switch filepath.Ext(name) {
	case ".go":
		h := scanGo(data)
		return source{imports: h.imports, embeds: h.embeds, includes: h.includes, cgo: h.cgo, cgoFlags: h.cgoFlags}
	case ".syso":
		return source{}
	}
	return source{includes: scanIncludes(data)}
}

// keptBuffer is the largest buffer that is kept for the next file: more than
// nearly every source file has.
const keptBuffer = 1 << 20

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// openFile opens a regular file and returns the stamp that it has before it is
// read: one that changes meanwhile has another one then. os.ReadFile makes
// seven system calls, this and readFull four.
func openFile(path string) (fd int, s stamp, err error) {
	if fd, err = open(path); err != nil {
		return -1, stampOf(path), err
	}
	if s, err = stat(fd, "", atEmptyPath); err == nil && !s.isRegular() {
		err = errIrregular
	}
	if err != nil {
		unix.Close(fd)
	}
	return fd, s, err
}

var errIrregular = errors.New("it is not a regular file")

// maxText is far more than any source, go.mod or go.sum has that the go command
// could build: the largest of the standard library has 1 MiB. What is larger is
// not held in memory, and has no key.
const maxText = 128 << 20

// maxWhole is what no file of a build has: the linker makes no executable of
// that size.
const maxWhole = 2 << 30

var errTooLarge = errors.New("it is too large for a source")

// ReadFile reads a regular file, of at most 128 MiB. It does not wait for the
// writer of a pipe, and reads no device, which may have no end.
func ReadFile(path string) ([]byte, error) {
	fd, s, err := openFile(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	if s.Size > maxText {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errTooLarge}
	}
	data, err := readTo(fd, make([]byte, s.Size+1), 0, int(s.Size)+1)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return data, nil
}

// readFull reads size bytes into buf; of a test file only as much as counts.
func readFull(fd int, buf []byte, size int64, r role) ([]byte, error) {
	end := int(size)
	if r == testFile && end > testHead {
		data, err := readTo(fd, buf, 0, testHead)
		if err != nil || testEnd(data) < len(data) {
			return data, err
		}
		return readTo(fd, buf, len(data), end)
	}
	return readTo(fd, buf, 0, end)
}

// readTo reads until buf is filled from n to end, or the file ends.
func readTo(fd int, buf []byte, n, end int) ([]byte, error) {
	for n < end {
		m, err := unix.Read(fd, buf[n:end])
		if err == unix.EINTR {
			continue
		}
		if err != nil || m == 0 {
			return buf[:n], err
		}
		n += m
	}
	return buf[:n], nil
}

// open does not wait for the writer of a FIFO.
func open(path string) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// sourceExtensions are those of the files that the go command takes for a
// package's (go/build/build.go, fileListForExt).
var sourceExtensions = map[string]bool{
	".go": true, ".c": true, ".cc": true, ".cpp": true, ".cxx": true, ".m": true,
	".h": true, ".hh": true, ".hpp": true, ".hxx": true,
	".f": true, ".F": true, ".for": true, ".f90": true,
	".s": true, ".S": true, ".sx": true, ".swig": true, ".swigcxx": true, ".syso": true,
}

// isSource reports whether the go command looks at a file of that name.
func isSource(name string) bool {
	return name[0] != '_' && name[0] != '.' && sourceExtensions[filepath.Ext(name)]
}

// roleOf is what counts of a source file.
func roleOf(name string) role {
	if strings.HasSuffix(name, "_test.go") {
		return testFile
	}
	return sourceFile
}
