package shared

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/org/gorun-action/cachekeys"
	"github.com/org/gorun-action/internal/store/blob"
	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/store/oci"
)

// The kinds of shared stores.
const (
	InDirectory = "dir"
	InActions   = "actions"
	InRegistry  = "oci"
)

// PlaceSyntax is how a list of places is written.
const PlaceSyntax = "dir:path, actions or oci:host/repository, several with commas between them"

// Place names a shared store, as --cache-to does.
type Place struct {
	Kind string
	// At is the directory, absolute, or the repository; "" for GitHub's cache.
	At string
}

// String is how --cache-to has it.
func (p Place) String() string {
	if p.At == "" {
		return p.Kind
	}
	return p.Kind + ":" + p.At
}

// ParsePlaces reads a list of places with commas between them. A directory
// counts from where the process is.
func ParsePlaces(list string) ([]Place, error) {
	var places []Place
	for word := range strings.SplitSeq(list, ",") {
		p, err := parsePlace(strings.TrimSpace(word))
		if err != nil {
			return nil, err
		}
		places = append(places, p)
	}
	return places, nil
}

func parsePlace(word string) (Place, error) {
	kind, at, _ := strings.Cut(word, ":")
	switch {
	case word == InActions:
		return Place{Kind: kind}, nil
	case kind == InRegistry && at != "":
		return Place{kind, at}, nil
	case kind == InDirectory && at != "":
		wd, err := os.Getwd()
		return Place{kind, cachekeys.Resolve(wd, at)}, err
	}
	return Place{}, errors.New("write it as " + PlaceSyntax)
}

// Opening is what it takes to open a place.
type Opening struct {
	// Getenv has the variables of GitHub's runner, secrets included.
	Getenv func(string) string
	// Now is the clock of directories; nil is time.Now.
	Now func() time.Time
	// Budget is what the faults of the store may waste.
	Budget time.Duration
}

// Open opens a store for runs. It sends nothing yet. Where there is no cache
// service of GitHub, the error wraps githubcache.ErrNoService.
func (p Place) Open(o Opening) (Layer, error) {
	l := Layer{Name: p.String(), Budget: blob.NewBudget(o.Budget)}
	switch p.Kind {
	case InDirectory:
		dir := &blob.Dir{Root: p.At, Now: o.Now}
		l.Store, l.Admin = blob.TimeLimited(dir, o.Budget/2), dir
	case InActions:
		config := githubcache.ConfigFromEnv(o.Getenv)
		config.Transport = l.patient(newRunners(transport()))
		cache, err := githubcache.New(config)
		if err != nil {
			return l, err
		}
		l.Store = cache
	case InRegistry:
		repository, err := oci.New(p.At, oci.Options{Transport: l.patient(transport())})
		if err != nil {
			return l, err
		}
		l.Store, l.Admin = repository, repository
	}
	return l, nil
}

// parallel is how many connections to one host are kept for the next part: as
// many as are used at the same time. net/http keeps two.
const parallel = 8

func transport() *http.Transport {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.MaxIdleConnsPerHost = parallel
	return base
}

func (l Layer) patient(base http.RoundTripper) http.RoundTripper {
	return blob.NewTransport(base, blob.TransportOptions{Budget: l.Budget})
}

// OpenAdmin opens a store for who looks after it: its Admin is not nil. That of
// GitHub's cache is its REST interface, which wants GITHUB_REPOSITORY and
// GITHUB_TOKEN. The cache service itself, which has the contents, is only there
// for the steps of actions: elsewhere Store is nil.
func (p Place) OpenAdmin(o Opening) (Layer, error) {
	l, err := p.Open(o)
	if p.Kind != InActions || err != nil && !errors.Is(err, githubcache.ErrNoService) {
		return l, err
	}
	config := githubcache.RESTConfigFromEnv(o.Getenv)
	config.Transport = l.patient(newRunners(transport()))
	rest, err := githubcache.NewREST(config)
	if err != nil {
		return l, err
	}
	l.Admin = rest
	return l, nil
}
