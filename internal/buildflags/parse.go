package buildflags

import (
	"errors"
	"flag"
	"fmt"
	"strings"
)

// Own is one of gorun's own flags. Its name must be in neither Table nor
// "h" and "help", unless it is the help flag itself.
type Own struct {
	Name, Arg, Usage string
	// Bool says that the flag may stand without a value: Set then gets "true".
	Bool bool
	// Set is called each time the flag is met. A *UsageError is handed on as
	// it is, any other error is worded as the flag package does.
	Set func(value string) error
}

// Parsed is a command line with its flags told apart from what follows them.
type Parsed struct {
	// Dir is the value of -C, "" when it was not given.
	Dir string

	given []given
	rest  []string // from the first word that is no flag
	ended bool     // a "--" stood between the flags and rest
}

// given is one flag of the command line, with the words it came in.
type given struct {
	setting
	own   bool
	words []string
	// undefined is set for a flag that nobody here knows.
	undefined *UsageError
}

// Parse reads the flags at the start of argv by the rules of Go's flag
// package, gorun's own anywhere between Go's. It stops at the first word that
// is no flag, or after "--". It returns flag.ErrHelp for -h and -help, unless
// own has them, and a *UsageError for everything it cannot understand.
func Parse(argv []string, own []Own) (Parsed, error) {
	p := Parsed{rest: argv}
	known := known{index: newIndex(), own: own}
	for len(p.rest) > 0 {
		word := p.rest[0]
		if len(word) < 2 || word[0] != '-' {
			break
		}
		if word == "--" {
			p.rest, p.ended = p.rest[1:], true
			break
		}
		n, err := p.flag(known)
		if err != nil {
			return Parsed{}, err
		}
		p.rest = p.rest[n:]
	}
	return p, nil
}

// flag reads the flag at the start of p.rest and returns how many words it took.
func (p *Parsed) flag(known known) (int, error) {
	word := p.rest[0]
	name := strings.TrimPrefix(word[1:], "-")
	if name[0] == '-' || name[0] == '=' {
		return 0, &UsageError{Message: "bad flag syntax: " + word, Hint: "gorun -h lists the flags"}
	}
	name, value, hasValue := strings.Cut(name, "=")
	f, own, err := known.lookup(name)
	var undefined *UsageError
	if hasValue && errors.As(err, &undefined) {
		// Where it ends is plain, and the go command of pkg@version may be a
		// newer one that has it: Build decides.
		p.given = append(p.given, given{setting: setting{name, value}, words: p.rest[:1:1], undefined: undefined})
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	n := 1
	switch {
	case hasValue:
	case f.Bool:
		value = "true"
	case len(p.rest) < 2:
		return 0, needsValue(f, own)
	default:
		n, value = 2, p.rest[1]
	}
	g := given{setting: setting{name, value}, own: own != nil, words: p.rest[:n:n]}
	if own != nil {
		err = setOwn(own, value)
	} else {
		g.value, err = p.check(f, value)
	}
	p.given = append(p.given, g)
	return n, err
}

func needsValue(f Flag, own *Own) *UsageError {
	dashes, synopsis := "-", f.synopsis()
	if own != nil {
		dashes, synopsis = "--", own.synopsis()
	}
	return &UsageError{Message: "flag needs an argument: " + dashes + f.Name, Hint: "write " + synopsis}
}

// check returns the canonical value of one of Go's or the page's flags.
func (p *Parsed) check(f Flag, value string) (string, error) {
	if f.Name == "C" {
		return value, p.chdir(value)
	}
	canonical, err := f.kind.normalize(value)
	switch {
	case err == nil:
		return canonical, nil
	case f.Bool:
		return "", &UsageError{Message: fmt.Sprintf("invalid boolean value %q for -%s: %v", value, f.Name, err), Hint: f.hint()}
	}
	return "", &UsageError{Message: fmt.Sprintf("invalid value %q for flag -%s: %v", value, f.Name, err), Hint: f.hint()}
}

// chdir takes -C, which Go allows as the very first flag only: it acts before
// flags are parsed (cmd/go/main.go handleChdirFlag).
func (p *Parsed) chdir(dir string) error {
	for _, g := range p.given {
		if !g.own {
			return &UsageError{
				Message: fmt.Sprintf("invalid value %q for flag -C: %v", dir, errChdir),
				Hint:    "write -C once, before every other flag of Go's",
			}
		}
	}
	if dir == "" {
		return &UsageError{Message: "-C names no directory", Hint: "write -C dir, or leave it out"}
	}
	p.Dir = dir
	return nil
}

var errChdir = errors.New("-C flag must be first flag on command line")

func (f Flag) hint() string { return "-" + f.Name + ": " + f.Usage }

func setOwn(own *Own, value string) error {
	err := own.Set(value)
	var usage *UsageError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &usage):
		return usage
	case own.Bool:
		return &UsageError{Message: fmt.Sprintf("invalid boolean value %q for --%s: %v", value, own.Name, err), Hint: own.hint()}
	}
	return &UsageError{Message: fmt.Sprintf("invalid value %q for flag --%s: %v", value, own.Name, err), Hint: own.hint()}
}

func (o *Own) hint() string { return "--" + o.Name + ": " + o.Usage }

// known is every flag that a command line may have.
type known struct {
	index flagIndex
	own   []Own
}

// lookup returns the flag of that name; own is nil for Go's and the page's.
func (k known) lookup(name string) (f Flag, own *Own, err error) {
	if f, ok := k.index[name]; ok {
		return f, nil, nil
	}
	for i, o := range k.own {
		if o.Name == name {
			return Flag{Name: o.Name, Arg: o.Arg, Bool: o.Bool}, &k.own[i], nil
		}
	}
	if name == "h" || name == "help" {
		return Flag{}, nil, flag.ErrHelp
	}
	return Flag{}, nil, k.undefined(name)
}

func (k known) undefined(name string) *UsageError {
	hint := "gorun -h lists the flags; what is meant for the program goes after the package"
	if near := k.nearest(name); near != "" {
		hint = "did you mean " + near + "?"
	}
	return &UsageError{Message: "flag provided but not defined: -" + name, Hint: hint}
}

// nearest returns the flag that name was probably meant to be, with its
// dashes, or "". One slip is forgiven in a short name and two in a longer one.
func (k known) nearest(name string) string {
	best, least := "", 1
	if len(name) > 4 {
		least = 2
	}
	if len(name) < 2 {
		least = 0
	}
	try := func(candidate, dashes string) {
		if d := distance(name, candidate); d <= least && (best == "" || d < least) && len(candidate) > 1 {
			best, least = dashes+candidate, d
		}
	}
	for _, f := range Table() {
		try(f.Name, "-")
	}
	for _, o := range k.own {
		try(o.Name, "--")
	}
	return best
}

// distance is the number of bytes to insert, delete or replace to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
