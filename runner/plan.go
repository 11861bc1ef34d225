package runner

// Plan is a Spec with every question answered.
type Plan struct {
	// Package is what is built: the package argument, or the file list.
	Package []string
	// Dir is the working directory.
	Dir string
	// Module is the root of the main module, "" outside one.
	Module string
	// GoVersion is the Go release asked for, and GoVersionFrom who asks:
	// "--go-version", "go.mod", …; both are "" when nobody does.
	GoVersion, GoVersionFrom string
	// Target is "os/arch" of the executable.
	Target string
	// Exec are the words of the program that runs the executable, nil when it
	// runs by itself.
	Exec []string
	// Command is the effective go command line.
	Command []string
}
