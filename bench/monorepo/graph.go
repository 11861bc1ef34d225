package monorepo

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// modulus keeps weights, which grow with the number of paths, within an int of
// any size. It is a prime, so that no factor of the graph makes it 0.
const modulus = "1000003"

// layers has the share of the packages, in percent, at or below each layer:
// few foundations, many in the middle, few on top, as in real repositories.
// No layer is more than twice as wide as the next one, so that it can be
// imported there.
const layers = "10 24 40 56 70 81 89 95 98 100"

const (
	areas   = "internal libs platform services"
	domains = "account address audit billing booking calendar campaign cart catalog claim contract coupon courier currency customer delivery device discount document event export feed fleet forecast geo identity import inventory invoice label ledger loan locale mail market media meter notice order parcel partner payment payroll permit plan policy price"
	kinds   = "access adapter agent alias archive batch broker buffer builder checker client cluster codec collector config crawler cursor digest draft engine filter format gateway graph group guard history hook index job journal keeper limiter loader lock mapper matcher merge metric mirror model monitor parser pool probe query queue record"
)

// unit is one package.
type unit struct {
	index int     // lower ones never import higher ones
	name  string  // of the package; unique, so that no import needs another name
	dir   string  // from the root, with slashes
	deps  []*unit // by dir
}

func (u *unit) path() string { return Module + "/" + u.dir }

// graph returns all packages; the last one is the main package.
func graph(o Options) []*unit {
	units := make([]*unit, o.Packages)
	for i := range units {
		units[i] = name(i)
	}
	libraries, main := units[:len(units)-1], &unit{index: len(units) - 1, name: "main", dir: "cmd/server"}
	units[main.index] = main
	all := split(libraries)
	for i, layer := range all[1:] {
		adopt(all[i], layer)
	}
	main.deps = slices.Clone(all[len(all)-1])
	for _, u := range libraries {
		u.befriend(libraries[:below(all, u)], rand.New(rand.NewPCG(o.Seed, uint64(u.index))))
	}
	for _, u := range units {
		slices.SortFunc(u.deps, func(a, b *unit) int { return cmp.Compare(a.dir, b.dir) })
	}
	return units
}

func name(i int) *unit {
	area, domain, kind := strings.Fields(areas), strings.Fields(domains), strings.Fields(kinds)
	d, k, again := i%len(domain), i/len(domain)%len(kind), i/len(domain)/len(kind)
	u := &unit{index: i, name: domain[d] + kind[k]}
	if again > 0 {
		u.name += fmt.Sprint(again + 1)
	}
	u.dir = area[d%len(area)] + "/" + domain[d] + "/" + u.name
	return u
}

// split cuts the packages into layers, the lowest first, none of them empty.
func split(units []*unit) [][]*unit {
	var all [][]*unit
	from := 0
	for _, share := range strings.Fields(layers) {
		var percent int
		fmt.Sscan(share, &percent)
		if to := len(units) * percent / 100; to > from {
			all = append(all, units[from:to])
			from = to
		}
	}
	return all
}

// adopt gives each package of a layer an importer in the next one.
func adopt(layer, next []*unit) {
	for i, u := range layer {
		importer := next[i%len(next)]
		importer.deps = append(importer.deps, u)
	}
}

// below is how many packages are in lower layers than u.
func below(all [][]*unit, u *unit) int {
	n := 0
	for _, layer := range all {
		if u.index < n+len(layer) {
			return n
		}
		n += len(layer)
	}
	return n
}

// befriend adds imports from the lower layers, mostly of the nearest ones,
// until there are three to eight, or all that there are.
func (u *unit) befriend(lower []*unit, random *rand.Rand) {
	want := min(3+random.IntN(6), len(lower))
	for len(u.deps) < want {
		f := random.Float64()
		d := lower[len(lower)-1-int(f*f*float64(len(lower)))]
		if !slices.Contains(u.deps, d) {
			u.deps = append(u.deps, d)
		}
	}
}
