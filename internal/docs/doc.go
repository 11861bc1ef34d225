// Package docs holds the tests that keep the documents to the code: tables,
// links, log records, doc comments. The ones that need gorun's own flags are
// in cmd/gorun/docs_test.go.
package docs
