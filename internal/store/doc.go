// Package store keeps executables of Go programs under keys in a directory of
// this machine ([Dir]), so that a program that did not change need not be
// built again.
//
// # Layout
//
//	<Root>                        mode 0700, as all directories here
//	  entries
//	    <key>                     one entry; a long key is shortened, see below
//	      entry                   its header; its mtime is the last use; it is what is locked
//	      program
//	        <name>                the executable, mode 0755
//	      about                   the bytes that the caller gave along
//	      seal                    the program as it was when it was last hashed
//	  places
//	    <key>/put-<number>        a copy for one run at a time, see [Dir.Place]
//	      program
//	        <name>                the executable, and what it leaves beside itself until the next run
//	      seal
//	  tmp                         entries and places that are being made or removed
//	  pruned                      its mtime is when PruneEvery last pruned
//
// An entry is made whole in tmp and renamed. It never changes after that, but
// for the mtime of its header and its seal, which is replaced by a rename.
// What has no key's name in entries belongs to somebody else, and so does a
// directory there without a header: it is left alone until its own key is
// asked for. Another format will have another directory than entries.
//
// A key is 1 to 512 of [a-z0-9.-], without ".." and with no "." in front. A
// file system takes names of 255 bytes: a key of more than 200 is shortened to
// its first 128, a "+", and the SHA-256 of the whole key in hex.
//
// # Header
//
// Eight lines, each a word, a blank and a value, each ended by "\n":
//
//	gorun-executable 1
//	key go1.26.8-linux-amd64-3f1c
//	name "hello"
//	sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//	size 1623912
//	created 2026-11-02T20:36:21.000000005Z
//	about 44 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
//	sum d6f2…
//
// name is quoted as in Go, sha256 and size are of the program, size in bytes,
// created is in UTC, about has the size and the SHA-256 of that file, and sum
// is the SHA-256 of the seven lines before it.
//
// # Seal
//
// One line that says which file had which hash: SHA-256, size, mtime, ctime,
// inode and device.
//
//	gorun-seal 1 9f86…0a08 1623912 1793651781.000000005 1793651781.000000005 42 2049
//
// It is not parsed: it holds if it is, byte for byte, what would be written
// for the program as it is now. Any edit, rename or change of mode gives a
// file another ctime, which no system call sets. A clock that ticks slowly
// could hide an edit in the tick of the one before (git's technical notes on
// "racy git" are about the same); so there is no seal unless the clock of the
// file system, read from the file that becomes the seal, is past the ctime of
// the program before its bytes are hashed. Nor is there one before the program
// is on the disk: after a crash it would stand for bytes that never got there.
// [Dir.Fill] does not wait for the disk, and leaves the seal to the next use.
//
// # Trust
//
// Whoever may write in Root can have any program run: digests and seals find
// accidents and edits, not an owner who makes a consistent entry. A Root that
// belongs to another user than root and this one, or that everybody may write,
// is refused; but root takes a Root of any user, which is how a container sees
// the cache of its host.
//
// # In use
//
// A program is in use while somebody holds the shared lock that [Dir.Get]
// takes (flock on the header, which the kernel drops with the process and at
// exec), or while it is being executed: to open it for writing is then
// ETXTBSY, in whichever container it runs. The kernel refuses writers before
// an exec closes the lock's descriptor, so that one protects where the other
// ends. A program that an emulator reads (qemu-user) is covered by the lock alone.
package store
