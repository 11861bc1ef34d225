// Package runnerimage holds the tests of the runner images: what `docker run`
// of them does, with a real engine. The slim image is made by `gorunctl image
// runner`, the full one by the Dockerfile, over a base that debian.sh makes.
package runnerimage
