package cachekeys

import (
	"encoding/hex"
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
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	begin := ix.now()
	s, data, err := readFile(path, *buf)
	if cap(data) > cap(*buf) && cap(data) <= keptBuffer {
		*buf = data[:0]
	}
	was := *f
	if s != was.stamp {
		ix.changed.Store(true)
	}
	if s != was.stamp || was.racy { // what was known for another role is of another content
		*f = fileRecord{name: f.name}
	}
	f.stamp, f.racy = s, s.exists() && s.racy(begin)
	if f.racy {
		ix.settle(s)
	}
	if err != nil || !s.isRegular() {
		f.whole, f.head, f.scanned = "", "", false
		return
	}
	ix.hashedFiles.Add(1)
	ix.hashedBytes.Add(int64(len(data)))
	ix.take(f, r, data)
	if r == sourceFile && s.Ctime-s.Mtime > int64(indexCutoff) {
		ix.suspect.Store(true)
	}
}

// indexCutoff is how old a file must be for the go command to index it
// (cmd/go/internal/modindex modTimeCutoff, 2 s): the content of one whose times
// are closer than this was there when it was written.
const indexCutoff = time.Second

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

// readFile reads a regular file into buf, which grows as needed, and returns
// the stamp that it had before. A file that grows meanwhile has another stamp
// then. It makes four system calls; os.ReadFile makes seven.
func readFile(path string, buf []byte) (stamp, []byte, error) {
	fd, err := open(path)
	if err != nil {
		return stampOf(path), buf, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return stamp{}, buf, err
	}
	s := stampFrom(&st)
	if !s.isRegular() {
		return s, buf, nil
	}
	if int64(cap(buf)) < s.Size {
		buf = make([]byte, s.Size+s.Size/4)
	}
	data, err := readFull(fd, buf[:s.Size])
	return s, data, err
}

func readFull(fd int, buf []byte) ([]byte, error) {
	for n := 0; n < len(buf); {
		m, err := unix.Read(fd, buf[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || m == 0 {
			return buf[:n], err
		}
		n += m
	}
	return buf, nil
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
