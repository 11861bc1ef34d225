package monorepo

import (
	"embed"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
)

// blockFiles are declarations to fill files with. The first two lines of a
// block name the packages that it imports and what of it is used; Thing and
// thing stand for a name, 9001 and so on for numbers, "//~" for a comment.
//
//go:embed blocks
var blockFiles embed.FS

type block struct {
	imports, surface []string
	text             string
}

func readBlocks() []block {
	names, err := fs.Glob(blockFiles, "blocks/*.tmpl")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	blocks := make([]block, len(names))
	for i, name := range names {
		data, err := fs.ReadFile(blockFiles, name)
		if err != nil {
			panic(err) // Glob has just found it, in the executable
		}
		lines := strings.SplitN(string(data), "\n", 3)
		blocks[i] = block{
			imports: strings.Fields(strings.TrimPrefix(lines[0], "imports:")),
			surface: strings.Split(strings.TrimPrefix(lines[1], "surface: "), "; "),
			text:    lines[2],
		}
	}
	return blocks
}

const (
	nouns    = "Invoice Order Parcel Account Ledger Quote Ticket Rate Route Badge Batch Bundle Voucher Credit Debit Entry Window Slot Branch Depot Driver Vehicle Sensor Reading Alert Report Draft Receipt Refund Charge Balance Budget Share Region Tariff Token Tenant Member Session Visit"
	suffixes = "Item Set Page Line Head Part Note View Mark Sum Span Step Case Kind Link Plan"
	words    = "the a one each every this queue caller request record figure limit owner shard region retry order month total review team service client backend value change table answer reason field first last old new usually never always only again before after because unless until while keeps counts needs returns holds checks drops sends reads writes moves with without from into about under"
)

// author makes up the text of one package.
type author struct {
	random *rand.Rand
	blocks []block
	taken  map[string]bool // names
}

// name returns a name that the package does not have yet.
func (a *author) name() string {
	for {
		n := a.pick(nouns) + a.pick(suffixes)
		if len(a.taken) > 300 { // of 640: from here on luck would take long
			n += fmt.Sprint(len(a.taken))
		}
		if !a.taken[n] {
			a.taken[n] = true
			return n
		}
	}
}

func (a *author) pick(list string) string {
	fields := strings.Fields(list)
	return fields[a.random.IntN(len(fields))]
}

// often is true in percent of 100 cases.
func (a *author) often(percent int) bool { return a.random.IntN(100) < percent }

// comment returns a few lines of prose.
func (a *author) comment() string {
	var b strings.Builder
	for range 1 + a.random.IntN(5) {
		line := "//"
		for len(line) < 64 {
			line += " " + a.pick(words)
		}
		b.WriteString(line + ".\n")
	}
	return b.String()
}

// fill appends blocks to a file until it has size bytes.
func (a *author) fill(s *source, size int) {
	for s.body.Len() < size || s.body.Len() == 0 {
		b := a.blocks[a.random.IntN(len(a.blocks))]
		name := a.name()
		pairs := []string{"Thing", name, "thing", strings.ToLower(name[:1]) + name[1:]}
		for n := range 6 {
			pairs = append(pairs, fmt.Sprint(9001+n), fmt.Sprint(10+a.random.IntN(980)))
		}
		r := strings.NewReplacer(pairs...)
		for i, piece := range strings.Split(r.Replace(b.text), "//~\n") {
			if i > 0 {
				s.body.WriteString(a.comment())
			}
			s.body.WriteString(piece)
		}
		for _, use := range b.surface {
			s.surface = append(s.surface, r.Replace(use))
		}
		s.imports = append(s.imports, b.imports...)
	}
}

const license = `// Copyright The Example Authors. All rights reserved.
// Use of this source code is governed by the terms that the repository's
// owners have agreed upon, and by nobody else's.

`

// source is a Go file in the making.
type source struct {
	constraint string // of a //go:build line
	doc        string // the package comment, with its slashes
	pkg        string
	imports    []string
	body       strings.Builder
	surface    []string // expressions that use what the file declares
}

func (s *source) String() string {
	var b strings.Builder
	b.WriteString(license)
	if s.constraint != "" {
		b.WriteString("//go:build " + s.constraint + "\n\n")
	}
	b.WriteString(s.doc + "package " + s.pkg + "\n")
	s.writeImports(&b)
	b.WriteString(s.body.String())
	return b.String()
}

func (s *source) writeImports(b *strings.Builder) {
	slices.Sort(s.imports)
	var std, local string
	for _, path := range slices.Compact(s.imports) {
		line := fmt.Sprintf("\t%q\n", path)
		if path == "embed" {
			line = "\t_ \"embed\"\n"
		}
		if strings.HasPrefix(path, Module) {
			local += line
		} else {
			std += line
		}
	}
	if std != "" && local != "" {
		local = "\n" + local
	}
	if std+local != "" {
		b.WriteString("\nimport (\n" + std + local + ")\n")
	}
}
