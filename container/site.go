package container

// Want says which toolchain a run asks for.
type Want struct {
	// Version is "1.26" or "1.26.8", "" for the lock's default.
	Version string
	// Exact makes Version a demand: that patch, or the newest of that line.
	// Otherwise it is a minimum, as a go line is.
	Exact bool
	// From says who asks: "--go-version", "go.mod".
	From string
	// Image names an image by digest, to be taken instead.
	Image string
}

// Site is a place where the go command runs: this machine, or containers of
// one image.
type Site struct {
	// Builder is "host" or "docker".
	Builder  string
	Executor Executor
	// Go is the go command there, a path or a name on the PATH there.
	Go string
	// Version is the Go release, "" when only the go command knows.
	Version string
	// Image and Digest name the image of a container; both are "" on the host.
	Image, Digest string
	// Env is added to the go command's environment.
	Env []string
	// User is the "uid:gid" that a container's files get, "" for the image's.
	User string
	// NoC reports that there is no C compiler, as in every pinned toolchain.
	NoC bool
	// Helper is a program of this machine that takes the executable there
	// (internal/capture); "" when it has to be compiled there first.
	Helper string
	// Temp is where a run's temporary directory must be, so that the site sees
	// it; "" leaves it to TMPDIR.
	Temp string
	// Shares returns an error for a path of this machine that the site could not
	// mount; nil: there is none.
	Shares func(path string) error
}

// Contained reports whether the site sees only what is mounted.
func (s Site) Contained() bool { return s.Builder != "host" }

// Sees returns nil when a path of this machine can be mounted at the site.
func (s Site) Sees(path string) error {
	if s.Shares == nil {
		return nil
	}
	return s.Shares(path)
}

// Identity says which toolchain a Want comes to, as far as that can be told
// before there is a Site: without an engine, a download or a go command.
type Identity struct {
	// Builder is "host" or "docker".
	Builder string
	// Version is the Go release.
	Version string
	// Image and Digest name the image; both are "" on the host.
	Image, Digest string
	// Go is the go command of this machine, and Root its GOROOT, or that of the
	// release that it becomes; both are "" in a container.
	Go, Root string
	// Unknown says why nothing sure can be told, or "".
	Unknown string
}
