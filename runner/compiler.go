package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/org/gorun-action/container"
)

// checkC says before the build what a C compiler that is not there would say
// badly after it.
func (r *run) checkC(ctx context.Context, plan Plan, site container.Site) error {
	if !site.Contained() {
		return nil
	}
	reason := r.needsC(plan)
	if reason == "" || !site.NoC && r.hasC(ctx, site) {
		return nil
	}
	image, hint := "the image "+site.Image, "name a --toolchain-image that has one"
	if site.NoC {
		image = "the toolchain image of Go " + site.Version
		hint = "build with an image that has one, --toolchain-image=golang:" + site.Version + " (with its digest, which gorun then tells)"
	}
	return &fault{
		outcome: Usage,
		err:     fmt.Errorf("%s needs a C compiler, and %s has none", reason, image),
		hint:    hint + ", or with --builder=host",
	}
}

// needsC returns what makes this build need a C compiler, or "".
func (r *run) needsC(plan Plan) string {
	cgo := r.spec.Env.Get("CGO_ENABLED")
	switch {
	case r.spec.Build.NeedsC != "":
		return r.spec.Build.NeedsC
	case cgo == "1":
		return "CGO_ENABLED=1"
	case cgo == "0":
		return ""
	}
	goos, goarch, _ := strings.Cut(plan.Target, "/")
	tags, _ := r.spec.Build.Value("tags")
	if file := plan.workspace.CgoNeed(plan.Package, goos, goarch, strings.Split(tags, ",")); file != "" {
		return relative(plan.Dir, file) + " (import \"C\")"
	}
	return ""
}

// hasC asks an image of which nothing is known. Only a compiler that is surely
// not there counts as missing; the rest is for the go command to report.
func (r *run) hasC(ctx context.Context, site container.Site) bool {
	compiler := "gcc" // cmd/go's own default on Linux
	if words := strings.Fields(r.spec.Env.Get("CC")); len(words) > 0 {
		compiler = words[0]
	}
	_, err := site.Executor.Run(ctx, container.Command{Path: compiler, Args: []string{"--version"}, Env: containerEnv(r.spec.Env)})
	return !errors.Is(err, fs.ErrNotExist)
}
