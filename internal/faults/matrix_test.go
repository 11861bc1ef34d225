package faults

import "fmt"

// The stores.
const (
	v2  = "v2"
	v1  = "v1"
	oci = "oci"
	dir = "dir"
)

// The steps of a transfer.
const (
	lookUp   = "look-up"
	download = "download"
	reserve  = "reserve"
	upload   = "upload"
	finalise = "finalise"
)

// What is transferred.
const (
	executable = "executable"
	pack       = "pack"
)

// The faults.
const (
	refused    = "refused"
	resetting  = "reset"
	stall      = "stall"
	trickle    = "1 B/s"
	truncated  = "truncated"
	tooLong    = "too long"
	flipped    = "flipped bit"
	wrongBlob  = "wrong blob"
	s401       = "401"
	s403       = "403"
	s404       = "404"
	s409       = "409"
	soon       = "429, 1 s"
	late       = "429, 3600 s"
	busy       = "429"
	s500       = "500"
	s503       = "503"
	webPage    = "HTML"
	expired    = "expired"
	eviction   = "evicted"
	noSpace    = "ENOSPC"
	permission = "EACCES"
)

func stores() []string { return []string{v2, v1, oci, dir} }
func steps() []string  { return []string{lookUp, download, reserve, upload, finalise} }
func faults() []string {
	return []string{
		refused, resetting, stall, trickle, truncated, tooLong, flipped, wrongBlob, s401, s403, s404, s409, soon, late, busy, s500, s503,
		webPage, expired, eviction, noSpace, permission,
	}
}

// cell is one of the matrix.
type cell struct{ store, step, fault, kind string }

func (c cell) String() string {
	return fmt.Sprintf("%s, %s, %s, %s", c.store, c.step, c.fault, c.kind)
}

// reads reports whether the step belongs to a restore.
func (c cell) reads() bool { return c.step == lookUp || c.step == download }

// The reasons why a cell has no meaning.
const (
	noServer   = "a directory is no server"
	noBody     = "the answer has no body"
	noBlob     = "no blob is moved in this step"
	noLink     = "no signed link is used or made in this step"
	noDisk     = "nothing is written to this machine's disk in this step"
	notHere    = "a directory does it in one step with its neighbours"
	buildToo   = "the build writes there, too, and fails without a cache"
	hangs      = "a file system that hangs is what the tests of blob.TimeLimited make"
	noRegistry = "a registry's tags are no signed links"
)

// meaningless says why a cell is none, "" for the others.
func (c cell) meaningless() string {
	if c.store == dir {
		return c.meaninglessDir()
	}
	switch c.fault {
	case noSpace:
		return c.meaninglessDisk()
	case permission:
		if c.step == download && c.kind == pack {
			return buildToo
		}
		return c.meaninglessDisk()
	case flipped:
		if c.store == v1 && c.step == finalise || c.store == oci && (c.step == reserve || c.step == finalise) {
			return noBody
		}
	case wrongBlob:
		if c.step == reserve || c.step == finalise {
			return noBlob
		}
	case eviction:
		if c.step != download {
			return noBlob
		}
	}
	if c.fault == expired {
		return c.meaninglessLink()
	}
	return ""
}

func (c cell) meaninglessDisk() string {
	if c.step == reserve || c.step == finalise {
		return noDisk
	}
	return ""
}

func (c cell) meaninglessLink() string {
	switch {
	case c.step == finalise, c.store == v1 && !c.reads():
		return noLink
	case c.store == oci && c.step != download:
		return noRegistry
	}
	return ""
}

func (c cell) meaninglessDir() string {
	switch c.fault {
	case truncated, tooLong, flipped, wrongBlob, webPage, eviction:
		if c.step == download {
			return ""
		}
		return noBlob
	case stall:
		if c.step == lookUp {
			return ""
		}
		return hangs
	case trickle:
		return hangs
	case noSpace:
		return ""
	case permission:
		if c.step == upload {
			return notHere
		}
		return ""
	}
	return noServer
}
