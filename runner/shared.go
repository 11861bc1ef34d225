package runner

import (
	"context"
	"time"
)

// Transferred says what a shared store was asked, and what came of it.
type Transferred struct {
	// Store is its name: "actions", "oci:registry.example/cache", "dir:/cache".
	Store string
	// Op is "restore" or "save", and What "executable" or "pack".
	Op, What string
	// Key is what was asked for, Prefixes what would have done as well, and
	// Matched the key of what was there.
	Key      string
	Prefixes []string
	Matched  string
	// Outcome is one of the constants below.
	Outcome string
	// Reason says why, where the outcome does not say it all.
	Reason string
	// Bytes went over the line.
	Bytes int64
	Took  time.Duration
}

// The outcomes of a transfer.
const (
	TransferHit      = "hit"       // it had the very key
	TransferNear     = "near"      // it had a key that begins like it
	TransferMiss     = "miss"      // it had nothing
	TransferRefused  = "refused"   // it had something that is not to be believed
	TransferFault    = "fault"     // it could not be used
	TransferSkipped  = "skipped"   // it was not asked, or what it had was not taken: it would not pay, or must not be
	TransferKept     = "kept"      // it has it now
	TransferExists   = "exists"    // it had it already
	TransferReadOnly = "read_only" // it may only be read
)

func (Transferred) event() {}

// Saving is what a shared store spared a run.
type Saving struct {
	// Store is where What ("executable" or "pack") came from.
	Store string `json:"store"`
	What  string `json:"what"`
	// Bytes were downloaded.
	Bytes int64 `json:"bytes"`
	// SavedMS is how much longer it takes without, in milliseconds, and
	// SavedBytes how much more would have had to be downloaded for a build; as
	// far as is known.
	SavedMS    int64 `json:"saved_ms"`
	SavedBytes int64 `json:"saved_bytes,omitempty"`
}

// Stored is an executable that a Store had.
type Stored struct {
	Executable
	// Release lets go of the file; it is never nil.
	Release func()
	// Saving is set when it came from another machine.
	Saving *Saving
	// Temporary says that the file goes with Release.
	Temporary bool
}

// Facts are what a Store keeps along with an executable.
type Facts struct {
	// About is what it was made of (cachekeys.About), and Prefix what the keys of
	// the same program begin with.
	About  []byte
	Prefix string
	// Toolchain is the release that compiled it.
	Toolchain string
	// Build is how long a build takes that nothing helps, as far as is known.
	Build time.Duration
	// Caches is how many bytes of the go command's caches the build is made of, 0
	// when that is unknown.
	Caches int64
}

// Packs keeps what builds use of the go command's caches, for machines where
// these are empty. It belongs to one run. Its faults are reported as Events,
// and none of them fails the run, but for one that wraps
// container.ErrIntegrity.
type Packs interface {
	// Restore makes private caches in q.Dir for one build, from a pack that pays.
	// Without one the build uses its own.
	Restore(ctx context.Context, q PackQuery) (PackCaches, error)
	// Collect notes what a build has used, and how many bytes that is, before its
	// program can change any of it. save keeps it for other machines, and returns
	// when that is over; it is nil when there is nothing to keep.
	Collect(b PackBuild) (bytes int64, save func(ctx context.Context))
}

// PackQuery says what a build wants of earlier ones.
type PackQuery struct {
	// Key is the build key, and Prefixes are what nearer and further ones begin
	// with. Packs with other modules do not begin with the first.
	Key      string
	Prefixes []string
	// Imports are the import paths in the local sources.
	Imports []string
	// Sums are the go.sum files that count.
	Sums []string
	// GoCache is the build cache of this machine; where it is warm, nothing is
	// restored.
	GoCache string
	// Dir is where private caches are made.
	Dir string
	// Modules says that a private module cache can stand in for the real one.
	Modules bool
}

// PackCaches are private caches.
type PackCaches struct {
	// GoCache is "" where the build uses its own.
	GoCache string
	// Own is that one, where all it will have after the build may be kept: it is
	// as good as empty before. It is "" elsewhere.
	Own string
	// ModCache has a part of the modules; "" where the build uses its own.
	ModCache string
	// NoIndex says that what the go command remembers of modules in GoCache is of
	// parts of them.
	NoIndex bool
	// Saving is what the pack spares, but for the time, nil when there was none.
	Saving *Saving
	// Cold is how long the build took without any cache, 0 when that is unknown.
	Cold time.Duration
}

// PackBuild is a build of which it is known what it used.
type PackBuild struct {
	Key      string
	Prefixes []string
	Caches   PackCaches
	// ModCache is where Packages says that packages of other modules are;
	// Caches.ModCache, where there is one, is where they really are.
	ModCache string
	Packages []BuiltPackage
	// Sums are the go.sum files that count.
	Sums []string
	// Since is when the build began; what is in Caches.Own counts whatever its
	// age. Took is how long the build took.
	Since     time.Time
	Took      time.Duration
	Toolchain string
}
