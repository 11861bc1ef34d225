// Package githubcache keeps blobs in the cache service of GitHub Actions, in
// both its protocols, through a client of its own on net/http:
//
//   - v2, which github.com and ghe.com have: Twirp calls
//     (POST <results>/twirp/github.actions.results.api.v1.CacheService/<Method>,
//     JSON) that hand out signed URLs of an Azure block blob.
//   - v1, which GitHub Enterprise Server, nektos/act and Forgejo have: a REST
//     interface below <cache>/_apis/artifactcache/.
//
// What the protocols are was read in actions/toolkit, packages/cache/src
// (cache.ts, internal/cacheHttpClient.ts, internal/shared/cacheTwirpClient.ts,
// internal/uploadUtils.ts, generated/results/api/v1/cache.ts) and in
// nektos/act, pkg/artifactcache. The servers of the package cachetest speak
// them, too.
//
// Three things are the service's and not ours:
//
//   - It looks through the own ref, then the base branch, then the default
//     branch, with the key and all prefixes in each. So a blob that is found by
//     a prefix in the own ref hides one of the very key on the default branch.
//   - A reservation that its owner never finished blocks its key for a while:
//     Put says fs.ErrExist, and Find a miss.
//   - The answer to the last request of a Put may be lost: then the blob can be
//     found, whole, although Put failed.
package githubcache
